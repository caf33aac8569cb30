#include "core/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace tcpmedic {
namespace {

class RealClock : public Clock {
 public:
  Moment Now() const override {
    timespec boot{};
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return {absl::Now(), absl::DurationFromTimespec(boot)};
  }
};

}  // namespace

const Clock* Clock::Real() {
  static const RealClock* const clock = new RealClock;
  return clock;
}

}  // namespace tcpmedic
