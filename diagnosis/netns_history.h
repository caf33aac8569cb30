// What the engine remembers of one network namespace: a bounded ring of the few counters and
// settings that windows and measurements are made of. Pure; not thread-safe.
//
// Counters reset (a namespace was made anew), vanish and come back: an increase that would reach
// across such a break is not known. A rate is taken over the span that was really observed, as with
// sockets (socket_history.h).
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_HISTORY_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "diagnosis/evidence.h"
#include "diagnosis/point_ring.h"
#include "observe/counters.h"

namespace tcpmedic {

// Only grow while a namespace lives (Documentation/networking/snmp_counter.rst).
enum class NetnsCounter : uint8_t {
  kSyncookiesSent,
  kSyncookiesRecv,
  kSyncookiesFailed,
  kReqqFullDoCookies,
  kReqqFullDrops,
  kListenOverflows,
  kListenDrops,
  kPassiveOpens,
};
inline constexpr size_t kNetnsCounters = 8;

enum class NetnsSetting : uint8_t { kTcpSyncookies, kTcpMaxSynBacklog, kSomaxconn };
inline constexpr size_t kNetnsSettings = 3;

// As CounterSample names them: nstat(8)'s and sysctl(8)'s names.
absl::string_view Name(NetnsCounter counter);
absl::string_view Name(NetnsSetting setting);

struct NetnsPoint {
  Moment at;
  std::array<std::optional<int64_t>, kNetnsCounters> counters;
  std::array<std::optional<int64_t>, kNetnsSettings> settings;

  std::optional<int64_t> operator[](NetnsCounter counter) const {
    return counters[static_cast<size_t>(counter)];
  }
  std::optional<int64_t> operator[](NetnsSetting setting) const {
    return settings[static_cast<size_t>(setting)];
  }
};
NetnsPoint PointOf(const CounterSample& sample, Moment at);

// By how much the counters moved between two points. Not reported in either: nullopt.
struct NetnsDelta {
  CountedOver over = CountedOver::kWindow;
  absl::Duration span;  // zero where it is not known: then nothing is per second
  std::array<std::optional<int64_t>, kNetnsCounters> increases;

  std::optional<int64_t> operator[](NetnsCounter counter) const {
    return increases[static_cast<size_t>(counter)];
  }
};
NetnsDelta Between(const NetnsPoint& older, const NetnsPoint& newer);
// What one reading says: since the namespace was made, or, of kLastRead, since the reading before.
NetnsDelta OverOneReading(const NetnsPoint& point, CountedOver over);

// ListenDrops − ListenOverflows: every overflow of an accept queue is counted as a drop too
// (tcp_conn_request() and tcp_v4_syn_recv_sock()), so what remains was dropped for other reasons,
// foremost a full SYN queue. At least 0: the two are not read at one instant.
std::optional<int64_t> SynDrops(const NetnsDelta& delta);
// SyncookiesRecv ÷ SyncookiesSent; nullopt where none was sent.
std::optional<double> SyncookiesRecvRatio(const NetnsDelta& delta);

class NetnsHistory {
 public:
  static constexpr size_t kMaxPoints = PointRing<NetnsPoint>::kMaxPoints;  // about 5 KB

  // Adds the newest point and forgets what is not needed to look `cover` back. A counter that went
  // backwards begins a new history: all of a namespace's counters live and die with it.
  void Add(const NetnsPoint& point, absl::Duration cover);

  // Over the newest points that are `window` apart; nullopt before the window is full.
  std::optional<NetnsDelta> Over(absl::Duration window) const;

  size_t size() const { return points_.size(); }
  // From the oldest (0) to the newest (size() - 1).
  const NetnsPoint& at(size_t i) const { return points_.at(i); }
  const NetnsPoint& newest() const { return points_.newest(); }

 private:
  PointRing<NetnsPoint> points_;
  // Of each counter, also where the newest point lacks it.
  std::array<std::optional<int64_t>, kNetnsCounters> last_known_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_HISTORY_H_
