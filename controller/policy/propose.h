// From a decision to what a person would approve: a selector, one action, a maximum of targets and
// a revision, under one digest. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_POLICY_PROPOSE_H_
#define TCPMEDIC_CONTROLLER_POLICY_PROPOSE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/policy/decide.h"
#include "controller/policy/policy_set.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/order.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// Whether the decision asks for something that is done on the host, and so needs a proposal. Notes
// and alerts do not.
bool WantsProposal(const v1::Decision& decision);

struct ProposalIds {
  std::string proposal;  // "p-…"
  std::string incident;  // "i-…"
};

// The pending proposal for the decision's one action on the host. `policies` is the set that the
// decision came from. A finding that is not certain is never acted on automatically: its proposal
// is manual whatever the policy says. FailedPrecondition: the decision wants no proposal, or its
// policy is not in `policies` or is of another revision. InvalidArgument: the selector would be
// empty (no host, no signature, no namespace).
absl::StatusOr<v1::Proposal> MakeProposal(const PolicySet& policies, const v1::Decision& decision,
                                          const v1::Finding& finding, const HostFacts& host,
                                          const ProposalIds& ids, absl::Time now);

// What an approval approves: sha256 over the proposal's selector, action, targets_max and revision,
// hex.
std::string ProposalDigest(const v1::Proposal& proposal);

// When a committed change is taken back: "by the host itself 2h after the last moment with
// netns.syncookies_sent_per_s > 1.0".
std::string LeaseInWords(const v1::Lease& lease);

// How long after apply the agent waits to be told commit or rollback, before it rolls back by
// itself.
absl::Duration ConfirmWithin(const v1::Verify& verify);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_PROPOSE_H_
