// The answer to an operator who approves, before anything is done: who comes too late is told what
// was faster. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_ORDER_APPROVAL_H_
#define TCPMEDIC_CONTROLLER_ORDER_APPROVAL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

// InvalidArgument: nobody's name. FailedPrecondition: nothing is pending, and why: it has expired,
// its symptom has gone, or somebody has answered. Aborted: what is pending is not what the operator
// has seen.
absl::Status CheckApproval(const v1::IncidentView& view, const v1::ApproveRequest& request,
                           absl::Time now);

// The order that a rollback means: `typed`, an id or its beginning with or without "o-"; where that
// is empty, the newest of which something may be on the host. NotFound, InvalidArgument
// (ambiguous), FailedPrecondition (nothing of it, or of any, is applied).
absl::StatusOr<v1::Order> OrderToRollBack(const v1::IncidentView& view, const std::string& typed);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_APPROVAL_H_
