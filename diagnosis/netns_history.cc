#include "diagnosis/netns_history.h"

#include <algorithm>

namespace tcpmedic {
namespace {

// In the order of NetnsCounter.
constexpr std::array<absl::string_view, kNetnsCounters> kCounterNames = {
    "TcpExtSyncookiesSent",       "TcpExtSyncookiesRecv",  "TcpExtSyncookiesFailed",
    "TcpExtTCPReqQFullDoCookies", "TcpExtTCPReqQFullDrop", "TcpExtListenOverflows",
    "TcpExtListenDrops",          "TcpPassiveOpens",
};
// In the order of NetnsSetting.
constexpr std::array<absl::string_view, kNetnsSettings> kSettingNames = {
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_max_syn_backlog",
    "net.core.somaxconn",
};

}  // namespace

absl::string_view Name(NetnsCounter counter) { return kCounterNames[static_cast<size_t>(counter)]; }
absl::string_view Name(NetnsSetting setting) { return kSettingNames[static_cast<size_t>(setting)]; }

NetnsPoint PointOf(const CounterSample& sample, Moment at) {
  NetnsPoint point;
  point.at = at;
  for (size_t i = 0; i < kNetnsCounters; ++i) point.counters[i] = sample.Get(kCounterNames[i]);
  for (size_t i = 0; i < kNetnsSettings; ++i) point.settings[i] = sample.Get(kSettingNames[i]);
  return point;
}

NetnsDelta Between(const NetnsPoint& older, const NetnsPoint& newer) {
  NetnsDelta delta;
  delta.span = newer.at.uptime - older.at.uptime;
  for (size_t i = 0; i < kNetnsCounters; ++i) {
    const auto before = older.counters[i];
    const auto after = newer.counters[i];
    if (before.has_value() && after.has_value() && *after >= *before) {
      delta.increases[i] = *after - *before;
    }
  }
  return delta;
}

NetnsDelta OverOneReading(const NetnsPoint& point, CountedOver over) {
  NetnsDelta delta;
  delta.over = over;
  delta.increases = point.counters;
  return delta;
}

std::optional<int64_t> SynDrops(const NetnsDelta& delta) {
  const auto drops = delta[NetnsCounter::kListenDrops];
  const auto overflows = delta[NetnsCounter::kListenOverflows];
  if (!drops.has_value() || !overflows.has_value()) return std::nullopt;
  return std::max<int64_t>(0, *drops - *overflows);
}

std::optional<double> SyncookiesRecvRatio(const NetnsDelta& delta) {
  const auto sent = delta[NetnsCounter::kSyncookiesSent];
  const auto recv = delta[NetnsCounter::kSyncookiesRecv];
  if (!sent.has_value() || !recv.has_value() || *sent == 0) return std::nullopt;
  return static_cast<double>(*recv) / static_cast<double>(*sent);
}

void NetnsHistory::Add(const NetnsPoint& point, absl::Duration cover) {
  bool reset = false;
  for (size_t i = 0; i < kNetnsCounters; ++i) {
    if (!point.counters[i].has_value()) continue;
    reset = reset || (last_known_[i].has_value() && *point.counters[i] < *last_known_[i]);
  }
  if (reset) {
    points_.Clear();
    last_known_ = {};
  }
  for (size_t i = 0; i < kNetnsCounters; ++i) {
    if (point.counters[i].has_value()) last_known_[i] = point.counters[i];
  }
  points_.Add(point, cover);
}

std::optional<NetnsDelta> NetnsHistory::Over(absl::Duration window) const {
  const NetnsPoint* const older = points_.Before(window);
  if (older == nullptr) return std::nullopt;
  return Between(*older, newest());
}

}  // namespace tcpmedic
