// The sockets of live orders, measured whatever the signatures say of them: the remedy erases its
// own finding. Memory follows orders; Observe does not allocate for other sockets. Pure; not
// thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_FOLLOWED_SOCKETS_H_
#define TCPMEDIC_DIAGNOSIS_FOLLOWED_SOCKETS_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "diagnosis/socket_history.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

// What is remembered of one socket from scan to scan.
struct RememberedSocket {
  SocketHistory history;
  std::array<char, 16> congestion_control{};  // as the newest sample has it
  uint64_t seen_scan = 0;

  // Adds the sample, unless this scan showed the socket before: an interrupted dump shows some
  // twice. False: it did.
  bool Add(const SocketSample& sample, Moment now, uint64_t scan, absl::Duration cover);
};

// What one order changes, and when it did: sockets, or the settings of a namespace.
struct FollowRequest {
  std::string order_id;
  std::vector<SocketKey> targets;
  std::vector<SocketKey> held_back;
  Moment applied;
  std::optional<uint64_t> netns_cookie = std::nullopt;  // set: its settings; then without targets
};

class FollowedSockets {
 public:
  // States in which a socket still sends, and its congestion control can be set: a peer that has
  // shut down its half may well go on reading.
  static constexpr TcpStateMask kStates =
      MaskOf(TcpState::kEstablished) | MaskOf(TcpState::kCloseWait);
  // Points of a course: up to kMaxPointsBefore before the change, then as many as kMaxPointsAfter.
  // Longer courses are thinned to half, never across the change.
  static constexpr size_t kMaxPointsBefore = 20;
  static constexpr size_t kMaxPointsAfter = 100;
  static constexpr size_t kMaxSockets = 20'000;  // of all orders; further ones are not measured

  // Begins to follow, and measures `before` from what is known up to now. Following an order again
  // changes nothing. `known` may give null.
  void Follow(const FollowRequest& request,
              absl::FunctionRef<const RememberedSocket*(const SocketKey&)> known);
  void Unfollow(absl::string_view order_id);
  bool empty() const { return orders_.empty(); }

  void Observe(const SocketSample& sample, Moment now, uint64_t scan, absl::Duration cover);
  // Forgets the sockets that vanished, and measures. Orders with sockets in a namespace that was
  // not read stay as they were.
  void EndScan(Moment now, uint64_t scan, const absl::flat_hash_set<uint64_t>& not_read);

  // As of the last EndScan: `before` frozen at the change; `after` over the newest ten seconds, and
  // never over what lies before the change has settled; both over the sockets that live. What
  // cannot be measured (nobody known before, too early, all gone) is unset. NullOpt: not followed.
  std::optional<v1::Verification> MeasuredOf(absl::string_view order_id) const;

 private:
  struct CoursePoint {
    Moment at;
    absl::Duration span;  // since the point before
    double goodput_bps = 0;
  };
  // Where the next point of the course begins: one target's count of bytes.
  struct Counted {
    SocketKey key;
    std::optional<uint64_t> bytes_acked;
  };
  struct Followed {
    FollowRequest request;
    v1::Verification measured;  // without the course
    std::deque<CoursePoint> course_before;
    std::vector<CoursePoint> course_after;
    absl::Duration course_spacing;
    std::vector<Counted> counted;
    Moment counted_at;
  };

  std::vector<const SocketHistory*> HistoriesOf(const std::vector<SocketKey>& keys) const;
  absl::string_view CongestionControlOf(const std::vector<SocketKey>& keys) const;
  void BeginCourse(Followed* order) const;
  void ContinueCourse(Moment now, Followed* order) const;
  void MeasureAfter(Moment now, Followed* order) const;

  std::map<std::string, Followed, std::less<>> orders_;
  absl::flat_hash_map<SocketKey, RememberedSocket> sockets_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_FOLLOWED_SOCKETS_H_
