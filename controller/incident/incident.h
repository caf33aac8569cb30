// The life of an incident: an event goes in, the next state and what has to follow come out. Pure;
// thread-safe.
//
//     open → closed: cleared | noted | alerted | rejected | remedied | failed
//
// An incident is open as long as its finding is present or an order of it is under way, or until a
// person rejects what is proposed. While an order is under way the change itself erases the
// finding: that is a timeline entry. The agent's word ends it: remedied when it has confirmed the
// change, failed when the change is refused, undone or drifted.
//
// Where the policy only alerts, people mend the program: the incident is open, and its alert
// stands, until the finding has gone. That an order of it samples call sites, is refused, or is
// turned down by a person, adds to what they know and ends nothing.
//
// A closed one is reopened in three ways only, and has no effects otherwise:
//   - it cleared, and the finding is back within kFlapWindow: the same trouble, not another one;
//   - it was rejected or it failed, the finding is there, and an operator asks for a new proposal;
//   - it was remedied, and the finding is back with sockets that no order of it has tried: under
//     the same approval as long as that covers them, after that with a new proposal.
// A setting is for its whole namespace, so that there is nothing untried: its finding comes back
// when the setting is in force no more, for its lease has run out or somebody has changed it. That
// is a new incident, with a proposal of its own; the old one stays remedied.
//
// What a change leads to (Policy.leads_to) is told once in its incident's timeline, open or closed,
// as long as the change is in force; nothing else comes of it.
//
// A finding that comes later opens a new incident. A rejected or failed one absorbs further reports
// of its finding until the finding has gone, so that a person who said no is not asked again, and
// what did not help is not tried again by itself. After an expiry nothing is proposed until an
// operator asks or the severity rises.
#ifndef TCPMEDIC_CONTROLLER_INCIDENT_INCIDENT_H_
#define TCPMEDIC_CONTROLLER_INCIDENT_INCIDENT_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/incident/proposal.h"
#include "controller/incident/standing.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/incident.pb.h"
#include "tcpmedic/v1/order.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// A timeline keeps how it began and how it is now; the middle is what can be spared.
inline constexpr int kTimelineFirst = 20;
inline constexpr int kTimelineNewest = 180;
// What its orders have led to; the timeline keeps the older ones too.
inline constexpr int kMaxExplained = 16;

// ---- Events: what has happened in the world.

struct FindingObserved {
  v1::Finding finding;  // of the incident's signature and group
};
// A finding of another signature that an order of the incident leads to, and that therefore opens
// no incident; at each report that has it.
struct FindingExplained {
  v1::Finding finding;
  std::string order_id;
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
// An operator, or "policy NAME", approves what is pending.
struct Approved {
  std::string by;
};
// The proposal after the approval that TakeApproval took: approved, or pending for want of others.
struct ApprovalTaken {
  v1::Proposal proposal;
};
// An order of the incident has changed; `was` is the default where it is new.
struct OrderChanged {
  v1::Order was;
  v1::Order now;
};
// The finding of a remedied incident has sockets that no order has tried.
struct UntriedSockets {
  int count = 0;
  bool covered = false;  // by the approval there is
};
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
    std::variant<FindingObserved, FindingExplained, FindingGone, Decided, Proposed, CannotPropose,
                 ProposalExpired, Approved, ApprovalTaken, OrderChanged, UntriedSockets, Rejected,
                 ProposeRequested, PoliciesChanged, AgentLost, AgentBack>;

// ---- Effects: what has to follow, in this order.

// Decide about next.finding, then Advance by Decided.
struct AskPolicy {
  std::string asked_by;  // the operator that insists on a proposal; empty: nobody does
  // What is to be proposed has been answered: only what is to be told may have changed.
  bool only_decide = false;
};
// Make a proposal of next.decision, then Advance by Proposed or CannotPropose.
struct Propose {};
// End the proposal next.proposal_id so.
struct EndProposal {
  ProposalEnding ending;
};
// Add the approval to the proposal next.proposal_id, then Advance by ApprovalTaken.
struct TakeApproval {
  std::string by;
};
// Send the order of the approved proposal next.proposal_id out, then Advance by OrderChanged.
struct IssueOrder {};
// Look whether the finding has sockets that no order has tried; if so, Advance by UntriedSockets.
struct LookForUntried {};
// Tell people. The key names this one announcement for ever: performing it twice is telling once.
struct Announce {
  std::string key;
  std::string what;
  std::string text;
};
using Effect = std::variant<AskPolicy, Propose, EndProposal, TakeApproval, IssueOrder,
                            LookForUntried, Announce>;

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

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_INCIDENT_INCIDENT_H_
