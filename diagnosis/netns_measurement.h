// How a network namespace did over the last seconds: what a finding of subject netns reports as
// `before`, and what a repair of its settings is compared with. The sibling of measurement.h. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_MEASUREMENT_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_MEASUREMENT_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/clock.h"
#include "core/expr/type.h"
#include "diagnosis/netns_history.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

struct MeasuredAttribute {
  absl::string_view name;  // without prefix: "syn_drops_per_s"
  expr::Type type;
  absl::string_view unit;  // as in v1::Evidence
  absl::string_view source;
  absl::string_view doc;
};
// What every measurement of a namespace has, in this order; the value of each may be absent.
absl::Span<const MeasuredAttribute> NetnsMeasured();

// The half-open connections that the newest dump showed.
struct HalfOpenCount {
  int64_t sockets = 0;
  Moment at;
};

// Over the newest kMeasuredSpan of the history, or what there is. `start` and `end` are exactly the
// times of the first and the last reading used. A counter that reset has begun a new history, so
// nothing reaches across that. `half_open` is left without a value where its dump was not made
// between the two. Requires that the history has a point.
v1::Measurement Measure(const NetnsHistory& history, std::optional<HalfOpenCount> half_open);

// The same, but of the readings in [not_before, not_after] (uptimes) only: what a change did is not
// to be diluted by what was before it. NullOpt while they span less than a second.
std::optional<v1::Measurement> MeasureBetween(const NetnsHistory& history,
                                              std::optional<HalfOpenCount> half_open,
                                              absl::Duration not_before, absl::Duration not_after);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_MEASUREMENT_H_
