// The life of an incident: an event goes in, the next state and what has to follow come out. Pure;
// thread-safe.
//
//     open → closed: cleared | noted | rejected
//
// An incident is open as long as its finding is present, or until a person rejects what is
// proposed. A closed one is reopened in two ways only, and has no effects otherwise:
//   - it cleared, and the finding is back within kFlapWindow: the same trouble, not another one;
//   - it was rejected, the finding is still there, and an operator asks for a new proposal.
// A finding that comes later opens a new incident. A rejected one absorbs further reports of its
// finding until the finding has gone, so that a person who said no is not asked again. After an
// expiry nothing is proposed until an operator asks or the severity rises.
#ifndef TCPMEDIC_CONTROLLER_INCIDENT_INCIDENT_H_
#define TCPMEDIC_CONTROLLER_INCIDENT_INCIDENT_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/incident/proposal.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/incident.pb.h"
#include "tcpmedic/v1/order.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// The agent has outlived gaps of its own by keep_firing_for; what returns this soon after is the
// same trouble.
inline constexpr absl::Duration kFlapWindow = absl::Seconds(60);
// A timeline keeps how it began and how it is now; the middle is what can be spared.
inline constexpr int kTimelineFirst = 20;
inline constexpr int kTimelineNewest = 180;

// ---- Events: what has happened in the world.

struct FindingObserved {
  v1::Finding finding;  // of the incident's signature and group
};
// The agent knows that the finding is gone; silence of the agent is not this.
struct FindingGone {};
// The policies' answer to AskPolicy.
struct Decided {
  v1::Decision decision;
  bool wants_proposal = false;
  std::string asked_by;  // as in AskPolicy
};
// The proposal that Propose asked for.
struct Proposed {
  v1::Proposal proposal;
};
// The proposal that Propose asked for cannot be made: the finding does not say enough.
struct CannotPropose {
  std::string why;
};
struct ProposalExpired {};
struct Rejected {
  std::string by;
  std::string reason;
};
struct ProposeRequested {
  std::string by;
};
struct PoliciesChanged {
  std::string revision;
};
struct AgentLost {
  absl::Time last_report_at;
};
struct AgentBack {};

using Event =
    std::variant<FindingObserved, FindingGone, Decided, Proposed, CannotPropose, ProposalExpired,
                 Rejected, ProposeRequested, PoliciesChanged, AgentLost, AgentBack>;

// ---- Effects: what has to follow, in this order.

// Decide about next.finding, then Advance by Decided.
struct AskPolicy {
  std::string asked_by;  // the operator that insists on a proposal; empty: nobody does
};
// Make a proposal of next.decision, then Advance by Proposed or CannotPropose.
struct Propose {};
// End the proposal next.proposal_id so.
struct EndProposal {
  ProposalEnding ending;
};
// Tell people. The key names this one announcement for ever: performing it twice is telling once.
struct Announce {
  std::string key;
  std::string what;
  std::string text;
};
using Effect = std::variant<AskPolicy, Propose, EndProposal, Announce>;

struct Step {
  v1::Incident next;
  std::vector<Effect> effects;
  std::vector<v1::TimelineEntry> happened;  // put on next.timeline by this event; for the audit log
};

// A new incident for a finding that no incident claims. InvalidArgument: the finding has no
// signature.
absl::StatusOr<Step> OpenIncident(absl::string_view id, absl::string_view host,
                                  const v1::Finding& finding, absl::Time now);

// Advances one incident by one event. FailedPrecondition, with what to do instead: the event is
// illegal in this state. InvalidArgument: the finding is another's, a rejection has no reason, or
// nobody's name is given.
absl::StatusOr<Step> Advance(const v1::Incident& incident, const Event& event, absl::Time now);

// Whether a report of the finding with this incident's key belongs to it; if not, it opens a new
// one. Once false for a closed incident, it stays false.
bool Claims(const v1::Incident& incident, absl::Time now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_INCIDENT_INCIDENT_H_
