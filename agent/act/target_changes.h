// The changes themselves: an order's targets checked, changed, undone and looked at again through
// the host. What becomes of each is written into its Target; nothing here touches the journal. Not
// thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_TARGET_CHANGES_H_
#define TCPMEDIC_AGENT_ACT_TARGET_CHANGES_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "agent/act/guard.h"
#include "agent/act/host_control.h"
#include "tcpmedic/v1/journal.pb.h"

namespace tcpmedic {

class TargetChanges {
 public:
  using Targets = std::vector<v1::JournalledTarget*>;

  explicit TargetChanges(HostControl* host) : host_(host) {}

  // Whether each may be changed to `algorithm` and back: guard, state, what it uses now
  // (`value_before`, as its sample had it), the inverse. Those that may not become refused or gone.
  // `pids`: holders known so far.
  void Check(const Targets& targets, absl::string_view algorithm, const Guard& guard,
             absl::Span<const int> pids);

  // Sets `algorithm` where `value_before` is still in force: applied, else refused or gone.
  void Apply(const Targets& targets, absl::string_view algorithm);

  // Sets `value_before` where `algorithm` is still in force: undone, else drifted or gone. False:
  // some could not be reached or set now; their state stays and their reason says why.
  bool Undo(const Targets& targets, absl::string_view algorithm);

  // Looks whether applied targets still use `algorithm`, else drifted or gone. True: any state
  // changed.
  bool Observe(const Targets& targets, absl::string_view algorithm);

  // Of targets that may have been changed when the agent stopped: those that were are applied, the
  // others not attempted.
  void Resolve(const Targets& targets, absl::string_view algorithm);

  // Whether any of the sockets still exists, as far as we may look.
  bool AnyExists(const Targets& targets);

 private:
  // Calls `call` for each socket where it is held. Those not found where they were seen last are
  // looked for in `pids`, then in every process. NotFound: it is certain that no process holds it.
  using Call = absl::FunctionRef<absl::Status(const Whereabouts&, v1::JournalledTarget*)>;
  std::vector<absl::Status> Reach(const Targets& targets, absl::Span<const int> pids, Call call);

  HostControl* const host_;
  absl::flat_hash_map<SocketKey, std::vector<Holder>> holders_;  // as seen last
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_TARGET_CHANGES_H_
