// How long to wait after a failure. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_BACK_OFF_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_BACK_OFF_H_

#include "absl/time/time.h"

namespace tcpmedic {

inline constexpr absl::Duration kFirstBackOff = absl::Seconds(1);
// A receiver that comes back hears of everything within this.
inline constexpr absl::Duration kMaxBackOff = absl::Minutes(2);

// Before the next try after `failures` in a row, at least 1: doubled with each from kFirstBackOff
// up to kMaxBackOff, of which `jitter` in [0, 1) takes away up to half, so that controllers that
// lost a receiver together do not come back together.
absl::Duration BackOff(int failures, double jitter);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_BACK_OFF_H_
