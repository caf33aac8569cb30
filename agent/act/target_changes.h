// The changes themselves: an order's targets chosen, checked, changed, undone and looked at again.
// What becomes of each is written into its Target; nothing here touches the journal. One
// implementation for each kind of target; when and in which order they are called is the order
// book's business. Not thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_TARGET_CHANGES_H_
#define TCPMEDIC_AGENT_ACT_TARGET_CHANGES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/act/guard.h"
#include "agent/act/host_control.h"
#include "agent/act/host_view.h"
#include "tcpmedic/v1/journal.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class TargetChanges {
 public:
  using Targets = std::vector<v1::JournalledTarget*>;
  using KnownOrders = std::vector<const v1::JournalledOrder*>;
  virtual ~TargetChanges() = default;

  // Adds to `record` what `order` would change now, and where. A target that one of `known` stands
  // in the way of is refused. Not ok: there is nothing to change, or not there.
  virtual absl::Status Choose(const v1::Order& order, const KnownOrders& known, HostView* view,
                              v1::JournalledOrder* record) = 0;

  // Whether each of `targets`, which are `order`'s here and below, may be changed now and changed
  // back: the guard, its state, its value and the inverse. Those that may not become refused or
  // gone.
  virtual void Check(const v1::JournalledOrder& order, const Targets& targets,
                     const Guard& guard) = 0;
  // Whether one target's refusal is the whole order's.
  virtual bool together() const = 0;

  // Changes each where `value_before` is still in force: applied, else refused or gone. Not ok: the
  // order does not stand, for this reason, and those that are still ours are to be undone.
  virtual absl::Status Apply(const v1::JournalledOrder& order, const Targets& targets) = 0;

  // Sets `value_before` where what the order has set is still in force: undone, else drifted or
  // gone. False: some could not be reached or set now; their state stays and their reason says why.
  virtual bool Undo(const v1::JournalledOrder& order, const Targets& targets) = 0;

  // Looks whether what the order has set is still in force, else drifted or gone. Of targets
  // without a state, which may have been changed when the agent stopped, those that were are
  // applied, the others not attempted. True: any state changed.
  virtual bool Observe(const v1::JournalledOrder& order, const Targets& targets) = 0;

  // Whether a decided order must be remembered for these targets' sake, so that they do not meet
  // the same action again.
  virtual bool MustBeRemembered(const v1::JournalledOrder& order, const Targets& targets) = 0;

  // Why a committed order has ended of which no target is ours any more.
  virtual absl::string_view nothing_is_left() const = 0;
};

// What the implementations write into targets.
void SetState(v1::JournalledTarget* target, v1::Target::State state, absl::string_view reason = "");
// "reno is set now, and not by this agent"
std::string SetByOthers(absl::string_view value);
// What Observe makes of `found` where the order has set `ours`. True: the target's state changed.
bool Observed(absl::string_view found, absl::string_view ours, v1::JournalledTarget* target);
// What Undo makes of it: the value before and the one read back.
void Restored(const HostControl::Exchange& exchange, v1::JournalledTarget* target);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_TARGET_CHANGES_H_
