// How a number that never falls has risen: the slope under a leak. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_RISE_H_
#define TCPMEDIC_DIAGNOSIS_RISE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace tcpmedic {

// One reading of the number.
struct CountAt {
  absl::Duration uptime;
  int64_t count = 0;
};

struct Rise {
  // Of the newest readings, how many one after another were each higher than the one before.
  int64_t rises = 0;
  // The longest time up to the newest reading that the number has risen for without a pause: over
  // those readings, or over any longer span in each fifth of which it rose. So a leak of one a
  // minute rises as steadily over ten minutes as one of fifty a second over ten seconds, and what
  // jumped once and stands still does not rise. To the second, as scans are never on the dot; 0
  // where the newest reading is no higher than the one before and no such span ends there.
  absl::Duration rising_for;
  absl::Duration began;   // the uptime of the reading that the rise began from
  int64_t risen_by = 0;   // since then
  double per_minute = 0;  // risen_by over the time since then
};

// `readings`: oldest first, counts that never fall; those before a fall are the caller's to leave
// out. None, or one: no rise.
Rise RiseOf(absl::Span<const CountAt> readings);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RISE_H_
