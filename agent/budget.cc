#include "agent/budget.h"

#include <algorithm>

namespace tcpmedic {
namespace {

// The weight of the newest scan. A first scan of 50 ms at 1 % would ask for 5 s on its own;
// weighted, for 1.5 s.
constexpr double kNewestWeight = 0.3;

}  // namespace

absl::Duration CpuBudget::IntervalAfter(absl::Duration scan_cpu) {
  smoothed_cpu_ += kNewestWeight * (scan_cpu - smoothed_cpu_);
  return std::clamp(smoothed_cpu_ / options_.core_fraction, options_.base_interval,
                    options_.max_interval);
}

}  // namespace tcpmedic
