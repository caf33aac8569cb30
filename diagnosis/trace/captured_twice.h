// Tells a packet that the capture has twice from one that was sent twice. A capture on "any", on a
// bridge and its port, or on a mirror port shows each packet as often as it passes. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_CAPTURED_TWICE_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_CAPTURED_TWICE_H_

#include "diagnosis/trace/kept_segments.h"
#include "diagnosis/trace/sequence_space.h"

namespace tcpmedic {

// The one of the latest in `kept` that `segment`, which is not kept yet, is the second copy of.
// Null: it is none, or nothing tells, as without times. `sent`: by its sender until now.
// `copies_before`: this connection had some.
KeptSegment* OriginalOf(const KeptSegment& segment, const SentBy& sent, bool copies_before,
                        KeptSegments* kept);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_CAPTURED_TWICE_H_
