// The life of a proposal: pending until a person, its deadline or the world ends it. Pure;
// thread-safe.
//
//     pending → approved | rejected | expired | void
//
// An ended proposal is never revived; a new one is made instead, with an id and a digest of its
// own.
#ifndef TCPMEDIC_CONTROLLER_INCIDENT_PROPOSAL_H_
#define TCPMEDIC_CONTROLLER_INCIDENT_PROPOSAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

struct ProposalEnding {
  v1::Proposal::State how = v1::Proposal::STATE_UNSPECIFIED;
  std::string by;  // the operator's name; "controller" for expired and void
  std::string reason;
};

// The proposal after its end. FailedPrecondition: it has ended before, it is approved at or after
// its deadline, or it expires before it. InvalidArgument: a rejection without reason, an approval
// or rejection by nobody, a void without reason, or `how` is no end.
absl::StatusOr<v1::Proposal> End(const v1::Proposal& proposal, const ProposalEnding& ending,
                                 absl::Time now);

// The proposal with one operator's approval: approved once as many different names have given one
// as its quorum asks for, pending until then. A policy's own approval ("policy NAME") is enough
// alone. FailedPrecondition: as End, or `by` has approved before. InvalidArgument: nobody's name.
absl::StatusOr<v1::Proposal> Approve(const v1::Proposal& proposal, const std::string& by,
                                     absl::Time now);

// The deadline has been reached and nobody has decided.
bool IsOverdue(const v1::Proposal& proposal, absl::Time now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_INCIDENT_PROPOSAL_H_
