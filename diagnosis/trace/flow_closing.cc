// How a connection ends, as a Flow sees it: FINs, their ACKs (RFC 9293 §3.6), and RSTs (§3.10.7).
#include <algorithm>

#include "diagnosis/trace/flow.h"
#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

bool IsSynchronized(EndState state) {
  return state != EndState::kUnknown && state != EndState::kClosed && state != EndState::kListen &&
         state != EndState::kSynSent && state != EndState::kSynReceived;
}

// How an end's state changes once its own FIN is acknowledged.
EndState AfterOwnFinAcked(EndState state) {
  switch (state) {
    case EndState::kFinWait1:
      return EndState::kFinWait2;
    case EndState::kClosing:
      return EndState::kTimeWait;
    case EndState::kLastAck:
      return EndState::kClosed;
    default:
      return state;
  }
}

// How it changes once the other end's FIN has reached it.
EndState AfterFinArrived(EndState state) {
  switch (state) {
    case EndState::kUnknown:
    case EndState::kSynSent:
    case EndState::kSynReceived:
    case EndState::kEstablished:
      return EndState::kCloseWait;
    case EndState::kFinWait1:
      return EndState::kClosing;
    case EndState::kFinWait2:
      return EndState::kTimeWait;
    default:
      return state;
  }
}

// Whether the other end's FIN has reached it.
bool HasTakenFin(EndState state) {
  return state == EndState::kCloseWait || state == EndState::kLastAck ||
         state == EndState::kClosing || state == EndState::kTimeWait || state == EndState::kClosed;
}

}  // namespace

// Of an end whose FIN, if it has sent one, the other's has not reached.
EndState Flow::StateBeforeFin(int end, int64_t ordinal) const {
  const End& receiver = ends_[end];
  if (!receiver.fin_sent) return EndState::kEstablished;
  const bool acked =
      receiver.own_fin_acked_ordinal >= 0 && receiver.own_fin_acked_ordinal <= ordinal;
  return acked ? EndState::kFinWait2 : EndState::kFinWait1;
}

void Flow::TakeAckOfFin(int from, const NumberedSegment& numbered, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  if (!other.fin_sent || !other.fin_numbered || !SerialAtMost(other.fin_end, *numbered.ack)) {
    return;
  }
  const bool first = !other.fin_acked;
  other.fin_acked = true;
  if (first && kept->has_time) other.fin_acked_at_ns = kept->at_ns;
  if (first) kept->marks |= kAcksFin;
  if (reset_) return;
  if (other.own_fin_acked_ordinal < 0) {
    other.own_fin_acked_ordinal = kept_.total();
    Enter(1 - from, AfterOwnFinAcked(other.states.now()));
  }
  if (!first || HasTakenFin(sender.states.now())) return;
  int64_t since = kept_.total();  // it came behind a hole, which was filled since
  if (other.fin.count > 1) {
    since = other.fin.Echoed(numbered.ts_ecr);
    if (since < 0) since = other.fin.last.ordinal;
    if (numbered.duplicate && numbered.duplicate->end == other.fin_end) {
      // It had one of them already when the last arrived.
      since = std::min(since, other.fin.earlier.back().ordinal);
    }
    since = std::max(since, sender.last_ordinal + 1);  // what it sent until then knew of none
  }
  sender.states.Enter(since, AfterFinArrived(StateBeforeFin(from, since)));
}

// One more, with nothing new in it for its receiver.
void Flow::TakeFinAgain(int from) {
  End& sender = ends_[from];
  EndStates& other = ends_[1 - from].states;
  if (sender.fin_acked) {
    // That ACK had not reached it, nor what else was in its segment.
    const int64_t acked = sender.own_fin_acked_ordinal;
    if (acked >= 0) sender.states.Enter(acked, sender.states.At(acked - 1));
    sender.own_fin_acked_ordinal = -1;
    return;
  }
  // It was lost, or its ACK was: which, only the other end knows. What that sent meanwhile did not
  // know of it.
  const int64_t before = sender.fin.last.ordinal;
  int64_t unknown_since = before;
  if (ends_[1 - from].last_ordinal > before) {
    unknown_since = kept_.total();
    if (ends_[1 - from].fin.First().ordinal > before) {
      other.Enter(ends_[1 - from].fin.First().ordinal, EndState::kFinWait1);
    } else {
      other.Enter(before, other.At(before - 1));
    }
  }
  other.Enter(unknown_since, EndState::kUnknown);
}

void Flow::TakeFin(int from, const NumberedSegment& numbered, bool in_order, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  kept->events.Add(SegmentEvent::kFin);
  const bool again = sender.fin_sent;
  if (again && !reset_) TakeFinAgain(from);
  sender.fin.Add({kept_.total(), numbered.at_ns, numbered.ts_val});
  if (again) return;
  sender.fin_sent = true;
  sender.fin_numbered = numbered.seq.has_value();
  sender.fin_at_ns = numbered.at_ns;
  if (numbered.seq) sender.fin_end = *numbered.seq + numbered.payload_bytes + 1;
  if (reset_) return;
  const EndState state = sender.states.now();
  if (other.fin_sent && !other.fin_acked && state == EndState::kCloseWait) {
    // It does not know of the other's FIN: they crossed. That one has arrived by now.
    kept->marks |= kFinsCrossed;
    fins_crossed_ = true;
    sender.states.Enter(other.fin.last.ordinal, EndState::kEstablished);
    Enter(from, EndState::kClosing);
  } else if (state == EndState::kCloseWait) {
    Enter(from, EndState::kLastAck);
  } else if (other.fin_sent && state == EndState::kUnknown) {
    // Whether the other's has reached it is not known.
  } else if (IsSynchronized(state) || state == EndState::kSynReceived ||
             state == EndState::kUnknown) {
    Enter(from, EndState::kFinWait1);
  }
  if (in_order && (IsSynchronized(other.states.now()) || !opened())) {
    Enter(1 - from, AfterFinArrived(other.states.now()));
  }
}

