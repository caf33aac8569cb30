// The two clocks of the world. Logic never asks them: it receives a Moment.
// Thread-safe.
#ifndef TCPMEDIC_CORE_CLOCK_H_
#define TCPMEDIC_CORE_CLOCK_H_

#include "absl/time/time.h"

namespace tcpmedic {

// One reading of both clocks. `wall` is for people and for the wire; `uptime` (CLOCK_BOOTTIME,
// which neither steps nor stops while suspended) is for arithmetic: windows, deadlines, rates.
struct Moment {
  absl::Time wall;
  absl::Duration uptime;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Moment Now() const = 0;

  // The host's clocks. Never null, never deleted.
  static const Clock* Real();
};

// A clock for tests, which moves only when told to. Not thread-safe.
class SimulatedClock : public Clock {
 public:
  explicit SimulatedClock(absl::Time wall, absl::Duration uptime = absl::Hours(1))
      : now_{wall, uptime} {}

  Moment Now() const override { return now_; }
  void Advance(absl::Duration by) {
    now_.wall += by;
    now_.uptime += by;
  }

 private:
  Moment now_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_CLOCK_H_
