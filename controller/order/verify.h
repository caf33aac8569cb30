// Before against after: did the change help? Pure; thread-safe.
//
// The policy's expectation decides, and nothing else. The sockets that were held back are measured
// over the same spans and shown beside the result; where they contradict it (they did as well
// without the change, or the path itself got worse) the reason says so, for a person to weigh. They
// are few, often one, so that they are evidence but no jury.
#ifndef TCPMEDIC_CONTROLLER_ORDER_VERIFY_H_
#define TCPMEDIC_CONTROLLER_ORDER_VERIFY_H_

#include <optional>

#include "absl/time/time.h"
#include "tcpmedic/v1/order.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// `after` is meant to be 10 s; less than half of that is no measurement.
inline constexpr absl::Duration kMinAfter = absl::Seconds(5);
// How long after it is due a missing measurement is waited for. Below the margin that
// confirm_within leaves, so that the controller still gives the reason.
inline constexpr absl::Duration kMeasurementPatience = absl::Seconds(8);

// The verdict on an applied order by what its agent has measured so far; nullopt: too early to say.
// `reported_at` is by the agent's clock, as all times of the order's measurements are.
//   improved      the expectation is known to be true
//   not improved  it is known to be false
//   inconclusive  no target is left, the measurement is missing or too short, or a value is unknown
// The reason has the arithmetic: "after.goodput_bps 66.2 Mbit/s >= 3.0 * before.goodput_bps 0.8
// Mbit/s".
std::optional<v1::Verification> Judge(const v1::Verify& verify, const v1::Order& order,
                                      absl::Time reported_at);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_VERIFY_H_
