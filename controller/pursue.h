// One event and everything that follows from it, until nothing does: the incident's transition, the
// policies' decision, the proposal, the order and its verdict, the effects for the outbox and the
// entries for the audit log. What comes out is the next state and the transaction that makes it
// true. Pure but for the ids of new proposals and orders; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_PURSUE_H_
#define TCPMEDIC_CONTROLLER_PURSUE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/incident/incident.h"
#include "controller/order/limits.h"
#include "controller/order/order.h"
#include "controller/policy/decide.h"
#include "controller/policy/policy_set.h"
#include "controller/store/store.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

// Proposals of one incident that are kept at hand; the store has all of them.
inline constexpr int kProposalsAtHand = 20;
// Likewise of orders; those that are not over always are at hand.
inline constexpr int kOrdersAtHand = 20;

struct Circumstances {
  const PolicySet& policies;
  const HostFacts& host;                                             // of the incident
  const std::function<std::string(absl::string_view kind)>& new_id;  // of "p-" or "o-"
  absl::Time now;
  std::optional<uint64_t> agent_nonce;               // of the host's agent; nullopt: not connected
  const std::function<FleetOrders()>& fleet_orders;  // with those of this draft
};

struct Pursued {
  v1::IncidentView next;
  Transaction transaction;  // without the incident itself: the caller says when evidence alone is
                            // worth a write
  bool noteworthy = false;  // more than newer evidence
};

// Errors are those of Advance and End: nothing has changed.
absl::StatusOr<Pursued> Pursue(const v1::IncidentView& view, const Event& event,
                               const Circumstances& circumstances);

// Likewise, for an event of the order `order_id` of this incident, which must be at hand. What a
// report says is judged at once; `reported_at` is by the agent's clock.
absl::StatusOr<Pursued> PursueOrder(const v1::IncidentView& view, const std::string& order_id,
                                    const OrderEvent& event, absl::Time reported_at,
                                    const Circumstances& circumstances);

// Likewise, for a finding that no incident claims.
absl::StatusOr<Pursued> PursueNew(const std::string& id, const v1::Finding& finding,
                                  const Circumstances& circumstances);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_PURSUE_H_
