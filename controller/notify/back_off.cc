#include "controller/notify/back_off.h"

#include <algorithm>

namespace tcpmedic {

absl::Duration BackOff(int failures, double jitter) {
  // 2^10 s is over the bound: no further doubling is needed, and none overflows.
  const int doublings = std::clamp(failures - 1, 0, 10);
  const absl::Duration whole = std::min(kFirstBackOff * (1 << doublings), kMaxBackOff);
  return whole * (1 - 0.5 * std::clamp(jitter, 0.0, 1.0));
}

}  // namespace tcpmedic
