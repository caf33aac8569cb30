#include "diagnosis/netns_measurement.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "diagnosis/evidence.h"
#include "diagnosis/measurement.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using expr::Type;

enum MeasuredSlot {
  kSyncookiesSentPerS,
  kSyncookiesRecvRatio,
  kSynRecvSockets,
  kListenDropsPerS,
  kSynDropsPerS,
};

// In the order of MeasuredSlot.
const MeasuredAttribute kMeasured[] = {
    {"syncookies_sent_per_s", Type::Double(), "/s", "TcpExtSyncookiesSent",
     "SYNs that were answered by a cookie, per second"},
    {"syncookies_recv_ratio", Type::Double(), "", "TcpExtSyncookiesRecv / TcpExtSyncookiesSent",
     "cookies that came back ÷ cookies sent; unknown where none was sent"},
    {"syn_recv_sockets", Type::Int(), "sockets", "inet_diag: sockets in SYN-RECV",
     "half-open connections at the end"},
    {"listen_drops_per_s", Type::Double(), "/s", "TcpExtListenDrops",
     "SYNs and handshakes dropped for any reason, per second"},
    {"syn_drops_per_s", Type::Double(), "/s", "TcpExtListenDrops - TcpExtListenOverflows",
     "drops that a full accept queue does not explain, per second"},
};

// The first and the last point of a measurement.
struct Span {
  size_t first = 0;
  size_t last = 0;
};

std::optional<Span> SpanBetween(const NetnsHistory& history, absl::Duration not_before,
                                absl::Duration not_after) {
  std::optional<Span> span;
  for (size_t i = history.size(); i-- > 0;) {
    const absl::Duration at = history.at(i).at.uptime;
    if (at > not_after) continue;
    if (at < not_before) break;
    if (!span.has_value()) span = {i, i};
    span->first = i;
    if (history.at(span->last).at.uptime - at >= kMeasuredSpan - kMeasuredSpanSlack) break;
  }
  return span;
}

v1::Measurement MeasureOver(const NetnsPoint& first, const NetnsPoint& last,
                            std::optional<HalfOpenCount> half_open) {
  const NetnsDelta delta = Between(first, last);
  v1::Measurement measurement;
  *measurement.mutable_start() = ToProto(first.at.wall);
  *measurement.mutable_end() = ToProto(last.at.wall);
  const std::string window = absl::StrCat("window ", SpanText(delta.span));
  const auto value = [&](MeasuredSlot slot) {
    const MeasuredAttribute& attribute = kMeasured[slot];
    return AddValue(attribute.name, attribute.unit, slot == kSynRecvSockets ? "now" : window,
                    attribute.source, &measurement);
  };
  const auto add_rate = [&](MeasuredSlot slot, std::optional<int64_t> increase) {
    v1::Evidence* const rate = value(slot);
    if (!increase.has_value() || delta.span <= absl::ZeroDuration()) return;
    rate->mutable_value()->set_double_value(static_cast<double>(*increase) /
                                            absl::ToDoubleSeconds(delta.span));
  };
  add_rate(kSyncookiesSentPerS, delta[NetnsCounter::kSyncookiesSent]);
  v1::Evidence* const ratio = value(kSyncookiesRecvRatio);
  if (const auto known = SyncookiesRecvRatio(delta)) {
    ratio->mutable_value()->set_double_value(*known);
  }
  v1::Evidence* const sockets = value(kSynRecvSockets);
  if (half_open.has_value() && half_open->at.uptime >= first.at.uptime &&
      half_open->at.uptime <= last.at.uptime) {
    sockets->mutable_value()->set_int_value(half_open->sockets);
  }
  add_rate(kListenDropsPerS, delta[NetnsCounter::kListenDrops]);
  add_rate(kSynDropsPerS, SynDrops(delta));
  return measurement;
}

}  // namespace

absl::Span<const MeasuredAttribute> NetnsMeasured() { return kMeasured; }

v1::Measurement Measure(const NetnsHistory& history, std::optional<HalfOpenCount> half_open) {
  const Span span = *SpanBetween(history, -absl::InfiniteDuration(), absl::InfiniteDuration());
  return MeasureOver(history.at(span.first), history.at(span.last), half_open);
}

std::optional<v1::Measurement> MeasureBetween(const NetnsHistory& history,
                                              std::optional<HalfOpenCount> half_open,
                                              absl::Duration not_before, absl::Duration not_after) {
  const std::optional<Span> span = SpanBetween(history, not_before, not_after);
  if (!span.has_value()) return std::nullopt;
  const NetnsPoint& first = history.at(span->first);
  const NetnsPoint& last = history.at(span->last);
  if (last.at.uptime - first.at.uptime < kLeastMeasuredSpan) return std::nullopt;
  return MeasureOver(first, last, half_open);
}

}  // namespace tcpmedic
