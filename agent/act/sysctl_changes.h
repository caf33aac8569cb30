// set_sysctl's targets: the settings of one network namespace, changed and undone together. The
// namespace is its cookie; whoever lives in it does not matter. Not thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_SYSCTL_CHANGES_H_
#define TCPMEDIC_AGENT_ACT_SYSCTL_CHANGES_H_

#include "absl/status/status.h"
#include "agent/act/host_control.h"
#include "agent/act/target_changes.h"

namespace tcpmedic {

class SysctlChanges : public TargetChanges {
 public:
  // `host` outlives this.
  explicit SysctlChanges(HostControl* host) : host_(host) {}

  // The order's settings, in the namespace in which its signature is a finding now. One that a live
  // order has set there is refused as busy.
  absl::Status Choose(const v1::Order& order, const KnownOrders& known, HostView* view,
                      v1::JournalledOrder* record) override;
  // Sets `value_before` to the value found.
  void Check(const v1::JournalledOrder& order, const Targets& targets, const Guard& guard) override;
  bool together() const override { return true; }
  // Stops at the first that cannot be set, which is the order's reason.
  absl::Status Apply(const v1::JournalledOrder& order, const Targets& targets) override;
  bool Undo(const v1::JournalledOrder& order, const Targets& targets) override;
  bool Observe(const v1::JournalledOrder& order, const Targets& targets) override;
  // Never: unlike a socket, a namespace lives as long as its host, and what a setting did for the
  // flood of one night says nothing about the next one's.
  bool MustBeRemembered(const v1::JournalledOrder&, const Targets&) override { return false; }
  absl::string_view nothing_is_left() const override {
    return "its namespace is gone, or others have changed its settings since";
  }

 private:
  // Why this target may not be set; fills in `value_before`. NotFound: the namespace is gone.
  absl::Status CheckOne(const v1::JournalledOrder& order, const NetnsFacts& netns,
                        v1::JournalledTarget* target);

  HostControl* const host_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_SYSCTL_CHANGES_H_
