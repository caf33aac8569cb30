// When a span of time counts as full. Scans are never on the dot: the fifth one after another may
// come 4.98 s later.
#ifndef TCPMEDIC_DIAGNOSIS_FULL_SPAN_H_
#define TCPMEDIC_DIAGNOSIS_FULL_SPAN_H_

#include "absl/time/time.h"

namespace tcpmedic {

// Nine tenths are enough, for windows and for a signature's `for` alike. What is measured over a
// span is always divided by its true length.
inline bool IsFull(absl::Duration span, absl::Duration wanted) { return span >= 0.9 * wanted; }

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_FULL_SPAN_H_
