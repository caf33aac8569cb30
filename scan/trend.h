// The slope of a number of a process over the last minutes: its memory, its descriptors. Plain
// value.
#ifndef TCPMEDIC_SCAN_TREND_H_
#define TCPMEDIC_SCAN_TREND_H_

#include <deque>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace tcpmedic {

class Trend {
 public:
  // Readings closer than 5 s to the last one are left out, as are those older than 5 min.
  void Add(absl::Duration uptime, double value);
  // Least squares over what is kept; nullopt while that spans less than 10 s.
  std::optional<double> PerMinute() const;
  // What is kept.
  absl::Duration span() const;

 private:
  std::deque<std::pair<absl::Duration, double>> readings_;  // oldest first
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_TREND_H_
