#include "diagnosis/trace/flow.h"

#include <algorithm>

#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

// A SYN-ACK is sent again a second after the last (RFC 6298 §2). One that comes sooner after the
// client's ACK had been under way.
constexpr int64_t kUnderWayNs = 500'000'000;
// How soon the second copy of a packet follows: what a host sends again it sends after a round
// trip, and where that is shorter yet the other end has asked for it.
constexpr int64_t kCopyNs = 500'000;
constexpr int64_t kCopyAmongLast = 16;
constexpr size_t kMaxSpacings = 16;  // Linux sends a SYN seven times by default

bool IsSynchronized(EndState state) {
  return state != EndState::kUnknown && state != EndState::kClosed && state != EndState::kListen &&
         state != EndState::kSynSent && state != EndState::kSynReceived;
}

// From `low` up to, including, `high`.
bool Between(uint32_t low, uint32_t number, uint32_t high) {
  return SerialAtMost(low, number) && SerialAtMost(number, high);
}

NumberedSegment Numbered(const CapturedSegment& segment) {
  NumberedSegment numbered;
  if (segment.time) numbered.at_ns = absl::ToInt64Nanoseconds(*segment.time);
  numbered.ts_val = segment.ts_val;
  numbered.payload_bytes = segment.payload_bytes;
  numbered.flags = segment.flags;
  numbered.window = segment.window;
  numbered.has_sack = segment.sack_blocks > 0;
  return numbered;
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

Flow::Flow(const TraceEndpoint& end0, const TraceEndpoint& end1, size_t max_segments,
           KeptSegments::Budget* budget)
    : kept_(max_segments / 2, max_segments / 2, budget) {
  ends_[0].endpoint = end0;
  ends_[1].endpoint = end1;
}

std::optional<uint32_t> Flow::SeqOf(int from, const CapturedSegment& segment) const {
  if (!segment.seq) return std::nullopt;
  if (!numbers_seen_ || segment.relative == relative_) return segment.seq;
  if (segment.relative && ends_[from].isn) return *ends_[from].isn + *segment.seq;
  return std::nullopt;
}

std::optional<uint32_t> Flow::AckOf(int from, const CapturedSegment& segment) const {
  if (!segment.ack || !segment.Has(kAck)) return std::nullopt;
  if (!numbers_seen_ || segment.relative == relative_) return segment.ack;
  if (segment.relative && ends_[1 - from].isn) return *ends_[1 - from].isn + *segment.ack;
  return std::nullopt;
}

bool Flow::BeginsAnother(int from, const CapturedSegment& segment) const {
  if (!segment.Has(kSyn) || segment.Has(kRst) || kept_.total() == 0) return false;
  const End& sender = ends_[from];
  const End& other = ends_[1 - from];
  const std::optional<uint32_t> seq = SeqOf(from, segment);
  if (!opened()) return true;
  if (!seq) return false;
  if (sender.isn == seq) return false;
  if (!segment.Has(kAck)) {
    if (sender.isn) return true;
    // Before anything answered it crosses the other's SYN; else it is late, or of another.
    return *client_ == from || complete_ || reset_ || syn_ack_.count > 0 ||
           other.sent_more_than_syns;
  }
  if (*client_ == from && !simultaneous_) return true;
  // SYN cookies give each SYN-ACK a number of its own.
  const bool fits = other.isn && AckOf(from, segment) == *other.isn + 1;
  return sender.isn && complete_ && !fits;
}

std::optional<int64_t> Flow::Since(const Opening& opening, const CapturedSegment& segment,
                                   std::optional<int64_t> at_ns) {
  if (!at_ns || opening.count == 0) return std::nullopt;
  // An answer to the first, after a second: it may itself have been sent again.
  const bool answers_last =
      opening.count == 1 || (segment.ts_ecr && segment.ts_ecr == opening.last.ts_val);
  if (!answers_last || !opening.last.at_ns || *at_ns < *opening.last.at_ns) return std::nullopt;
  return *at_ns - *opening.last.at_ns;
}

void Flow::Observe(int from, int64_t number, const CapturedSegment& segment) {
  if (kept_.total() == 0) {
    first_sender_ = from;
    syn_seen_ = segment.Has(kSyn) && !segment.Has(kAck);
  }
  if (!numbers_seen_ && (segment.seq || segment.ack)) relative_ = segment.relative;
  NumberedSegment numbered = Numbered(segment);
  numbered.seq = SeqOf(from, segment);
  numbered.ack = AckOf(from, segment);
  numbers_seen_ = numbers_seen_ || segment.seq || segment.ack;

  KeptSegment kept;
  kept.number = number;
  kept.from = static_cast<uint8_t>(from);
  kept.flags = segment.flags;
  kept.window = segment.window;
  kept.payload_bytes = segment.payload_bytes;
  kept.has_time = numbered.at_ns.has_value();
  kept.at_ns = numbered.at_ns.value_or(0);
  kept.has_seq = numbered.seq.has_value();
  kept.seq = numbered.seq.value_or(0);
  kept.has_ack = numbered.ack.has_value();
  kept.ack = numbered.ack.value_or(0);

  if (IsCopy(kept)) {
    kept.events.Add(SegmentEvent::kCapturedTwice);
    ++totals_.segments;
    ++totals_.captured_twice;
    for (int end : {0, 1}) {
      kept.states[end] = ends_[end].state;
      kept.tentative[end] = ends_[end].tentative;
    }
    kept_.Add(kept);
    return;
  }

  Judgement judgement;
  bool of_this = true;
  if (connected_to_itself()) {
    TakeOfItself(numbered, &kept);
  } else if (segment.Has(kRst)) {
    TakeReset(from, numbered, &kept);
    judgement = Judge(numbered, rtt_ns_, std::nullopt, &ends_[from].sent, &ends_[1 - from].sent);
    kept.events.Add(SegmentEvent::kReset);
  } else if (segment.Has(kSyn) && !segment.Has(kAck)) {
    TakeSyn(from, segment, numbered, &kept);
  } else if (segment.Has(kSyn)) {
    TakeSynAck(from, segment, numbered, &kept);
  } else {
    of_this = TakeInHandshake(from, segment, numbered, &kept);
    // Each end of a simultaneous open acknowledges the other's SYN-ACK: no duplicate of its own.
    if (simultaneous_ && !ends_[from].sent_more_than_syns) ends_[from].sent.ack.reset();
    if (of_this) {
      std::optional<int64_t> idle_ns;
      if (numbered.at_ns && last_ns_) idle_ns = *numbered.at_ns - *last_ns_;
      judgement = Judge(numbered, rtt_ns_, idle_ns, &ends_[from].sent, &ends_[1 - from].sent);
      TakeData(from, numbered, judgement, &kept);
    }
    ends_[from].sent_more_than_syns = true;
  }
  if (numbered.at_ns) last_ns_ = numbered.at_ns;
  if (judgement.acks_first) kept.marks |= kAcksFirst;
  if (judgement.acks_resent) kept.marks |= kAcksResent;
  if (judgement.reopens_window) kept.marks |= kReopensWindow;
  Count(from, kept, judgement);
  for (int end : {0, 1}) {
    kept.states[end] = ends_[end].state;
    kept.tentative[end] = ends_[end].tentative;
  }
  kept_.Add(kept);
}

void Flow::TakeSyn(int from, const CapturedSegment& segment, const NumberedSegment& numbered,
                   KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  const bool again = sender.isn.has_value() && syn_.count > 0 && (simultaneous_ || client_ == from);
  if (again) {
    kept->events.Add(SegmentEvent::kSynRetransmitted);
  } else if (client_ == 1 - from && syn_seen_ && !complete_ && numbered.seq) {
    simultaneous_ = true;
    kept->events.Add(SegmentEvent::kSimultaneousOpen);
    sender.state = EndState::kSynSent;
    sender.tentative = false;
    other.state = EndState::kSynReceived;
    other.tentative = false;
  } else {
    client_ = from;
    syn_seen_ = true;
  }
  if (!simultaneous_ || client_ == from) {
    if (again && numbered.at_ns && syn_.last.at_ns) {
      kept->detail = *numbered.at_ns - *syn_.last.at_ns;
      kept->has_detail = true;
      if (syn_spacing_ns_.size() < kMaxSpacings) syn_spacing_ns_.push_back(kept->detail);
    }
    const Stamp stamp = {numbered.at_ns, segment.ts_val};
    if (syn_.count++ == 0) syn_.first = stamp;
    syn_.last = stamp;
    syn_.last_ordinal = kept_.total();
  }
  if (!again && numbered.seq) {
    sender.isn = numbered.seq;
    sender.options_known = segment.options_known && !segment.truncated;
    sender.window_scale = segment.window_scale;
    StartAt(*numbered.seq + 1, *numbered.seq + 1 + segment.payload_bytes, numbered.at_ns,
            &sender.sent);
    if (segment.payload_bytes > 0) {
      sender.sent_data = true;
      sender.syn_data_bytes = segment.payload_bytes;
      bytes_[from] += segment.payload_bytes;
      kept->events.Add(SegmentEvent::kFastOpenData);
    }
  }
  if (simultaneous_ || complete_ || syn_ack_.count > 0) return;
  sender.state = EndState::kSynSent;
  other.state = EndState::kSynReceived;
  other.tentative = true;
  if (reset_) {  // once more, after it was refused
    reset_ = refused_ = false;
  }
}

void Flow::TakeSynAck(int from, const CapturedSegment& segment, const NumberedSegment& numbered,
                      KeptSegment* kept) {
  End& server = ends_[from];
  End& client = ends_[1 - from];
  if (!opened()) {
    client_ = 1 - from;
    if (numbered.ack) {
      client.isn = *numbered.ack - 1;
      StartAt(*numbered.ack, *numbered.ack, std::nullopt, &client.sent);
    }
  }
  const bool acceptable =
      !client.isn || !numbered.ack || Between(*client.isn + 1, *numbered.ack, client.sent.next);
  const bool again = syn_ack_.count > 0 && !simultaneous_;
  if (again) {
    kept->events.Add(SegmentEvent::kSynAckRetransmitted);
    if (syn_.count > 0 && syn_.last_ordinal > syn_ack_.last_ordinal) {
      kept->marks |= kAnswersSynAgain;
    }
    if (numbered.at_ns && syn_ack_.last.at_ns) {
      kept->detail = *numbered.at_ns - *syn_ack_.last.at_ns;
      kept->has_detail = true;
    }
  }
  const Stamp stamp = {numbered.at_ns, segment.ts_val};
  if (syn_ack_.count++ == 0) {
    syn_ack_.first = stamp;
    answered_syn_ordinal_ = syn_.last_ordinal;
    if (!simultaneous_) to_syn_ack_ns_ = Since(syn_, segment, numbered.at_ns);
  }
  syn_ack_.last = stamp;
  syn_ack_.last_ordinal = kept_.total();
  if (numbered.seq && server.isn != numbered.seq && !complete_) {
    server.isn = numbered.seq;
    server.options_known = segment.options_known && !segment.truncated;
    server.window_scale = segment.window_scale;
    StartAt(*numbered.seq + 1, *numbered.seq + 1 + segment.payload_bytes, numbered.at_ns,
            &server.sent);
    bytes_[from] += segment.payload_bytes;
  }
  if (!acceptable) {
    kept->marks |= kAcksUnknownSyn;
  } else if (numbered.ack) {
    if (!again) kept->marks |= kAcksSyn;
    if (client.syn_data_bytes > 0 && client.isn) {
      if (*numbered.ack == *client.isn + 1) {
        kept->marks |= kFastOpenNotTaken;
        client.sent.next = client.sent.first;
        client.sent_data = false;
        bytes_[1 - from] -= client.syn_data_bytes;
      } else {
        kept->marks |= kFastOpenTaken;
      }
      client.syn_data_bytes = 0;
    }
    Judgement judgement;
    Acknowledge(*numbered.ack, &server.sent, &client.sent, &judgement);
    kept->newly_acked = judgement.newly_acked;
    if (segment.window == 0) server.sent.window = 0;
  }
  if (reset_ && !complete_) reset_ = refused_ = false;  // the refusal was not the server's
  if (complete_) {
    // Only while the server has shown nothing newer: else this is an old duplicate.
    const bool was_under_way =
        complete_ns_ && kept->has_time && kept->at_ns - *complete_ns_ < kUnderWayNs;
    if (was_under_way) kept->marks |= kCrossedAck;
    if (!server.sent_more_than_syns && !server.fin_sent && !reset_ && !was_under_way) {
      kept->marks |= kServerStillWaits;
      server_still_waits_ = server_waited_ = true;
      server.state = EndState::kSynReceived;
    }
    return;
  }
  if (simultaneous_) {
    if (client.state == EndState::kSynReceived && syn_ack_.count >= 2) {
      Complete(kept);
    } else {
      server.state = client.state = EndState::kSynReceived;
    }
    return;
  }
  server.state = EndState::kSynReceived;
  server.tentative = false;
  client.state = acceptable ? EndState::kEstablished : EndState::kSynSent;
  client.tentative = acceptable;
}

// One socket is both ends (Linux: a client that hits its own ephemeral port). Both have its state.
void Flow::TakeOfItself(const NumberedSegment& numbered, KeptSegment* kept) {
  EndState state = ends_[0].state;
  if (numbered.Has(kRst)) {
    kept->events.Add(SegmentEvent::kReset);
    reset_ = true;
    state = EndState::kClosed;
  } else if (numbered.Has(kSyn) && !numbered.Has(kAck)) {
    client_ = 0;
    syn_seen_ = simultaneous_ = true;
    syn_.count++;
    state = EndState::kSynSent;
    for (End& end : ends_) end.isn = numbered.seq;
  } else if (!numbered.Has(kSyn)) {
    if (numbered.Has(kFin)) {
      kept->events.Add(SegmentEvent::kFin);
      for (End& end : ends_) end.fin_sent = true;
      state = EndState::kClosing;
    } else if (state == EndState::kClosing) {
      for (End& end : ends_) end.fin_acked = true;
      state = EndState::kTimeWait;
    }
    if (numbered.payload_bytes > 0 && !ends_[0].sent_data) {
      for (End& end : ends_) end.sent_data = true;
      if (ends_[0].isn && numbered.seq == *ends_[0].isn + 1) {
        kept->events.Add(SegmentEvent::kFirstData);
      }
    }
    bytes_[0] += numbered.payload_bytes;
  }
  if (numbered.Has(kSyn) && numbered.Has(kAck) && !complete_) {
    client_ = 0;
    Complete(kept);
    state = EndState::kEstablished;
  }
  for (End& end : ends_) end.state = state;
}

void Flow::Complete(KeptSegment* kept) {
  complete_ = true;
  if (kept->has_time) complete_ns_ = kept->at_ns;
  acked_syn_ack_ordinal_ = syn_ack_.last_ordinal;
  kept->events.Add(SegmentEvent::kHandshakeComplete);
  for (End& end : ends_) {
    end.state = EndState::kEstablished;
    end.tentative = false;
  }
}

bool Flow::TakeInHandshake(int from, const CapturedSegment& segment,
                           const NumberedSegment& numbered, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  if (reset_ && reset_by_ == from && numbered.seq && reset_seq_ &&
      SerialAtMost(*reset_seq_, *numbered.seq)) {
    kept->marks |= kAfterOwnReset;
    reset_ = refused_ = false;
    for (int end : {0, 1}) ends_[end].state = before_reset_[end];
  }
  if (!opened()) {
    if (sender.state == EndState::kUnknown) sender.state = EndState::kEstablished;
    return true;
  }
  if (reset_) return true;
  if (complete_) {
    if (server_still_waits_ && (from != *client_ || numbered.ack)) {
      server_still_waits_ = false;
      ends_[1 - *client_].state = EndState::kEstablished;
    }
    return true;
  }
  if (!numbered.ack) return true;
  if (from != *client_ && !simultaneous_) {
    if (syn_ack_.count > 0) {
      // Data before the client's ACK is fast open's. Where it acknowledges more than the capture
      // has of the client, that ACK was there as well.
      if (SerialBefore(other.sent.next, *numbered.ack)) {
        complete_ = true;
        if (kept->has_time) complete_ns_ = kept->at_ns;
        acked_syn_ack_ordinal_ = syn_ack_.last_ordinal;
        for (End& end : ends_) {
          end.state = EndState::kEstablished;
          end.tentative = false;
        }
      }
      return true;
    }
    if (other.isn && !Between(*other.isn + 1, *numbered.ack, other.sent.next)) {
      kept->marks |= kChallengeAck;
      challenged_ = true;
      other.state = EndState::kSynSent;
      sender.state = EndState::kUnknown;  // in the older connection
      sender.tentative = false;
      PutRight(from, 0, EndState::kUnknown);
      return false;
    }
    sender.state = EndState::kSynReceived;  // its SYN-ACK was not captured
    sender.tentative = false;
    return true;
  }
  if (other.isn && !Between(*other.isn + 1, *numbered.ack, other.sent.next)) {
    kept->marks |= kAcksUnknownSyn;
    return true;
  }
  kept->marks |= kAcksSyn;
  if (!simultaneous_) to_ack_ns_ = Since(syn_ack_, segment, numbered.at_ns);
  if (to_syn_ack_ns_ && to_ack_ns_) rtt_ns_ = *to_syn_ack_ns_ + *to_ack_ns_;
  Complete(kept);
  return true;
}

void Flow::TakeData(int from, const NumberedSegment& numbered, const Judgement& judgement,
                    KeptSegment* kept) {
  End& sender = ends_[from];
  for (const SegmentEvent event : judgement.events.List()) kept->events.Add(event);
  kept->newly_acked = judgement.newly_acked;
  if (judgement.detail) {
    kept->detail = *judgement.detail;
    kept->has_detail = true;
  }
  if (judgement.new_bytes > 0 && numbered.seq && !sender.sent_data) {
    sender.sent_data = true;
    if (sender.isn && *numbered.seq == *sender.isn + 1) {
      kept->events.Add(SegmentEvent::kFirstData);
    }
  }
  if (numbered.ack) TakeAckOfFin(from, *numbered.ack, kept);
  if (numbered.Has(kFin)) {
    TakeFin(from, numbered, !judgement.events.Has(SegmentEvent::kGap) && sender.sent.holes.empty(),
            kept);
  }
}

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
  return Between(low, seq, high);
}

