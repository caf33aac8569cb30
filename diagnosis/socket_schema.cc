#include "diagnosis/socket_schema.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {
namespace {

using expr::Type;
using expr::Value;
using MaybeValue = std::optional<Value>;

template <typename T>
MaybeValue Int(std::optional<T> value) {
  if (!value.has_value()) return std::nullopt;
  return Value::Int(static_cast<int64_t>(*value));
}

MaybeValue Double(std::optional<double> value) {
  if (!value.has_value()) return std::nullopt;
  return Value::Double(*value);
}

MaybeValue Microseconds(std::optional<uint32_t> value) {
  if (!value.has_value()) return std::nullopt;
  return Value::Duration(absl::Microseconds(*value));
}

std::optional<uint32_t> PathRttUs(const SocketSample& sample) {
  const auto min_rtt_us = MinRttUs(sample);
  return min_rtt_us.has_value() ? min_rtt_us : RttUs(sample);
}

StandIn ForPathRtt(const SocketReading& reading) {
  const SocketSample& sample = *reading.sample;
  if (MinRttUs(sample).has_value() || !RttUs(sample).has_value()) return {};
  return {"rtt for min_rtt", "tcpi_rtt", "tcpi_min_rtt", true};
}

StandIn ForDataSegments(const SocketReading& reading) {
  const auto segments = DataSegmentsOf(*reading.sample);
  if (!segments.has_value()) return {};
  return {segments->stand_in, segments->source, "tcpi_data_segs_out"};
}

// What one counter is of another. Nothing of nothing is `of_nothing`.
std::optional<double> Ratio(const SocketReading& reading, std::optional<int64_t> SocketDelta::*part,
                            std::optional<int64_t> SocketDelta::*whole,
                            std::optional<double> of_nothing) {
  if (reading.window == nullptr) return std::nullopt;
  const auto numerator = reading.window->*part;
  const auto denominator = reading.window->*whole;
  if (!numerator.has_value() || !denominator.has_value()) return std::nullopt;
  if (*denominator == 0) return of_nothing;
  return static_cast<double>(*numerator) / static_cast<double>(*denominator);
}

// Of a socket that sent nothing there is no telling what would have been lost.
std::optional<double> RetransRatio(const SocketReading& reading) {
  return Ratio(reading, &SocketDelta::retransmits, &SocketDelta::data_segments, std::nullopt);
}

std::optional<double> LossPredictedCwnd(const SocketReading& reading) {
  const auto ratio = RetransRatio(reading);
  if (!ratio.has_value() || *ratio == 0) return std::nullopt;  // no loss predicts no bound
  return 1.22 / std::sqrt(*ratio);
}

// Per second of the window that was really observed.
std::optional<double> PerSecond(const SocketReading& reading,
                                std::optional<int64_t> SocketDelta::*counter) {
  if (reading.window == nullptr || !(reading.window->*counter).has_value()) return std::nullopt;
  if (reading.window->over != CountedOver::kWindow) return std::nullopt;
  return static_cast<double>(*(reading.window->*counter)) /
         absl::ToDoubleSeconds(reading.window->span);
}

std::optional<double> DeliveryRateBps(const SocketSample& sample) {
  const auto bytes_per_second = Info(sample, &tcp_info::tcpi_delivery_rate);
  if (!bytes_per_second.has_value() || *bytes_per_second == 0) return std::nullopt;
  return static_cast<double>(*bytes_per_second) * 8;
}

// Where the span is not known that bytes were acknowledged in, another rate has to stand in.
struct Goodput {
  double bps = 0;
  StandIn stand_in = {};
};
std::optional<Goodput> GoodputOf(const SocketReading& reading) {
  const auto bytes_per_second = PerSecond(reading, &SocketDelta::bytes_acked);
  if (bytes_per_second.has_value()) return Goodput{*bytes_per_second * 8};
  if (reading.window == nullptr || reading.window->over == CountedOver::kWindow) {
    return std::nullopt;
  }
  if (const auto bps = DeliveryRateBps(*reading.sample)) {
    return Goodput{*bps,
                   {"delivery_rate for bytes_acked per second", "tcpi_delivery_rate",
                    "tcpi_bytes_acked", true}};
  }
  if (!reading.stated_bps.has_value()) return std::nullopt;
  return Goodput{
      *reading.stated_bps,
      {"the stated rate for bytes_acked per second", "rate", "tcp_info.tcpi_bytes_acked", true}};
}

std::optional<double> WindowBps(const SocketSample& sample) {
  const auto cwnd = Info(sample, &tcp_info::tcpi_snd_cwnd);
  const auto mss = Info(sample, &tcp_info::tcpi_snd_mss);
  const auto rtt_us = PathRttUs(sample);
  if (!cwnd.has_value() || !mss.has_value() || !rtt_us.has_value()) return std::nullopt;
  return 8.0 * *cwnd * *mss / (*rtt_us / 1e6);
}

const SocketAttribute kAttributes[] = {
    // Who it is.
    {"socket.state", Type::String(), "", Basis::kNow, "inet_diag_msg.idiag_state",
     "TCP state as ss(8) names it: \"established\", \"close-wait\", \"listening\"",
     [](const SocketReading& r) -> MaybeValue { return Value::String(Name(r.sample->state)); }},
    {"socket.cc", Type::String(), "", Basis::kNow, "INET_DIAG_CONG",
     "congestion control: \"cubic\", \"bbr\"",
     [](const SocketReading& r) -> MaybeValue {
       if (r.sample->cc().empty()) return std::nullopt;
       return Value::String(r.sample->cc());
     }},
    {"socket.family", Type::String(), "", Basis::kNow, "inet_diag_msg.idiag_family",
     "\"ipv4\" or \"ipv6\", as on the wire",
     [](const SocketReading& r) -> MaybeValue {
       return Value::String(r.sample->remote_ip.v6 ? "ipv6" : "ipv4");
     }},
    {"socket.v4_mapped", Type::Bool(), "", Basis::kNow, "inet_diag_msg.idiag_family",
     "an IPv6 socket that speaks IPv4",
     [](const SocketReading& r) -> MaybeValue { return Value::Bool(r.sample->v4_mapped); }},
    {"socket.local_ip", Type::Ip(), "", Basis::kNow, "inet_diag_sockid.idiag_src", "local address",
     [](const SocketReading& r) -> MaybeValue { return Value::Ip(r.sample->local_ip); }},
    {"socket.remote_ip", Type::Ip(), "", Basis::kNow, "inet_diag_sockid.idiag_dst",
     "remote address",
     [](const SocketReading& r) -> MaybeValue { return Value::Ip(r.sample->remote_ip); }},
    {"socket.local_port", Type::Int(), "", Basis::kNow, "inet_diag_sockid.idiag_sport",
     "local port",
     [](const SocketReading& r) -> MaybeValue { return Value::Int(r.sample->local_port); }},
    {"socket.remote_port", Type::Int(), "", Basis::kNow, "inet_diag_sockid.idiag_dport",
     "remote port",
     [](const SocketReading& r) -> MaybeValue { return Value::Int(r.sample->remote_port); }},
    {"socket.uid", Type::Int(), "", Basis::kNow, "inet_diag_msg.idiag_uid", "the owner's user id",
     [](const SocketReading& r) -> MaybeValue { return Value::Int(r.sample->uid); }},
    {"socket.rqueue_bytes", Type::Int(), "bytes", Basis::kNow, "inet_diag_msg.idiag_rqueue",
     "bytes that the application has not read; of a listener, connections waiting for accept()",
     [](const SocketReading& r) -> MaybeValue { return Value::Int(r.sample->rqueue); }},
    {"socket.wqueue_bytes", Type::Int(), "bytes", Basis::kNow, "inet_diag_msg.idiag_wqueue",
     "bytes that the peer has not acknowledged; of a listener, its backlog",
     [](const SocketReading& r) -> MaybeValue { return Value::Int(r.sample->wqueue); }},

    // The path and the window, at this moment.
    {"socket.rtt", Type::Duration(), "", Basis::kNow, "tcp_info.tcpi_rtt",
     "smoothed round-trip time",
     [](const SocketReading& r) { return Microseconds(RttUs(*r.sample)); }},
    {"socket.min_rtt", Type::Duration(), "", Basis::kNow, "tcp_info.tcpi_min_rtt",
     "least round-trip time of the last minutes (tcp_min_rtt_wlen)",
     [](const SocketReading& r) { return Microseconds(MinRttUs(*r.sample)); }},
    {"socket.path_rtt", Type::Duration(), "", Basis::kNow, "tcp_info.tcpi_min_rtt",
     "the path's own round-trip time: min_rtt, else rtt",
     [](const SocketReading& r) { return Microseconds(PathRttUs(*r.sample)); }, ForPathRtt},
    {"socket.rtt_var", Type::Duration(), "", Basis::kNow, "tcp_info.tcpi_rttvar",
     "mean deviation of the round-trip time",
     [](const SocketReading& r) {
       return Microseconds(RttUs(*r.sample).has_value() ? Info(*r.sample, &tcp_info::tcpi_rttvar)
                                                        : std::nullopt);
     }},
    {"socket.rtt_inflation", Type::Double(), "", Basis::kNow, "tcp_info.tcpi_rtt / tcpi_min_rtt",
     "how much longer a round trip takes than the path itself",
     [](const SocketReading& r) -> MaybeValue {
       const auto rtt_us = RttUs(*r.sample);
       const auto min_rtt_us = MinRttUs(*r.sample);
       if (!rtt_us.has_value() || !min_rtt_us.has_value()) return std::nullopt;
       return Value::Double(static_cast<double>(*rtt_us) / *min_rtt_us);
     }},
    {"socket.rto", Type::Duration(), "", Basis::kNow, "tcp_info.tcpi_rto", "retransmission timeout",
     [](const SocketReading& r) { return Microseconds(Info(*r.sample, &tcp_info::tcpi_rto)); }},
    {"socket.backoff", Type::Int(), "", Basis::kNow, "tcp_info.tcpi_backoff",
     "how often the timeout has been doubled",
     [](const SocketReading& r) { return Int(Info(*r.sample, &tcp_info::tcpi_backoff)); }},
    {"socket.cwnd", Type::Int(), "segments", Basis::kNow, "tcp_info.tcpi_snd_cwnd",
     "congestion window in segments",
     [](const SocketReading& r) { return Int(Info(*r.sample, &tcp_info::tcpi_snd_cwnd)); }},
    {"socket.ssthresh", Type::Int(), "segments", Basis::kNow, "tcp_info.tcpi_snd_ssthresh",
     "slow-start threshold in segments; unknown before it is set",
     [](const SocketReading& r) { return Int(SsthreshSegments(*r.sample)); }},
    {"socket.mss", Type::Int(), "bytes", Basis::kNow, "tcp_info.tcpi_snd_mss",
     "bytes of data in a full segment",
     [](const SocketReading& r) { return Int(Info(*r.sample, &tcp_info::tcpi_snd_mss)); }},
    {"socket.snd_wnd_bytes", Type::Int(), "bytes", Basis::kNow, "tcp_info.tcpi_snd_wnd",
     "the receive window that the peer advertises, in bytes",
     [](const SocketReading& r) { return Int(Info(*r.sample, &tcp_info::tcpi_snd_wnd)); }},
    {"socket.app_limited", Type::Bool(), "", Basis::kNow, "tcp_info.tcpi_delivery_rate_app_limited",
     "the newest rate sample was taken while the application had nothing to send",
     [](const SocketReading& r) -> MaybeValue {
       if (r.sample->state == TcpState::kListen) return std::nullopt;
       const auto limited = r.sample->info.delivery_rate_app_limited();
       if (!limited.has_value()) return std::nullopt;
       return Value::Bool(*limited);
     }},
    {"socket.delivery_rate_bps", Type::Double(), "bit/s", Basis::kNow,
     "tcp_info.tcpi_delivery_rate", "the kernel's newest delivery rate in bit/s",
     [](const SocketReading& r) { return Double(DeliveryRateBps(*r.sample)); }},
    {"socket.window_bps", Type::Double(), "bit/s", Basis::kNow,
     "tcp_info.tcpi_snd_cwnd * tcpi_snd_mss * 8 / tcpi_min_rtt",
     "the rate in bit/s that cwnd allows: cwnd × mss × 8 ÷ path_rtt",
     [](const SocketReading& r) { return Double(WindowBps(*r.sample)); }, ForPathRtt},
    {"socket.cwnd_loss_ratio", Type::Double(), "", Basis::kNow, "(1.22 / tcp_info.tcpi_snd_cwnd)^2",
     "the loss that alone would hold a loss-based algorithm at this cwnd (RFC 9438 §5.1)",
     [](const SocketReading& r) -> MaybeValue {
       const auto cwnd = Info(*r.sample, &tcp_info::tcpi_snd_cwnd);
       if (!cwnd.has_value() || *cwnd == 0) return std::nullopt;
       return Value::Double(std::min(1.0, 1.22 * 1.22 / (1.0 * *cwnd * *cwnd)));
     }},

    {"socket.data_segments", Type::Int(), "segments", Basis::kLifetime,
     "tcp_info.tcpi_data_segs_out", "segments with data sent since the connection began",
     [](const SocketReading& r) -> MaybeValue {
       const auto segments = DataSegmentsOf(*r.sample);
       if (!segments.has_value()) return std::nullopt;
       return Value::Int(static_cast<int64_t>(segments->count));
     },
     ForDataSegments},

    // Over the window.
    {"socket.retrans_ratio", Type::Double(), "", Basis::kWindow,
     "tcp_info.tcpi_total_retrans / tcpi_data_segs_out",
     "retransmitted segments ÷ segments with data sent; unknown where none was sent",
     [](const SocketReading& r) { return Double(RetransRatio(r)); }, ForDataSegments},
    {"socket.loss_predicted_cwnd", Type::Double(), "segments", Basis::kWindow,
     "1.22 / sqrt(tcp_info.tcpi_total_retrans / tcpi_data_segs_out)",
     "the window in segments at which random loss holds a loss-based algorithm (RFC 9438 §5.1)",
     [](const SocketReading& r) { return Double(LossPredictedCwnd(r)); }, ForDataSegments},
    {"socket.dsack_ratio", Type::Double(), "", Basis::kWindow,
     "tcp_info.tcpi_dsack_dups / tcpi_total_retrans",
     "retransmits that the peer reported as needless (DSACK) ÷ retransmits",
     [](const SocketReading& r) {
       return Double(Ratio(r, &SocketDelta::dsacks, &SocketDelta::retransmits, 0));
     }},
    {"socket.reord_seen", Type::Double(), "", Basis::kWindow, "tcp_info.tcpi_reord_seen",
     "reorderings that were seen in the window",
     [](const SocketReading& r) -> MaybeValue {
       if (r.window == nullptr || !r.window->reorderings.has_value()) return std::nullopt;
       return Value::Double(static_cast<double>(*r.window->reorderings));
     }},
    {"socket.busy_ratio", Type::Double(), "", Basis::kWindow, "tcp_info.tcpi_busy_time",
     "share of the window with data to send or not acknowledged",
     [](const SocketReading& r) -> MaybeValue {
       const auto busy_us_per_second = PerSecond(r, &SocketDelta::busy_us);
       if (!busy_us_per_second.has_value()) return std::nullopt;
       return Value::Double(std::min(*busy_us_per_second / 1e6, 1.0));
     }},
    {"socket.unsent_ratio", Type::Double(), "", Basis::kWindow,
     "tcp_info.tcpi_notsent_bytes >= tcpi_snd_mss",
     "share of the window's readings that had at least a segment waiting to be sent",
     [](const SocketReading& r) {
       return Double(Ratio(r, &SocketDelta::unsent_readings, &SocketDelta::readings, 0));
     }},
    {"socket.rwnd_limited_ratio", Type::Double(), "", Basis::kWindow,
     "tcp_info.tcpi_rwnd_limited / tcpi_busy_time",
     "share of the busy time in which the receiver's window was the limit",
     [](const SocketReading& r) {
       return Double(Ratio(r, &SocketDelta::rwnd_limited_us, &SocketDelta::busy_us, 0));
     }},
    {"socket.sndbuf_limited_ratio", Type::Double(), "", Basis::kWindow,
     "tcp_info.tcpi_sndbuf_limited / tcpi_busy_time",
     "share of the busy time in which the send buffer was the limit",
     [](const SocketReading& r) {
       return Double(Ratio(r, &SocketDelta::sndbuf_limited_us, &SocketDelta::busy_us, 0));
     }},
    {"socket.goodput_bps", Type::Double(), "bit/s", Basis::kWindow, "tcp_info.tcpi_bytes_acked",
     "bits that the peer acknowledged, per second",
     [](const SocketReading& r) -> MaybeValue {
       const auto goodput = GoodputOf(r);
       if (!goodput.has_value()) return std::nullopt;
       return Value::Double(goodput->bps);
     },
     [](const SocketReading& r) {
       const auto goodput = GoodputOf(r);
       return goodput.has_value() ? goodput->stand_in : StandIn{};
     }},
};

enum GroupSlot { kGroupCount, kGroupGoodput };

struct GroupAttribute {
  absl::string_view name;
  Type type;
  absl::string_view unit;
  absl::string_view source;
  absl::string_view doc;
};

// In the order of GroupSlot.
const GroupAttribute kGroupAttributes[] = {
    {"group.count", Type::Int(), "sockets", "", "sockets in the group that match"},
    {"group.goodput_bps", Type::Double(), "bit/s", "tcp_info.tcpi_bytes_acked",
     "sum of socket.goodput_bps over the group"},
};

void AddSocketAttributes(expr::Schema* schema) {
  for (const SocketAttribute& attribute : kAttributes) {
    schema->Add({std::string(attribute.name), attribute.type, std::string(attribute.doc)});
  }
}

void AddGroupAttributes(expr::Schema* schema) {
  for (const GroupAttribute& attribute : kGroupAttributes) {
    schema->Add({std::string(attribute.name), attribute.type, std::string(attribute.doc)});
  }
}

std::string WindowText(const SocketDelta* window) {
  return window == nullptr ? "window not full" : CountedOverText(window->over, window->span);
}

std::string BasisText(const SocketAttribute& attribute, const StandIn& stand_in,
                      const SocketReading& reading) {
  const std::string over = attribute.basis == Basis::kNow || stand_in.is_now ? "now"
                           : attribute.basis == Basis::kLifetime             ? "lifetime"
                                                                 : WindowText(reading.window);
  return stand_in.words.empty() ? over : absl::StrCat(over, ", ", stand_in.words);
}

std::string SourceText(const SocketAttribute& attribute, const StandIn& stand_in) {
  if (stand_in.words.empty()) return std::string(attribute.source);
  return absl::StrReplaceAll(attribute.source, {{stand_in.for_source, stand_in.source}});
}

}  // namespace

