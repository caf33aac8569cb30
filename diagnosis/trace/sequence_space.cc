#include "diagnosis/trace/sequence_space.h"

#include <algorithm>

#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

// The largest window is 2^30 (RFC 7323 §2.3): what lies further off is not of this stream.
constexpr int32_t kPlausible = 1 << 30;
constexpr size_t kMaxHoles = 32;
// Without a round trip time: as Wireshark has it.
constexpr int64_t kReorderingNs = 3'000'000;
// Shortest interval of keep-alives and of persist probes, a little less: TCP_KEEPINTVL is whole
// seconds, and probes begin at the RTO, at least 200 ms on Linux.
constexpr int64_t kKeepAliveIdleNs = 900'000'000;
constexpr int64_t kProbeIdleNs = 190'000'000;

bool Plausible(uint32_t near, uint32_t number) {
  const int32_t distance = SerialDistance(near, number);
  return distance <= kPlausible && distance >= -kPlausible;
}

bool IsBare(const NumberedSegment& segment) {
  return segment.payload_bytes == 0 && (segment.flags & (kSyn | kFin | kRst)) == 0;
}

void DropHolesBelow(uint32_t number, SentBy* from) {
  if (from->holes.empty()) return;
  for (Hole& hole : from->holes) {
    if (SerialBefore(hole.begin, number)) hole.begin = number;
  }
  std::erase_if(from->holes, [](const Hole& hole) { return !SerialBefore(hole.begin, hole.end); });
}

void AddHole(uint32_t end, const NumberedSegment& segment, SentBy* from) {
  if (from->holes.size() == kMaxHoles) from->holes.erase(from->holes.begin());
  from->holes.push_back({from->next, end, segment.at_ns, segment.ts_val, 0});
}

// Takes [begin, end) out of the holes: how many bytes of it lay in one, and the oldest touched.
struct Filled {
  uint32_t bytes = 0;
  std::optional<Hole> hole;
};
Filled Fill(uint32_t begin, uint32_t end, SentBy* from) {
  Filled filled;
  std::vector<Hole> right;  // what remains of a hole behind `end`
  for (Hole& hole : from->holes) {
    const uint32_t low = SerialBefore(hole.begin, begin) ? begin : hole.begin;
    const uint32_t high = SerialBefore(end, hole.end) ? end : hole.end;
    if (!SerialBefore(low, high)) continue;
    filled.bytes += high - low;
    if (!filled.hole) filled.hole = hole;
    if (high != hole.end) {
      right.push_back(hole);
      right.back().begin = high;
    }
    hole.end = low;
  }
  if (filled.hole) {
    std::erase_if(from->holes,
                  [](const Hole& hole) { return !SerialBefore(hole.begin, hole.end); });
    for (const Hole& hole : right) {
      if (from->holes.size() < kMaxHoles) from->holes.push_back(hole);
    }
  }
  return filled;
}

bool WasOvertaken(const NumberedSegment& segment, const Hole& hole, std::optional<int64_t> rtt_ns) {
  if (segment.ts_val && hole.ts_val && *segment.ts_val != *hole.ts_val) {
    return SerialBefore(*segment.ts_val, *hole.ts_val);
  }
  if (segment.at_ns && hole.at_ns) {
    return *segment.at_ns - *hole.at_ns < rtt_ns.value_or(kReorderingNs);
  }
  return hole.duplicate_acks < 3;
}

// Data or a FIN that ends at or before what was sent already.
void JudgeSentBefore(const NumberedSegment& segment, uint32_t end, std::optional<int64_t> rtt_ns,
                     SentBy* from, Judgement* judgement) {
  const uint32_t begin = *segment.seq;
  Filled filled;
  if (!from->first_is_start && SerialBefore(begin, from->first)) {
    // From before the first that the trace shows.
    const uint32_t high = SerialBefore(end, from->first) ? end : from->first;
    filled = {high - begin, Hole{begin, high, from->first_at_ns, std::nullopt, 0}};
    from->first = begin;
  } else {
    filled = Fill(begin, end, from);
  }
  judgement->new_bytes = std::min(filled.bytes, segment.payload_bytes);
  if (from->acknowledged && SerialAtMost(end, *from->acknowledged)) {
    judgement->events.Add(SegmentEvent::kSpuriousRetransmission);
    if (segment.at_ns && from->acknowledged_at_ns) {
      judgement->detail = std::max<int64_t>(0, *segment.at_ns - *from->acknowledged_at_ns);
    }
    from->resent.Add({begin, end, segment.ts_val, segment.ordinal, true, true});
  } else if (filled.bytes == end - begin && WasOvertaken(segment, *filled.hole, rtt_ns)) {
    judgement->events.Add(SegmentEvent::kOutOfOrder);
  } else {
    judgement->events.Add(SegmentEvent::kRetransmission);
    if (filled.bytes == end - begin) {
      judgement->fills_gap = true;
      judgement->detail = filled.hole->end;
    }
    from->resent.Add({begin, end, segment.ts_val, segment.ordinal});
  }
}

void Advance(uint32_t next, SentBy* from) {
  from->next = next;
  from->probe_byte_sent = false;
}

