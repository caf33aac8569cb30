// The engine's side of sockets: the suspects' histories, the watches of signatures with subject
// socket, and the sockets of live orders. The sibling of netns_scan.h. Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_SOCKET_SCAN_H_
#define TCPMEDIC_DIAGNOSIS_SOCKET_SCAN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/followed_sockets.h"
#include "diagnosis/measurement.h"
#include "diagnosis/socket_watch.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class SocketScan {
 public:
  // As in EngineOptions.
  struct Bounds {
    int max_suspects;
    int max_sockets_per_finding;
    int max_members;
  };
  explicit SocketScan(Bounds bounds) : bounds_(bounds) {}

  // Those of subject socket.
  void SetSignatures(const std::vector<std::shared_ptr<const CompiledSignature>>& signatures);

  // Of any namespace.
  TcpStateMask StatesWanted() const {
    return states_ | (followed_.empty() ? 0 : FollowedSockets::kStates);
  }

  void BeginScan(Moment now);
  void BeginNamespace(uint64_t netns_cookie) { namespace_ = netns_cookie; }
  // False: a suspect that this scan showed before.
  bool Observe(const SocketSample& sample);
  void EndNamespace(bool complete) {
    if (!complete) not_read_.insert(namespace_);
  }

  struct Result {
    std::vector<SocketWatch::Present> present;
    std::vector<v1::SignatureActivity> activity;
    int64_t suspects = 0;
    int64_t suspects_not_kept = 0;  // since construction
  };
  Result EndScan(absl::FunctionRef<v1::NetworkNamespace(uint64_t netns_cookie)> netns);

  // As Engine.
  std::vector<SocketSample> Members(const v1::Selector& selector) const;
  void Follow(const FollowRequest& request);
  void Unfollow(absl::string_view order_id) { followed_.Unfollow(order_id); }
  std::optional<v1::Verification> MeasuredOf(absl::string_view order_id) const {
    return followed_.MeasuredOf(order_id);
  }

 private:
  // The socket's memory, made where there is none yet; null where there is no room. Young sockets
  // are remembered so that their window is full by the time that they are old enough, but take no
  // more than half of the room.
  RememberedSocket* Remember(const SocketKey& key, bool suspect);
  void ForgetVanished();

  const Bounds bounds_;
  std::vector<std::unique_ptr<SocketWatch>> watches_;
  std::vector<Standing> standings_;  // by watch, of the socket that is being observed
  absl::Duration cover_ = kMeasuredSpan + kSettlingTime;  // how far back histories reach
  TcpStateMask states_ = 0;

  Moment now_;
  uint64_t scan_ = 0;
  uint64_t namespace_ = 0;
  absl::flat_hash_set<uint64_t> not_read_;
  absl::flat_hash_map<SocketKey, RememberedSocket> suspects_;
  FollowedSockets followed_;
  int64_t suspects_not_kept_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SOCKET_SCAN_H_
