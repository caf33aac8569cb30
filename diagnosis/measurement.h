// How a group of sockets did over the last seconds: what a finding reports as `before`, and what a
// repair is compared with. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_MEASUREMENT_H_
#define TCPMEDIC_DIAGNOSIS_MEASUREMENT_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/clock.h"
#include "diagnosis/socket_history.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// The span that is measured, and what is left out at the start of a connection's life: slow start
// says nothing about the path. A history has to cover both.
inline constexpr absl::Duration kMeasuredSpan = absl::Seconds(10);
inline constexpr absl::Duration kSettlingTime = absl::Seconds(5);
// Scans are never on the dot: one this much too late still begins a span of kMeasuredSpan.
inline constexpr absl::Duration kMeasuredSpanSlack = absl::Milliseconds(500);
// Less says nothing.
inline constexpr absl::Duration kLeastMeasuredSpan = absl::Seconds(1);

// Over [max(first seen + kSettlingTime, now - kMeasuredSpan), now]; all that there is where that is
// less than a second. `start` and `end` are exactly the times of the first and the last sample
// used, so that a count taken elsewhere over the same span agrees. Rates are sums over all sockets
// and that span; rtt, cwnd and ssthresh are medians over all samples of all sockets in it.
// `congestion_control` is the exemplar's. Values that no socket reports are left without a value.
// Requires that every history has a point.
v1::Measurement Measure(absl::Span<const SocketHistory* const> sockets,
                        absl::string_view congestion_control, Moment now);

// The same, but never over anything before `not_before` (an uptime): what a change did is not to be
// diluted by what was before it. NullOpt while that leaves less than a second, and for no sockets.
std::optional<v1::Measurement> MeasureSince(absl::Span<const SocketHistory* const> sockets,
                                            absl::string_view congestion_control,
                                            absl::Duration not_before, Moment now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_MEASUREMENT_H_
