// How many bytes a program that keeps to a rate may move now. Pure: time comes in. A program that
// was held up does not catch up by more than a tenth of a second's worth.
#ifndef TCPMEDIC_LAB_BYTE_ALLOWANCE_H_
#define TCPMEDIC_LAB_BYTE_ALLOWANCE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace tcpmedic::lab {

class ByteAllowance {
 public:
  // rate_bps 0: no limit.
  ByteAllowance(int64_t rate_bps, absl::Time now)
      : bytes_per_second_(static_cast<double>(rate_bps) / 8), updated_(now) {}

  int64_t Available(absl::Time now) {
    if (bytes_per_second_ == 0) return INT64_MAX;
    const double earned = bytes_per_second_ * absl::ToDoubleSeconds(now - updated_);
    bytes_ = std::min(bytes_ + earned, std::max(bytes_per_second_ / 10, 1.0));
    updated_ = now;
    return static_cast<int64_t>(bytes_);
  }
  void Spend(int64_t bytes) {
    if (bytes_per_second_ != 0) bytes_ -= static_cast<double>(bytes);
  }

 private:
  double bytes_per_second_;
  double bytes_ = 0;
  absl::Time updated_;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_BYTE_ALLOWANCE_H_
