#include "diagnosis/netns_schema.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using expr::Type;
using expr::Value;
using MaybeValue = std::optional<Value>;

MaybeValue Int(std::optional<int64_t> value) {
  if (!value.has_value()) return std::nullopt;
  return Value::Int(*value);
}

MaybeValue Double(std::optional<double> value) {
  if (!value.has_value()) return std::nullopt;
  return Value::Double(*value);
}

// Per second of the window that was really observed.
MaybeValue Rate(const NetnsReading& reading, std::optional<int64_t> increase) {
  if (reading.window == nullptr || !increase.has_value()) return std::nullopt;
  if (reading.window->over != CountedOver::kWindow) return std::nullopt;
  return Value::Double(static_cast<double>(*increase) /
                       absl::ToDoubleSeconds(reading.window->span));
}

template <NetnsCounter counter>
MaybeValue Increase(const NetnsReading& reading) {
  if (reading.window == nullptr) return std::nullopt;
  return Int((*reading.window)[counter]);
}

template <NetnsCounter counter>
MaybeValue PerSecond(const NetnsReading& reading) {
  if (reading.window == nullptr) return std::nullopt;
  return Rate(reading, (*reading.window)[counter]);
}

template <NetnsSetting setting>
MaybeValue Setting(const NetnsReading& reading) {
  if (reading.newest == nullptr) return std::nullopt;
  return Int((*reading.newest)[setting]);
}

// Null: no dump, or no listener that matters.
const Listener* ListenerOf(const NetnsReading& reading) {
  if (reading.listeners == nullptr || !reading.listeners->most_pressed.has_value()) return nullptr;
  return &*reading.listeners->most_pressed;
}

template <int64_t Listener::*member>
MaybeValue OfListener(const NetnsReading& reading) {
  const Listener* const listener = ListenerOf(reading);
  if (listener == nullptr) return std::nullopt;
  return Value::Int(listener->*member);
}

using C = NetnsCounter;
using S = NetnsSetting;