bool Flow::IsInWindow(int from, uint32_t seq) const {
  const SentBy& sender = ends_[from].sent;
  const SentBy& other = ends_[1 - from].sent;
  if (!sender.acknowledged && !sender.sent) return true;  // nothing to compare it with
  const uint32_t low = sender.acknowledged ? *sender.acknowledged : sender.first;
  // Unscaled where the scale is not known: then the largest that it may be.
  const int shift = AgreedScale(1 - from).value_or(14);
  const uint32_t window = uint32_t{other.window.value_or(0xffff)} << shift;
  uint32_t high = low + window;
  if (sender.sent && SerialBefore(high, sender.next)) high = sender.next;
  return SerialBetween(low, seq, high);
}

// Data that was sent and not acknowledged.
int64_t Flow::UnackedBytes(int end) const {
  const SentBy& sent = ends_[end].sent;
  if (!sent.sent || !sent.acknowledged || !SerialBefore(*sent.acknowledged, sent.next)) return 0;
  const int64_t fin = ends_[end].fin_sent && ends_[end].fin_numbered ? 1 : 0;
  return int64_t{sent.next - *sent.acknowledged} - fin;
}

// What the RST `numbered` ended, and what it answers.
void Flow::RememberReset(int from, const NumberedSegment& numbered, KeptSegment* kept) {
  const End& sender = ends_[from];
  const End& other = ends_[1 - from];
  reset_has_ack_ = numbered.Has(kAck);
  for (int end : {0, 1}) unacked_at_reset_[end] = UnackedBytes(end);
  if (sender.unanswered_keep_alives > 0) {
    kept->marks |= kGivesUp;
    kept->detail = sender.unanswered_keep_alives;
    kept->has_detail = true;
  } else if (sender.fin_sent && !reset_has_ack_ && unacked_at_reset_[1 - from] > 0) {
    kept->marks |= kResetOfLateData;
    kept->detail = unacked_at_reset_[1 - from];
    kept->has_detail = true;
  } else if (sender.fin_acked && !reset_has_ack_ && other.fin_sent && !other.fin_acked) {
    kept->marks |= kResetOfLateFin;
    if (sender.fin_acked_at_ns && other.fin_at_ns) {
      late_fin_ns_ = std::max<int64_t>(0, *other.fin_at_ns - *sender.fin_acked_at_ns);
    }
  }
}

void Flow::TakeReset(int from, const NumberedSegment& numbered, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  const bool to_syn_sent = opened() && !complete_ && *client_ == 1 - from && !simultaneous_ &&
                           syn_ack_.count == 0 && syn_.count > 0;
  if (to_syn_sent) {
    // RFC 9293 §3.10.7.3: in SYN-SENT a RST counts if it acknowledges the SYN.
    if (!numbered.ack ||
        (other.isn && !SerialBetween(*other.isn + 1, *numbered.ack, other.sent.next))) {
      kept->marks |= kResetOutsideWindow;
      return;
    }
    kept->marks |= kRefusal;
    refused_ = true;
    sender.states.Enter(syn_.last.ordinal, EndState::kClosed);
  } else if (opened() && *client_ == from && challenged_ && syn_ack_.count == 0) {
    kept->marks |= kResetOfOlder;
    challenged_ = false;
    return;
  } else if (numbered.seq && !IsInWindow(from, *numbered.seq)) {
    kept->marks |= kResetOutsideWindow;
    return;
  }
  if (reset_ && reset_by_ == from) kept->marks |= kResetAgain;
  if (!reset_) {
    reset_ = true;
    reset_by_ = from;
    reset_after_keep_alives_ = sender.unanswered_keep_alives;
    reset_seq_ = numbered.seq;
    reset_ordinal_ = kept_.total();
    reset_was_forged_ = false;
    for (int end : {0, 1}) before_reset_[end] = ends_[end].states;
    // So it answers what comes where it has no socket (RFC 9293 §3.10.7.1).
    if (!numbered.Has(kAck) && numbered.seq && numbered.seq == other.sent.ack) {
      // One of the latest. Its socket was still there for the one that acknowledged its FIN.
      const int64_t since = std::max(other.unanswered_ordinal, sender.own_fin_acked_ordinal + 1);
      if (since < other.last_ordinal) sender.states.Enter(since, EndState::kUnknown);
      sender.states.Enter(other.last_ordinal, EndState::kClosed);
    }
    // What was sent before it got no answer: then it may not have arrived either.
    Enter(1 - from, reset_after_keep_alives_ > 0 ? EndState::kUnknown : EndState::kClosed);
    RememberReset(from, numbered, kept);
  }
  Enter(from, EndState::kClosed);
}

}  // namespace tcpmedic