// A number far from all before it is noise (an old duplicate, a forgery) unless the one after it is
// near: then the capture has a hole of more than 1 GiB.
bool TakesAsOfThisStream(const NumberedSegment& segment, SentBy* from) {
  if (Plausible(from->next, *segment.seq)) return true;
  if (from->implausible_at && Plausible(*from->implausible_at, *segment.seq)) {
    from->sent = false;
    from->first_is_start = false;
    from->holes.clear();
    from->acknowledged.reset();
    from->resent.Clear();
    from->implausible_at.reset();
    return true;
  }
  from->implausible_at = *segment.seq;
  return false;
}

// One byte or none into a window that the other end has closed.
bool IsProbe(const NumberedSegment& segment, const SentBy& from, const SentBy& to) {
  if (to.window != 0 || segment.payload_bytes > 1 || segment.Has(kFin) || segment.Has(kRst)) {
    return false;
  }
  const uint32_t seq = *segment.seq;
  if (segment.payload_bytes == 1 && (seq == from.next || seq == from.acknowledged)) return true;
  return seq + 1 == from.next || (from.acknowledged && seq + 1 == *from.acknowledged);
}

bool IsKeepAlive(const NumberedSegment& segment, const SentBy& from) {
  return segment.payload_bytes <= 1 && !segment.Has(kFin) && !segment.Has(kRst) &&
         *segment.seq + 1 == from.next && !from.Outstanding();
}

void JudgeSequence(const NumberedSegment& segment, std::optional<int64_t> rtt_ns, SentBy* from,
                   const SentBy& to, Judgement* judgement) {
  const uint32_t seq = *segment.seq;
  const uint32_t length = segment.payload_bytes + (segment.Has(kFin) ? 1 : 0);
  if (from->sent && !TakesAsOfThisStream(segment, from)) return;
  if (!from->sent) {
    if (segment.Has(kRst)) return;
    from->sent = true;
    from->first = seq;
    from->first_at_ns = segment.at_ns;
    Advance(seq + length, from);
    judgement->new_bytes = segment.payload_bytes;
    return;
  }
  from->implausible_at.reset();
  if (segment.Has(kRst)) return;
  if (IsProbe(segment, *from, to)) {
    judgement->events.Add(SegmentEvent::kZeroWindowProbe);
    if (segment.payload_bytes == 1 && seq == from->next) from->probe_byte_sent = true;
    return;
  }
  if (IsKeepAlive(segment, *from)) {
    judgement->events.Add(SegmentEvent::kKeepAlive);
    return;
  }
  if (from->first == from->next && !from->first_is_start && seq == from->next + 1) {
    // What was seen of it so far was a keep-alive or a probe, one before its next number.
    from->first = from->next = seq;
  }
  const uint32_t end = seq + length;
  if (SerialBefore(from->next, seq)) {
    judgement->events.Add(SegmentEvent::kGap);
    judgement->detail = seq - from->next;
    AddHole(seq, segment, from);
    judgement->new_bytes = segment.payload_bytes;
    Advance(end, from);
  } else if (length == 0) {
    return;  // an ACK, perhaps an overtaken one
  } else if (SerialAtMost(end, from->next)) {
    JudgeSentBefore(segment, end, rtt_ns, from, judgement);
  } else {
    if (seq != from->next) {  // old bytes, with new ones behind them
      JudgeSentBefore(segment, from->next, rtt_ns, from, judgement);
    }
    judgement->new_bytes += std::min(segment.payload_bytes, end - from->next);
    Advance(end, from);
  }
}

// tcpdump's text leaves out the number of a segment without data. One that repeats what its sender
// said last, after a silence in which nothing came that it could answer, is a probe all the same.
void JudgeUnnumbered(const NumberedSegment& segment, std::optional<int64_t> idle_ns,
                     const SentBy& from, const SentBy& to, Judgement* judgement) {
  if (!IsBare(segment) || !idle_ns || segment.ack != from.ack || segment.window != from.window) {
    return;
  }
  if (to.window == 0) {
    if (*idle_ns >= kProbeIdleNs) judgement->events.Add(SegmentEvent::kZeroWindowProbe);
  } else if (*idle_ns >= kKeepAliveIdleNs && !from.Outstanding()) {
    judgement->events.Add(SegmentEvent::kKeepAlive);
  }
}

// An ACK without data that confirms nothing new.
void JudgeRepeatedAck(const NumberedSegment& segment, SentBy* from, SentBy* to,
                      Judgement* judgement) {
  // A SYN-ACK's window is not scaled, so the first one after it compares with nothing.
  const bool same_window = !from->window || segment.window == from->window;
  if (to->was_keep_alive && same_window) {
    judgement->events.Add(SegmentEvent::kKeepAliveAck);
  } else if (to->was_probe && segment.window == 0) {
    judgement->events.Add(SegmentEvent::kZeroWindowProbeAck);
  } else if (!same_window && !segment.has_sack) {
    judgement->events.Add(SegmentEvent::kWindowUpdate);
  } else if (segment.window != 0 && to->sent && SerialBefore(*segment.ack, to->next)) {
    judgement->events.Add(SegmentEvent::kDuplicateAck);
    judgement->detail = ++from->duplicate_acks;
    for (Hole& hole : to->holes) ++hole.duplicate_acks;
  }
}

}  // namespace