// Those of the namespace alone come first: CompileNetnsCondition() knows no others.
const NetnsAttribute kAttributes[] = {
    // How much the counters grew over the window.
    {"netns.syncookies_sent", Type::Int(), "SYN-ACKs", Basis::kWindow, false,
     "TcpExtSyncookiesSent", "SYNs that were answered by a cookie, in the window",
     Increase<C::kSyncookiesSent>},
    {"netns.syncookies_recv", Type::Int(), "ACKs", Basis::kWindow, false, "TcpExtSyncookiesRecv",
     "cookies that came back valid, in the window", Increase<C::kSyncookiesRecv>},
    {"netns.syncookies_failed", Type::Int(), "ACKs", Basis::kWindow, false,
     "TcpExtSyncookiesFailed",
     "ACKs without a connection or valid cookie, in the window; stray ones count too",
     Increase<C::kSyncookiesFailed>},
    {"netns.syncookies_recv_ratio", Type::Double(), "", Basis::kWindow, false,
     "TcpExtSyncookiesRecv / TcpExtSyncookiesSent",
     "cookies that came back ÷ cookies sent; unknown where none was sent",
     [](const NetnsReading& r) -> MaybeValue {
       if (r.window == nullptr) return std::nullopt;
       return Double(SyncookiesRecvRatio(*r.window));
     }},
    {"netns.reqq_full_do_cookies", Type::Int(), "SYNs", Basis::kWindow, false,
     "TcpExtTCPReqQFullDoCookies", "SYNs that found the SYN queue full and got a cookie",
     Increase<C::kReqqFullDoCookies>},
    {"netns.reqq_full_drops", Type::Int(), "SYNs", Basis::kWindow, false, "TcpExtTCPReqQFullDrop",
     "SYNs dropped because the listener's whole backlog was half-open, cookies being off; stays 0 "
     "where ¾ of tcp_max_syn_backlog is reached first",
     Increase<C::kReqqFullDrops>},
    {"netns.listen_overflows", Type::Int(), "", Basis::kWindow, false, "TcpExtListenOverflows",
     "SYNs and handshakes dropped because the accept queue was full",
     Increase<C::kListenOverflows>},
    {"netns.listen_drops", Type::Int(), "", Basis::kWindow, false, "TcpExtListenDrops",
     "SYNs and handshakes dropped for any reason", Increase<C::kListenDrops>},
    {"netns.syn_drops", Type::Int(), "SYNs", Basis::kWindow, false,
     "TcpExtListenDrops - TcpExtListenOverflows",
     "drops that a full accept queue does not explain: foremost a full SYN queue",
     [](const NetnsReading& r) -> MaybeValue {
       if (r.window == nullptr) return std::nullopt;
       return Int(SynDrops(*r.window));
     }},
    {"netns.syncookies_sent_per_s", Type::Double(), "/s", Basis::kWindow, false,
     "TcpExtSyncookiesSent", "SYNs that were answered by a cookie, per second",
     PerSecond<C::kSyncookiesSent>},
    {"netns.listen_drops_per_s", Type::Double(), "/s", Basis::kWindow, false, "TcpExtListenDrops",
     "SYNs and handshakes dropped for any reason, per second", PerSecond<C::kListenDrops>},
    {"netns.syn_drops_per_s", Type::Double(), "/s", Basis::kWindow, false,
     "TcpExtListenDrops - TcpExtListenOverflows",
     "drops that a full accept queue does not explain, per second",
     [](const NetnsReading& r) -> MaybeValue {
       if (r.window == nullptr) return std::nullopt;
       return Rate(r, SynDrops(*r.window));
     }},
    {"netns.passive_opens_per_s", Type::Double(), "/s", Basis::kWindow, false, "TcpPassiveOpens",
     "connections that were accepted from outside, per second", PerSecond<C::kPassiveOpens>},

    {"netns.counted_since", Type::String(), "", Basis::kWindow, false, "nstat",
     "since when the counters count, where there is one sample: \"boot\", \"nstat's last run\"; of "
     "a window it is unknown",
     [](const NetnsReading& r) -> MaybeValue {
       if (r.window == nullptr || r.window->over == CountedOver::kWindow) return std::nullopt;
       return Value::String(r.window->over == CountedOver::kLifetime ? "boot" : "nstat's last run");
     }},

    // Settings.
    {"netns.tcp_syncookies", Type::Int(), "", Basis::kNow, false, "net.ipv4.tcp_syncookies",
     "0: no cookies, 1: when the SYN queue is full, 2: always", Setting<S::kTcpSyncookies>},
    {"netns.tcp_max_syn_backlog", Type::Int(), "", Basis::kNow, false,
     "net.ipv4.tcp_max_syn_backlog",
     "without cookies, ¾ of it bound the half-open connections of a listener; with cookies it is "
     "not consulted",
     Setting<S::kTcpMaxSynBacklog>},
    {"netns.somaxconn", Type::Int(), "", Basis::kNow, false, "net.core.somaxconn",
     "the most that listen() takes as backlog, at the time that it is called",
     Setting<S::kSomaxconn>},

    // From the newest dump.
    {"netns.syn_recv_sockets", Type::Int(), "sockets", Basis::kNow, true,
     "inet_diag: sockets in SYN-RECV", "half-open connections",
     [](const NetnsReading& r) -> MaybeValue {
       if (r.listeners == nullptr || !r.listeners->half_open_counted) return std::nullopt;
       return Value::Int(r.listeners->syn_recv_sockets);
     }},

    // The listener under most pressure: most half-open connections ÷ syn_queue_limit. Where none is
    // half-open it is the only one that there is.
    {"listener.address", Type::String(), "", Basis::kNow, true,
     "inet_diag_sockid.idiag_src, idiag_sport", "address and port: \"0.0.0.0:443\", \"[::]:443\"",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr) return std::nullopt;
       return Value::String(listener->address);
     }},
    {"listener.local_ip", Type::Ip(), "", Basis::kNow, true, "inet_diag_sockid.idiag_src",
     "the address that it listens on",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr) return std::nullopt;
       return Value::Ip(listener->local_ip);
     }},
    {"listener.local_port", Type::Int(), "", Basis::kNow, true, "inet_diag_sockid.idiag_sport",
     "the port that it listens on",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr) return std::nullopt;
       return Value::Int(listener->local_port);
     }},
    {"listener.backlog", Type::Int(), "", Basis::kNow, true, "inet_diag_msg.idiag_wqueue",
     "its backlog: as listen() was given it, at most what somaxconn was then",
     OfListener<&Listener::backlog>},
    {"listener.accept_queue", Type::Int(), "connections", Basis::kNow, true,
     "inet_diag_msg.idiag_rqueue", "connections that wait for accept()",
     OfListener<&Listener::accept_queue>},
    {"listener.accept_queue_ratio", Type::Double(), "", Basis::kNow, true,
     "inet_diag_msg.idiag_rqueue / idiag_wqueue", "connections that wait for accept() ÷ backlog",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr || listener->backlog == 0) return std::nullopt;
       return Value::Double(static_cast<double>(listener->accept_queue) /
                            static_cast<double>(listener->backlog));
     }},
    {"listener.syn_recv_sockets", Type::Int(), "sockets", Basis::kNow, true,
     "inet_diag: sockets in SYN-RECV", "its half-open connections",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr || !r.listeners->half_open_counted) return std::nullopt;
       return Value::Int(listener->syn_recv_sockets);
     }},
    {"listener.syn_queue_limit", Type::Int(), "sockets", Basis::kNow, true,
     "tcp_conn_request(), inet_csk_reqsk_queue_is_full()",
     "half-open connections that it takes: its backlog; with cookies off, no more than ¾ of "
     "tcp_max_syn_backlog",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr) return std::nullopt;
       return Int(listener->syn_queue_limit);
     }},
    {"listener.sources", Type::Int(), "addresses", Basis::kNow, true,
     "inet_diag_sockid.idiag_dst of sockets in SYN-RECV",
     "distinct addresses that its half-open connections come from",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr || !r.listeners->half_open_listed) return std::nullopt;
       return Value::Int(listener->sources);
     }},
    {"listener.top_sources", Type::String(), "", Basis::kNow, true,
     "inet_diag_sockid.idiag_dst of sockets in SYN-RECV",
     "the prefixes that most half-open connections come from: \"198.18.0.0/16 63 %\"; /16 for "
     "IPv4, /32 for IPv6",
     [](const NetnsReading& r) -> MaybeValue {
       const Listener* const listener = ListenerOf(r);
       if (listener == nullptr || !r.listeners->half_open_listed) return std::nullopt;
       if (listener->top_sources.empty()) return std::nullopt;
       return Value::String(listener->top_sources);
     }},
};

