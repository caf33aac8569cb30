// A value over the seconds of a case, as it is written there: "400" stays, "0 +70/s" grows by 70 a
// second, and "0 +1400/s from 8s to 9s" grows in that second only. Pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_SERIES_H_
#define TCPMEDIC_CONTROLLER_POLICY_SERIES_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tcpmedic {

// In the unit of whatever it describes.
struct Series {
  double start = 0;
  double per_second = 0;
  absl::Duration from = absl::ZeroDuration();
  absl::Duration to = absl::InfiniteDuration();

  double At(absl::Duration since_start) const;
};

// `unit` zero: plain numbers. Else numbers are durations, "148ms", counted in `unit`. nullopt: it
// is not written so.
std::optional<Series> ParseSeries(absl::string_view text, absl::Duration unit);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_SERIES_H_
