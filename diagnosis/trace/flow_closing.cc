// How a connection ends, as a Flow sees it: FINs, their ACKs (RFC 9293 §3.6), and RSTs (§3.10.7).
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

}  // namespace

void Flow::TakeAckOfFin(int from, uint32_t ack, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  if (!other.fin_sent || other.fin_acked || !other.fin_numbered ||
      !SerialAtMost(other.fin_end, ack)) {
    return;
  }
  other.fin_acked = true;
  kept->marks |= kAcksFin;
  if (reset_) return;
  other.state = AfterOwnFinAcked(other.state);
  // It may have come behind a hole, which was filled since.
  const bool arrived = sender.state == EndState::kCloseWait || sender.state == EndState::kLastAck ||
                       sender.state == EndState::kClosing || sender.state == EndState::kTimeWait ||
                       sender.state == EndState::kClosed;
  if (!arrived) sender.state = AfterFinArrived(sender.state);
}

void Flow::TakeFin(int from, const NumberedSegment& numbered, bool in_order, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  kept->events.Add(SegmentEvent::kFin);
  ++sender.fins;
  if (sender.fin_sent) {
    // Not acknowledged: then the one before did not arrive, as far as the trace tells.
    if (!sender.fin_acked && !reset_ && other.state == sender.other_after_fin &&
        sender.other_after_fin != sender.other_before_fin) {
      PutRight(1 - from, sender.last_fin_ordinal, sender.other_before_fin);
    }
    sender.last_fin_ordinal = kept_.total();
    return;
  }
  sender.fin_sent = true;
  sender.fin_numbered = numbered.seq.has_value();
  sender.fin_at_ns = numbered.at_ns;
  sender.first_fin_ordinal = kept_.total();
  if (numbered.seq) sender.fin_end = *numbered.seq + numbered.payload_bytes + 1;
  sender.last_fin_ordinal = kept_.total();
  if (reset_) return;
  if (other.fin_sent && !other.fin_acked && sender.state == EndState::kCloseWait) {
    // It does not know of the other's FIN: they crossed. That one has arrived by now.
    kept->marks |= kFinsCrossed;
    fins_crossed_ = true;
    PutRight(from, other.last_fin_ordinal, EndState::kEstablished);
    sender.state = EndState::kClosing;
  } else if (sender.state == EndState::kCloseWait) {
    sender.state = EndState::kLastAck;
  } else if (IsSynchronized(sender.state) || sender.state == EndState::kSynReceived ||
             sender.state == EndState::kUnknown) {
    sender.state = EndState::kFinWait1;
  }
  sender.other_before_fin = other.state;
  if (in_order && (IsSynchronized(other.state) || !opened())) {
    other.state = AfterFinArrived(other.state);
  }
  sender.other_after_fin = other.state;
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
    for (int end : {0, 1}) before_reset_[end] = ends_[end].state;
  }
  sender.state = other.state = EndState::kClosed;
  sender.tentative = other.tentative = false;
}

}  // namespace tcpmedic
