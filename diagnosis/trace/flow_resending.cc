// What a Flow says of data and FINs that are sent again: how often and how long after the sending
// before, what made the sender do so, and what turns out to have been in vain.
#include <algorithm>

#include "diagnosis/trace/flow.h"
#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

// How far back the sending before is looked for: the most that is kept of the last segments.
constexpr int64_t kLookBack = 1000;
// Without a round trip time: the shortest timeout of Linux (TCP_RTO_MIN), a little less.
constexpr int64_t kTimeoutNs = 190'000'000;
// Without a round trip time: how soon after an ACK its sender's peer answers it.
constexpr int64_t kAnswerNs = 3'000'000;
constexpr uint8_t kMostCounted = 255;

// Whether it brings the byte or FIN at `seq`.
bool Brings(const KeptSegment& segment, uint32_t seq) {
  if (!segment.has_seq || segment.events.Has(SegmentEvent::kKeepAlive) ||
      segment.events.Has(SegmentEvent::kZeroWindowProbe)) {
    return false;
  }
  const uint32_t begin = segment.seq + ((segment.flags & kSyn) != 0 ? 1 : 0);
  const uint32_t length = segment.payload_bytes + ((segment.flags & kFin) != 0 ? 1 : 0);
  return seq - begin < length;
}

}  // namespace

const KeptSegment* Flow::SendingBefore(int from, uint32_t seq) const {
  const int64_t oldest = std::max<int64_t>(0, kept_.total() - kLookBack);
  for (int64_t ordinal = kept_.total() - 1; ordinal >= oldest; --ordinal) {
    const KeptSegment* const before = kept_.At(ordinal);
    if (before == nullptr) return nullptr;
    if (before->from == from && Brings(*before, seq) &&
        !before->events.Has(SegmentEvent::kCapturedTwice)) {
      return before;
    }
  }
  return nullptr;
}

void Flow::TakeResent(int from, const NumberedSegment& numbered, const Judgement& judgement,
                      KeptSegment* kept) {
  if (judgement.fills_gap) {
    kept->marks |= kFillsGap;
    return;
  }
  const KeptSegment* const before = SendingBefore(from, kept->seq);
  if (before != nullptr) {
    kept->sendings =
        static_cast<uint8_t>(std::min<int>(kMostCounted, std::max<int>(1, before->sendings) + 1));
  }
  if (kept->events.Has(SegmentEvent::kSpuriousRetransmission)) {
    if (rtt_ns_ && kept->has_detail && kept->detail >= 4 * *rtt_ns_) kept->marks |= kAckWasOverdue;
    ends_[from].sent_acked_again = true;
    return;
  }
  std::optional<int64_t> since_before;
  if (before != nullptr && before->has_time && kept->has_time) {
    since_before = std::max<int64_t>(0, kept->at_ns - before->at_ns);
    kept->detail = *since_before;
    kept->has_detail = true;
  }
  const SentBy& sender = ends_[from].sent;
  const SentBy& other = ends_[1 - from].sent;
  const auto since = [&numbered](std::optional<int64_t> then) -> std::optional<int64_t> {
    if (!numbered.at_ns || !then) return std::nullopt;
    return *numbered.at_ns - *then;
  };
  if (other.duplicate_acks > 0 || other.asks_by_sack) {
    // At once, or it has waited for something else since.
    const std::optional<int64_t> since_ack = since(other.acked_at_ns);
    if (!since_ack || *since_ack <= rtt_ns_.value_or(kAnswerNs)) {
      kept->marks |= kFastRetransmit;
      if (other.asks_by_sack) kept->marks |= kAskedBySack;
      kept->duplicate_acks =
          static_cast<uint8_t>(std::min<int>(kMostCounted, other.duplicate_acks));
      return;
    }
  }
  const int64_t shortest = rtt_ns_ ? 2 * *rtt_ns_ : kTimeoutNs;
  const std::optional<int64_t> since_acked = since(sender.acknowledged_at_ns);
  if (!since_before || *since_before < shortest || (since_acked && *since_acked < shortest)) return;
  kept->marks |= kNoAckCame;
  // A timeout begins with the first that is not acknowledged, a probe of the tail takes the last,
  // and that only once (RFC 8985 §7).
  const uint32_t end = kept->seq + kept->payload_bytes + ((kept->flags & kFin) != 0 ? 1 : 0);
  const bool is_first = sender.acknowledged && SerialAtMost(kept->seq, *sender.acknowledged);
  if (kept->sendings > 2 || (is_first && SerialBefore(end, sender.next))) {
    kept->marks |= kTimedOut;
  } else if (sender.acknowledged && !is_first && end == sender.next) {
    kept->marks |= kProbesTail;
  }
}

void Flow::TurnOutSpurious(int64_t ordinal, bool by_timestamp) {
  --totals_.retransmissions;
  ++totals_.spurious_retransmissions;
  KeptSegment* const kept = kept_.At(ordinal);
  // From TIME-WAIT the timestamp of the first FIN is echoed for ever: the ACK may have been lost.
  const bool of_fin = kept != nullptr && (kept->flags & kFin) != 0;
  if (!of_fin || !by_timestamp) ++needless_;
  if (kept == nullptr) return;
  kept->events.Remove(SegmentEvent::kRetransmission);
  kept->events.Add(SegmentEvent::kSpuriousRetransmission);
  kept->marks |= kTurnedOutSpurious;
}

// What an ACK tells of that.
void Flow::TakeAckOfResent(int from, const NumberedSegment& numbered, const Judgement& judgement,
                           KeptSegment* kept) {
  for (const int64_t ordinal : judgement.spurious)
    TurnOutSpurious(ordinal, !judgement.names_resent);
  if (judgement.acks_resent) kept->marks |= kAcksResent;
  if (judgement.acks_earlier_sending) kept->marks |= kAcksEarlierSending;
  End& other = ends_[1 - from];
  // `detail` may be taken by what is more: a gap, what was not captured.
  const bool has_room = !kept->has_detail || kept->events.Has(SegmentEvent::kDuplicateAck);
  if (numbered.duplicate && judgement.names_resent && has_room) {
    kept->marks |= kNamesResent;
    if (!judgement.spurious.empty()) kept->marks |= kNamesNeedless;
    kept->detail =
        static_cast<int64_t>(uint64_t{numbered.duplicate->begin} << 32 | numbered.duplicate->end);
    kept->has_detail = true;
  } else if (other.sent_acked_again && kept->has_ack && kept->payload_bytes == 0 &&
             (kept->flags & (kSyn | kFin | kRst)) == 0) {
    kept->marks |= kAcksAgain;
  }
  if (kept->has_ack) other.sent_acked_again = false;
}

}  // namespace tcpmedic