std::vector<SegmentEvent> SegmentEvents::List() const {
  std::vector<SegmentEvent> list;
  for (unsigned i = 0; i <= static_cast<unsigned>(SegmentEvent::kCapturedTwice); ++i) {
    const auto event = static_cast<SegmentEvent>(i);
    if (Has(event)) list.push_back(event);
  }
  return list;
}

void StartAt(uint32_t first, uint32_t next, std::optional<int64_t> at_ns, SentBy* from) {
  from->sent = true;
  from->first = first;
  from->next = next;
  from->first_is_start = true;
  from->acknowledged = first - 1;
  from->holes.clear();
  from->resent.Clear();
  from->first_at_ns = at_ns;
}

void Acknowledge(uint32_t ack, const NumberedSegment& segment, SentBy* from, SentBy* to,
                 Judgement* judgement) {
  from->ack = ack;
  from->acked_at_ns = segment.at_ns;
  from->asks_by_sack = segment.has_sack && !segment.duplicate;
  if (to->sent && !Plausible(to->next, ack)) return;
  if (to->probe_byte_sent && ack == to->next + 1) {
    to->next = ack;  // the probe's byte was taken after all
    to->probe_byte_sent = false;
    judgement->probed_bytes = 1;
  }
  if (to->sent && to->first == to->next && !to->first_is_start) {
    // Of a connection that was open before the trace, and of `to` only ACKs were seen.
    if (SerialBefore(to->next, ack)) to->first = to->next = ack;
  } else if (to->sent && SerialBefore(to->next, ack)) {
    judgement->events.Add(SegmentEvent::kAckOfUnseen);
    judgement->unseen_bytes = ack - to->next;
    judgement->detail = ack - to->next;
    to->next = ack;
  }
  if (!to->holes.empty()) {
    uint32_t unseen = 0;
    for (const Hole& hole : to->holes) {
      const uint32_t high = SerialBefore(ack, hole.end) ? ack : hole.end;
      if (SerialBefore(hole.begin, high)) unseen += high - hole.begin;
    }
    if (unseen > 0) {
      judgement->events.Add(SegmentEvent::kAckOfUnseen);
      judgement->unseen_bytes += unseen;
      judgement->detail = judgement->detail.value_or(0) + unseen;
      DropHolesBelow(ack, to);
    }
  }
  if (!to->acknowledged) {
    to->acknowledged = ack;
    to->acknowledged_at_ns = segment.at_ns;
  } else if (SerialBefore(*to->acknowledged, ack)) {
    judgement->newly_acked = ack - *to->acknowledged;
    judgement->acks_first = to->first_is_start && SerialAtMost(*to->acknowledged, to->first) &&
                            SerialBefore(to->first, ack);
    const ResentRanges::Confirmed confirmed =
        to->resent.Confirm(*to->acknowledged, ack, segment.ts_ecr, &judgement->spurious);
    judgement->acks_resent = confirmed.resent;
    judgement->acks_earlier_sending = confirmed.earlier_sending;
    to->acknowledged = ack;
    to->acknowledged_at_ns = segment.at_ns;
    from->duplicate_acks = 0;
  }
  if (segment.duplicate) {
    judgement->names_resent = to->resent.Name(*segment.duplicate, &judgement->spurious);
  }
}

Judgement Judge(const NumberedSegment& segment, std::optional<int64_t> rtt_ns,
                std::optional<int64_t> idle_ns, SentBy* from, SentBy* to) {
  Judgement judgement;
  if (segment.seq) {
    JudgeSequence(segment, rtt_ns, from, *to, &judgement);
  } else {
    JudgeUnnumbered(segment, idle_ns, *from, *to, &judgement);
  }
  const bool is_reset = segment.Has(kRst);
  const bool keep_alive = judgement.events.Has(SegmentEvent::kKeepAlive);
  const bool probe = judgement.events.Has(SegmentEvent::kZeroWindowProbe);
  if (keep_alive && idle_ns) judgement.detail = idle_ns;
  if (segment.ack && !is_reset) {
    if (IsBare(segment) && !keep_alive && !probe && segment.ack == from->ack &&
        !judgement.events.Has(SegmentEvent::kGap)) {
      JudgeRepeatedAck(segment, from, to, &judgement);
    } else if (to->was_probe && IsBare(segment) && segment.window == 0) {
      judgement.events.Add(SegmentEvent::kZeroWindowProbeAck);  // and it took the byte
    }
    Acknowledge(*segment.ack, segment, from, to, &judgement);
  }
  if (segment.window == 0 && (segment.flags & (kSyn | kFin | kRst)) == 0) {
    judgement.events.Add(SegmentEvent::kZeroWindow);
  }
  if (!is_reset) {
    judgement.reopens_window = from->window == 0 && segment.window != 0;
    from->window = segment.window;
  }
  from->was_keep_alive = keep_alive;
  from->was_probe = probe;
  return judgement;
}

}  // namespace tcpmedic