expr::Schema MakeSchema(absl::string_view prefix) {
  expr::Schema schema;
  for (const NetnsAttribute& attribute : kAttributes) {
    if (!absl::StartsWith(attribute.name, prefix)) break;
    schema.Add({std::string(attribute.name), attribute.type, std::string(attribute.doc)});
  }
  return schema;
}

}  // namespace

absl::Span<const NetnsAttribute> NetnsAttributes() { return kAttributes; }

const expr::Schema& NetnsSchema() {
  static const auto* const schema = new expr::Schema(MakeSchema(""));
  return *schema;
}

Value NetnsActivation::Get(int slot) const {
  return kAttributes[slot].read(reading_).value_or(Value::Unknown(slot));
}

std::optional<expr::Expression> CompileNetnsCondition(absl::string_view text,
                                                      std::vector<Issue>* issues) {
  static const auto* const schema = new expr::Schema(MakeSchema("netns."));
  return expr::Compile(text, *schema, Type::Bool(), issues);
}

v1::Evidence MakeEvidence(int slot, const NetnsReading& reading) {
  const NetnsAttribute& attribute = kAttributes[slot];
  v1::Evidence evidence;
  SetValue(NetnsActivation(reading).Get(slot), &evidence);
  evidence.set_name(std::string(attribute.name));
  evidence.set_unit(std::string(attribute.unit));
  evidence.set_source(std::string(attribute.source));
  if (attribute.basis == Basis::kNow) {
    evidence.set_basis("now");
  } else {
    evidence.set_basis(reading.window == nullptr
                           ? "window not full"
                           : CountedOverText(reading.window->over, reading.window->span));
  }
  return evidence;
}

}  // namespace tcpmedic
