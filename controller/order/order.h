// The life of an order: an approved change on one host, as far as the controller knows it. Pure;
// thread-safe.
//
//     pending → dispatched → refused | applied → committing → committed → ended
//     applied | committing | committed → rolled_back | drifted
//     waiting for the agent, and the agent is silent → unknown, and back when it is heard
//
// One that only reads (sample_call_sites) has no verdict, no commit and no deadline: it is applied
// while the agent samples, and ends with what was found.
//
// The agent is the one that knows. What it reports may repeat, come late or out of order, and skip
// states that were never told: a newer state is taken from wherever the order stands, an older one
// changes nothing. Deciding (commit or roll back) does not change what is true on the host; it
// changes what is wished, until the agent says that it is so.
#ifndef TCPMEDIC_CONTROLLER_ORDER_ORDER_H_
#define TCPMEDIC_CONTROLLER_ORDER_ORDER_H_

#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

// From dispatch until an agent that has not begun must refuse. Short: what was approved is what is
// seen now.
inline constexpr absl::Duration kDispatchPatience = absl::Seconds(30);
// An agent that is heard, and has not mentioned the order for this long after its expiry, never had
// it. Covers clocks that differ.
inline constexpr absl::Duration kExpiryGrace = absl::Seconds(30);
// An order keeps no more of what its agent reports.
inline constexpr int kMaxCoursePoints = 900;
inline constexpr int kMaxTargetsReported = 2000;
inline constexpr int kMaxCallSites = 50;
inline constexpr int kMaxFramesOfSite = 64;

// ---- Events.

struct OrderDispatched {
  uint64_t session_nonce = 0;  // of the agent that is connected
  absl::Time expires_at;
};
struct OrderReported {
  v1::OrderReport report;
};
// What came out of the measurement; the order must be applied and undecided.
struct OrderJudged {
  v1::Verification verdict;
};
struct RollbackAsked {
  std::string by;
  std::string reason;
};
struct OrderHostSilent {};
struct OrderHostHeard {};
// The agent is heard, and does not mention an order that expired kExpiryGrace ago.
struct OrderNeverBegun {};

using OrderEvent = std::variant<OrderDispatched, OrderReported, OrderJudged, RollbackAsked,
                                OrderHostSilent, OrderHostHeard, OrderNeverBegun>;

// The pending order of an approved proposal, for at most `targets_max` targets.
v1::Order MakeOrder(const v1::Proposal& proposal, const std::string& id, int targets_max,
                    absl::Time now);

// Advances one order by one event. FailedPrecondition, with how the order stands: the event is
// illegal in this state. InvalidArgument: another order's report, a state that no agent reports, a
// verdict without result, or nobody's name.
absl::StatusOr<v1::Order> Advance(const v1::Order& order, const OrderEvent& event, absl::Time now);

// ---- Questions.

// Nothing of it is or will be on the host: refused, ended, rolled back or drifted.
bool IsOver(const v1::Order& order);
// Something is still to come: an answer, a verdict, a commit, a rollback. At most one order of an
// incident is under way.
bool IsUnderWay(const v1::Order& order);
bool IsOverdue(const v1::Order& order, absl::Time now);  // dispatched, and expired without answer

// What the agent is to be told about it; nullopt: nothing (it is not dispatched, or it is over).
std::optional<v1::OrderWish> WishFor(const v1::Order& order);

// Targets of the order, sockets or settings, by what became of them.
struct TargetCount {
  int changed = 0;    // applied, and not held back
  int held_back = 0;  // kept on the old setting, or changed only after the commit
  int undone = 0;
  int gone = 0;
  int drifted = 0;
  int refused = 0;
  int total = 0;
};
TargetCount CountTargets(const v1::Order& order);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_ORDER_H_