absl::Span<const SocketAttribute> SocketAttributes() { return kAttributes; }

const expr::Schema& SocketSchema() {
  static const expr::Schema* const schema = [] {
    auto* const made = new expr::Schema;
    AddSocketAttributes(made);
    return made;
  }();
  return *schema;
}

const expr::Schema& GroupSchema() {
  static const expr::Schema* const schema = [] {
    auto* const made = new expr::Schema;
    AddGroupAttributes(made);
    return made;
  }();
  return *schema;
}

const expr::Schema& VerdictSchema() {
  static const expr::Schema* const schema = [] {
    auto* const made = new expr::Schema;
    AddSocketAttributes(made);
    AddGroupAttributes(made);
    return made;
  }();
  return *schema;
}

Value SocketActivation::Get(int slot) const {
  return kAttributes[slot].read(reading_).value_or(Value::Unknown(slot));
}

Value GroupActivation::Get(int slot) const {
  if (slot == kGroupCount) return Value::Int(reading_.count);
  return Double(reading_.goodput_bps).value_or(Value::Unknown(slot));
}

Value VerdictActivation::Get(int slot) const {
  const int sockets = SocketSchema().size();
  if (slot < sockets) return exemplar_.Get(slot);
  const Value value = group_.Get(slot - sockets);
  return value.is_unknown() ? Value::Unknown(slot) : value;
}

v1::Evidence MakeEvidence(int slot, const SocketReading& exemplar, const GroupReading& group) {
  const int sockets = SocketSchema().size();
  v1::Evidence evidence;
  SetValue(VerdictActivation(exemplar, group).Get(slot), &evidence);
  if (slot < sockets) {
    const SocketAttribute& attribute = kAttributes[slot];
    evidence.set_name(std::string(attribute.name));
    evidence.set_unit(std::string(attribute.unit));
    const StandIn stand_in =
        attribute.stand_in == nullptr ? StandIn{} : attribute.stand_in(exemplar);
    evidence.set_basis(BasisText(attribute, stand_in, exemplar));
    evidence.set_source(SourceText(attribute, stand_in));
    return evidence;
  }
  const GroupAttribute& attribute = kGroupAttributes[slot - sockets];
  evidence.set_name(std::string(attribute.name));
  evidence.set_unit(std::string(attribute.unit));
  evidence.set_basis(slot - sockets == kGroupCount ? "now" : WindowText(exemplar.window));
  evidence.set_source(std::string(attribute.source));
  return evidence;
}

}  // namespace tcpmedic
