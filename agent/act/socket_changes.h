// set_congestion_control's targets: TCP sockets of other processes, each by itself, reached through
// whoever holds it at that moment. Not thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_SOCKET_CHANGES_H_
#define TCPMEDIC_AGENT_ACT_SOCKET_CHANGES_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "agent/act/host_control.h"
#include "agent/act/target_changes.h"

namespace tcpmedic {

class SocketChanges : public TargetChanges {
 public:
  static constexpr int kMaxTargets = 1000;  // of one order, whatever it says

  // `host` outlives this.
  explicit SocketChanges(HostControl* host) : host_(host) {}

  // The sockets that match the selector now, up to the order's maximum, each with the algorithm
  // that its sample shows. A socket never meets the same algorithm twice.
  absl::Status Choose(const v1::Order& order, const KnownOrders& known, HostView* view,
                      v1::JournalledOrder* record) override;
  void Check(const v1::JournalledOrder& order, const Targets& targets, const Guard& guard) override;
  bool together() const override { return false; }
  absl::Status Apply(const v1::JournalledOrder& order, const Targets& targets) override;
  bool Undo(const v1::JournalledOrder& order, const Targets& targets) override;
  bool Observe(const v1::JournalledOrder& order, const Targets& targets) override;
  // While any of the sockets exists, as far as we may look.
  bool MustBeRemembered(const v1::JournalledOrder& order, const Targets& targets) override;
  absl::string_view nothing_is_left() const override {
    return "its sockets have ended, or others have changed them since";
  }

 private:
  // Calls `call` for each socket where it is held. Those not found where they were seen last are
  // looked for in every process. NotFound: it is certain that no process holds it.
  using Call = absl::FunctionRef<absl::Status(const Whereabouts&, v1::JournalledTarget*)>;
  std::vector<absl::Status> Reach(const Targets& targets, Call call);
  // Looks for these sockets among `pids`; empty: in every process. False: some could not be looked
  // at.
  bool Locate(const Targets& targets, absl::Span<const int> pids);

  HostControl* const host_;
  absl::flat_hash_map<SocketKey, std::vector<Holder>> holders_;  // as seen last
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_SOCKET_CHANGES_H_