void Flow::TakeReset(int from, const NumberedSegment& numbered, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  const bool to_syn_sent = opened() && !complete_ && *client_ == 1 - from && !simultaneous_ &&
                           syn_ack_.count == 0 && syn_.count > 0;
  if (to_syn_sent) {
    // RFC 9293 §3.10.7.3: in SYN-SENT a RST counts if it acknowledges the SYN.
    if (!numbered.ack || (other.isn && !Between(*other.isn + 1, *numbered.ack, other.sent.next))) {
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

bool Flow::IsCopy(const KeptSegment& segment) {
  if (!segment.has_time) return false;
  // What a host may well send twice at once, as duplicate ACKs and RSTs, tells nothing by itself.
  const bool tells = segment.payload_bytes > 0 || (segment.flags & (kSyn | kFin)) != 0;
  if (!tells && totals_.captured_twice == 0) return false;
  const SentBy& sent = ends_[segment.from].sent;
  if (segment.payload_bytes > 0 && segment.has_seq && sent.sent &&
      SerialAtMost(sent.next, segment.seq)) {
    return false;  // new, as most are
  }
  const int64_t oldest = std::max<int64_t>(0, kept_.total() - kCopyAmongLast);
  for (int64_t ordinal = kept_.total() - 1; ordinal >= oldest; --ordinal) {
    KeptSegment* const before = kept_.At(ordinal);
    if (before == nullptr || !before->has_time) return false;
    const int64_t since = segment.at_ns - before->at_ns;
    if (since < 0 || since > kCopyNs) return false;
    if (before->from != segment.from) {
      if (before->events.Has(SegmentEvent::kDuplicateAck)) return false;  // it asks for it
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
    before->marks |= kHasCopy;
    return true;
  }
  return false;
}

void Flow::PutRight(int end, int64_t first_ordinal, EndState state) {
  for (int64_t ordinal = kept_.total() - 1; ordinal >= first_ordinal; --ordinal) {
    KeptSegment* kept = kept_.At(ordinal);
    if (kept == nullptr) return;
    kept->states[end] = state;
    kept->tentative[end] = false;
  }
}

void Flow::Count(int from, const KeptSegment& kept, const Judgement& judgement) {
  const auto count = [&kept](SegmentEvent event, int64_t* counter) {
    if (kept.events.Has(event)) ++*counter;
  };
  ++totals_.segments;
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  ++sender.segments;
  other.unseen_bytes += judgement.unseen_bytes;
  other.unanswered_keep_alives = 0;
  sender.unanswered_keep_alives =
      kept.events.Has(SegmentEvent::kKeepAlive) ? sender.unanswered_keep_alives + 1 : 0;
  if (other.fin_sent) sender.bytes_after_other_fin += judgement.new_bytes;
  bytes_[from] += judgement.new_bytes;
  bytes_[1 - from] += judgement.probed_bytes;
  count(SegmentEvent::kRetransmission, &totals_.retransmissions);
  count(SegmentEvent::kSpuriousRetransmission, &totals_.spurious_retransmissions);
  count(SegmentEvent::kOutOfOrder, &totals_.out_of_order);
  count(SegmentEvent::kKeepAlive, &totals_.keep_alives);
  count(SegmentEvent::kZeroWindow, &totals_.zero_windows);
  count(SegmentEvent::kDuplicateAck, &totals_.duplicate_acks);
  if ((kept.flags & kSyn) != 0 && (kept.flags & kRst) == 0) {
    ++((kept.flags & kAck) != 0 ? totals_.syn_acks : totals_.syns);
  }
}

Flow::Life Flow::life() const {
  if (ends_[0].fin_acked && ends_[1].fin_acked) return Life::kClosed;
  return reset_ ? Life::kReset : Life::kOpen;
}

Outcome Flow::OutcomeAt(const TraceEnd& end) const {
  // The initial timeout of RFC 6298 §2: what was not answered by then was lost.
  constexpr int64_t kAnswerNs = 1'000'000'000;
  const auto waited = [&end](const Opening& opening) {
    return opening.count > 1 ||
           (end.last_ns && opening.last.at_ns && *end.last_ns - *opening.last.at_ns >= kAnswerNs);
  };
  const int fins = ends_[0].fin_sent + ends_[1].fin_sent;
  if (fins == 2 && (!reset_ || life() == Life::kClosed)) return Outcome::kClosed;
  if (reset_) return refused_ ? Outcome::kRefused : Outcome::kReset;
  if (fins == 1) return Outcome::kHalfClosed;
  if (!opened()) return Outcome::kMidStream;
  if (complete_) return Outcome::kEstablished;
  if (syn_ack_.count > 0) {
    if (end.only_syns_shown || !syn_seen_ || simultaneous_) return Outcome::kHandshakeNotShown;
    return waited(syn_ack_) ? Outcome::kHalfOpen : Outcome::kHandshakeNotShown;
  }
  if (challenged_ || ends_[1 - *client_].sent_more_than_syns) return Outcome::kHandshakeNotShown;
  // Where RSTs cannot be seen, only a SYN that is sent again shows that there was none.
  if (end.only_syns_shown && syn_.count == 1) return Outcome::kHandshakeNotShown;
  return waited(syn_) ? Outcome::kNoReply : Outcome::kHandshakeNotShown;
}

}  // namespace tcpmedic
