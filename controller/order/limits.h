// How much may be changed at once: a policy's limits, asked before each order, whoever approves it.
// Pure; thread-safe.
//
//   hosts_at_once      hosts of the fleet with an order of the policy under way; a percentage is
//                      rounded up, so that it is at least one host
//   targets_per_host   sockets or settings of one host that the policy's orders hold changed, all
//                      together
//   per_host_per_hour  orders of the policy on one host within 60 minutes
//   cooldown           between two orders of the policy for the same selector
#ifndef TCPMEDIC_CONTROLLER_ORDER_LIMITS_H_
#define TCPMEDIC_CONTROLLER_ORDER_LIMITS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/policy/policy_set.h"
#include "tcpmedic/v1/order.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// What is going on in the fleet.
struct FleetOrders {
  int hosts = 0;                         // known to the controller
  std::vector<const v1::Order*> orders;  // those that are not over, and those made in the look-back
};

// How far back limits count.
absl::Duration LookBack(const PolicySet& policies);

// At most how many sockets an order of this proposal may change now; of sysctls, which are set
// together, all or none. FailedPrecondition names the limit that forbids it, and what to wait for.
absl::StatusOr<int> TargetsAllowed(const v1::Proposal& proposal, const v1::Limits& limits,
                                   const FleetOrders& fleet, absl::Time now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_LIMITS_H_
