// The engine's side of network namespaces: their histories, the gate in front of a dump, the
// watches of signatures with subject netns, and the namespaces of live orders. The sibling of
// socket_scan.h. Pure; not thread-safe.
//
// Counters and settings are remembered of every namespace, signature or not: a lease's condition is
// about any of them, and a window must be full when it is asked for.
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_SCAN_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_SCAN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "core/expr/expression.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/followed_namespaces.h"
#include "diagnosis/listeners.h"
#include "diagnosis/measurement.h"
#include "diagnosis/netns_history.h"
#include "diagnosis/netns_watch.h"
#include "observe/counters.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class NetnsScan {
 public:
  // Conditions that Holds keeps compiled; further ones make it begin afresh.
  static constexpr size_t kMaxConditions = 64;

  // Those of subject netns.
  void SetSignatures(const std::vector<std::shared_ptr<const CompiledSignature>>& signatures);

  // Per scan, as the engine (engine.h). `counters` null: could not be read.
  void BeginScan(Moment now);
  void ObserveNamespace(const v1::NetworkNamespace& netns, const CounterSample* counters);
  // What the dump of a namespace that was observed in this scan is to show: Listeners::kStates, or
  // nothing.
  TcpStateMask StatesWanted(uint64_t netns_cookie) const;
  void BeginNamespace(uint64_t netns_cookie);
  // Allocates only for listeners and half-open connections, and only where they are wanted.
  void Observe(const SocketSample& sample) {
    if (dumping_.has_value()) listeners_.Add(sample);
  }
  void EndNamespace(bool complete);

  struct Result {
    std::vector<NetnsWatch::Present> present;
    std::vector<v1::SignatureActivity> activity;
  };
  Result EndScan();

  // As ObserveNamespace had it; empty where the newest scan did not see it.
  v1::NetworkNamespace NetnsOf(uint64_t netns_cookie) const;

  // As Engine.
  std::optional<v1::NetworkNamespace> NamespaceOf(const v1::Selector& selector) const;
  std::optional<bool> Holds(uint64_t netns_cookie, absl::string_view condition);
  void Follow(const FollowRequest& request);
  void Unfollow(absl::string_view order_id) { followed_.Unfollow(order_id); }
  std::optional<v1::Verification> MeasuredOf(absl::string_view order_id) const {
    return followed_.MeasuredOf(order_id);
  }

 private:
  struct Remembered {
    v1::NetworkNamespace netns;
    NetnsHistory history;
    uint64_t seen_scan = 0;
    uint64_t counted_scan = 0;  // the newest in which the counters could be read
    bool wants_listeners = false;
    std::optional<ListenersSeen> listeners;  // of the newest dump
    uint64_t dumped_scan = 0;
    Moment dumped_at;

    std::optional<HalfOpenCount> half_open() const;
  };

  bool WantsListeners(const Remembered& netns) const;
  // What this scan's dump showed; null: there was none, or it failed.
  const ListenersSeen* ListenersOf(const Remembered& netns) const;
  // Whether this scan read all of it that was wanted.
  bool WasRead(const Remembered& netns) const;
  std::optional<KnownNetns> KnownOf(uint64_t netns_cookie) const;

  std::vector<std::unique_ptr<NetnsWatch>> watches_;
  absl::Duration cover_ = kMeasuredSpan + kSettlingTime;  // how far back histories reach
  Moment now_;
  uint64_t scan_ = 0;
  absl::flat_hash_map<uint64_t, Remembered> namespaces_;  // by cookie
  FollowedNamespaces followed_;
  absl::flat_hash_map<std::string, std::optional<expr::Expression>> conditions_;

  Listeners listeners_;              // of the namespace that is being dumped
  std::optional<uint64_t> dumping_;  // its cookie; nullopt: nothing of it is wanted
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_SCAN_H_
