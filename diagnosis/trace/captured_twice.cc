#include "diagnosis/trace/captured_twice.h"

#include <algorithm>

#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

// How soon the second copy of a packet follows: what a host sends again it sends after a round
// trip, and where that is shorter yet the other end has asked for it.
constexpr int64_t kCopyNs = 500'000;
constexpr int64_t kAmongLast = 16;

}  // namespace

KeptSegment* OriginalOf(const KeptSegment& segment, const SentBy& sent, bool copies_before,
                        KeptSegments* kept) {
  if (!segment.has_time) return nullptr;
  // What a host may well send twice at once, as duplicate ACKs and RSTs, tells nothing by itself.
  const bool tells = segment.payload_bytes > 0 || (segment.flags & (kSyn | kFin)) != 0;
  if (!tells && !copies_before) return nullptr;
  if (segment.payload_bytes > 0 && segment.has_seq && sent.sent &&
      SerialAtMost(sent.next, segment.seq)) {
    return nullptr;  // new, as most are
  }
  const int64_t oldest = std::max<int64_t>(0, kept->total() - kAmongLast);
  for (int64_t ordinal = kept->total() - 1; ordinal >= oldest; --ordinal) {
    KeptSegment* const before = kept->At(ordinal);
    if (before == nullptr || !before->has_time) return nullptr;
    const int64_t since = segment.at_ns - before->at_ns;
    if (since < 0 || since > kCopyNs) return nullptr;
    if (before->from != segment.from) {
      if (before->events.Has(SegmentEvent::kDuplicateAck)) return nullptr;  // it asks for it
      continue;
    }
    if (before->events.Has(SegmentEvent::kCapturedTwice)) continue;
    if (!tells && (before->marks & kHasCopy) != 0) continue;
    if (before->flags != segment.flags || before->payload_bytes != segment.payload_bytes ||
        before->window != segment.window || before->has_seq != segment.has_seq ||
        before->seq != segment.seq || before->has_ack != segment.has_ack ||
        before->ack != segment.ack) {
      continue;
    }
    return before;
  }
  return nullptr;
}

}  // namespace tcpmedic
