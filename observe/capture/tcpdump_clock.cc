#include "observe/capture/tcpdump_clock.h"

namespace tcpmedic {

TcpdumpClock::Reading TcpdumpClock::Read(const TcpdumpTime& time) {
  Reading reading;
  reading.since_first = reading.summed = time.value;
  switch (time.form) {
    case TcpdumpTime::Form::kEpoch:
    case TcpdumpTime::Form::kDate:
      reading.base = TimeBase::kEpoch;
      break;
    case TcpdumpTime::Form::kOfDay:
      // A smaller step back is a packet that was captured out of order.
      if (last_.has_value() && time.value < *last_ - absl::Hours(12)) midnights_ += absl::Hours(24);
      last_ = time.value;
      reading.since_first = reading.summed = midnights_ + time.value;
      break;
    case TcpdumpTime::Form::kDifference:
      reading.base = TimeBase::kFirstPacket;
      reading.is_difference = true;
      sum_ += time.value;
      reading.summed = sum_;
      if (!differences_add_up_.has_value()) {
        if (last_.has_value() && time.value < *last_) differences_add_up_ = true;
        if (++differences_ >= kUndecidedPackets) Decide();
      }
      last_ = time.value;
      break;
  }
  return reading;
}

void TcpdumpClock::Decide() {
  if (!differences_add_up_.has_value()) differences_add_up_ = false;
}

}  // namespace tcpmedic
