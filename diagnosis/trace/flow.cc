// From a captured segment to a kept one: its numbers, who takes it, what it counts as, and what has
// become of the connection.
#include "diagnosis/trace/flow.h"

#include "diagnosis/trace/captured_twice.h"
#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

NumberedSegment Numbered(const CapturedSegment& segment) {
  NumberedSegment numbered;
  if (segment.time) numbered.at_ns = absl::ToInt64Nanoseconds(*segment.time);
  numbered.ts_val = segment.ts_val;
  numbered.ts_ecr = segment.ts_ecr;
  numbered.payload_bytes = segment.payload_bytes;
  numbered.flags = segment.flags;
  numbered.window = segment.window;
  numbered.has_sack = segment.sack_blocks > 0;
  return numbered;
}

KeptSegment ToKeep(int64_t number, int from, const NumberedSegment& numbered) {
  KeptSegment kept;
  kept.number = number;
  kept.from = static_cast<uint8_t>(from);
  kept.flags = numbered.flags;
  kept.window = numbered.window;
  kept.payload_bytes = numbered.payload_bytes;
  kept.has_time = numbered.at_ns.has_value();
  kept.at_ns = numbered.at_ns.value_or(0);
  kept.has_seq = numbered.seq.has_value();
  kept.seq = numbered.seq.value_or(0);
  kept.has_ack = numbered.ack.has_value();
  kept.ack = numbered.ack.value_or(0);
  return kept;
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

void Flow::Observe(int from, int64_t number, const CapturedSegment& segment) {
  if (kept_.total() == 0) {
    first_sender_ = from;
    syn_seen_ = segment.Has(kSyn) && !segment.Has(kAck);
    time_base_ = segment.time_base;
  }
  if (!numbers_seen_ && (segment.seq || segment.ack)) relative_ = segment.relative;
  NumberedSegment numbered = Numbered(segment);
  numbered.seq = SeqOf(from, segment);
  numbered.ack = AckOf(from, segment);
  numbered.ordinal = kept_.total();
  if (numbered.ack && segment.sack_blocks > 0) {
    numbered.duplicate = DuplicateSack(segment);
    if (numbered.duplicate) {
      const uint32_t offset = *numbered.ack - *segment.ack;
      numbered.duplicate->begin += offset;
      numbered.duplicate->end += offset;
    }
  }
  numbers_seen_ = numbers_seen_ || segment.seq || segment.ack;

  KeptSegment kept = ToKeep(number, from, numbered);
  KeptSegment* const original =
      OriginalOf(kept, ends_[from].sent, totals_.captured_twice > 0, &kept_);
  if (original != nullptr) {
    original->marks |= kHasCopy;
    kept.events.Add(SegmentEvent::kCapturedTwice);
    ++totals_.segments;
    ++totals_.captured_twice;
    kept_.Add(kept);
    return;
  }

  Judgement judgement;
  if (connected_to_itself()) {
    TakeOfItself(numbered, segment, &kept);
  } else if (segment.Has(kRst)) {
    TakeReset(from, numbered, &kept);
    judgement = Judge(numbered, rtt_ns_, std::nullopt, &ends_[from].sent, &ends_[1 - from].sent);
    kept.events.Add(SegmentEvent::kReset);
  } else if (segment.Has(kSyn) && !segment.Has(kAck)) {
    TakeSyn(from, segment, numbered, &kept);
  } else if (segment.Has(kSyn)) {
    TakeSynAck(from, segment, numbered, &kept);
  } else {
    const bool of_this = TakeInHandshake(from, segment, numbered, &kept);
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
  TakeHeader(from, segment, &kept);
  if (judgement.new_bytes > 0 && FillsWindow(from, numbered)) kept.marks |= kFillsWindow;
  if (numbered.at_ns) last_ns_ = numbered.at_ns;
  Spoke(from, numbered.at_ns);
  if (judgement.acks_first) kept.marks |= kAcksFirst;
  if (judgement.reopens_window) kept.marks |= kReopensWindow;
  Count(from, kept, judgement);
  kept_.Add(kept);
}

void Flow::Spoke(int from, std::optional<int64_t> at_ns) {
  // After a pause of so many round trips an answer to what was sent before it would have come.
  constexpr int64_t kRoundTrips = 2;
  constexpr int64_t kUnknownRttNs = 500'000'000;
  End& sender = ends_[from];
  const bool went_on = sender.last_ordinal > ends_[1 - from].last_ordinal && at_ns &&
                       sender.last_at_ns &&
                       *at_ns - *sender.last_at_ns < kRoundTrips * rtt_ns_.value_or(kUnknownRttNs);
  if (!went_on) sender.unanswered_ordinal = kept_.total();
  sender.last_ordinal = kept_.total();
  sender.last_at_ns = at_ns;
}

void Flow::FollowsAt(std::optional<int64_t> ns) {
  follows_ = true;
  before_ns_ = ns;
}

void Flow::TakeHeader(int from, const CapturedSegment& segment, KeptSegment* kept) {
  End& sender = ends_[from];
  if (follows_) {
    follows_ = false;
    kept->marks |= kPortsAgain;
    if (before_ns_ && kept->has_time && !kept->has_detail) {
      kept->detail = kept->at_ns - *before_ns_;
      kept->has_detail = true;
    }
  }
  if (segment.Has(kRst)) return;
  const bool ece = segment.Has(kEce), cwr = segment.Has(kCwr);
  if (segment.Has(kSyn)) {
    // With AE the SYN speaks of accurate ECN (RFC 9768), whose flags count.
    const bool ecn = ece && cwr != segment.Has(kAck) && !segment.Has(kAe);
    if (!segment.Has(kAck)) {
      ecn_offered_ = ecn;
      if (segment.signed_by_md5) kept->marks |= kSigned;
    } else {
      ecn_agreed_ = ecn && ecn_offered_;
    }
    if (segment.Has(kAck) ? ecn_agreed_ : ecn_offered_) kept->marks |= kEcn;
    if (segment.fast_open && (segment.Has(kAck) || segment.fast_open_cookie_bytes == 0)) {
      kept->marks |= kFastOpenCookie;
    }
    return;
  }
  if (fast_open_refused_ && !fast_open_sent_again_ && from == client_ &&
      kept->events.Has(SegmentEvent::kFirstData)) {
    fast_open_sent_again_ = true;
    kept->marks |= kFastOpenAgain;
  }
  if (ecn_agreed_ && ((ece && !sender.echoes_ce) || (cwr && segment.payload_bytes > 0))) {
    kept->marks |= kEcn;
  }
  sender.echoes_ce = ece;
}

bool Flow::FillsWindow(int from, const NumberedSegment& numbered) const {
  const SentBy& other = ends_[1 - from].sent;
  if (!numbered.seq || !complete_ || !other.ack || other.window.value_or(0) == 0) return false;
  const std::optional<uint8_t> scale = AgreedScale(1 - from);
  if (!scale) return false;
  return *numbered.seq + numbered.payload_bytes == *other.ack + (uint32_t{*other.window} << *scale);
}

// One socket is both ends (Linux: a client that hits its own ephemeral port). Both have its state.
void Flow::TakeOfItself(const NumberedSegment& numbered, const CapturedSegment& segment,
                        KeptSegment* kept) {
  EndState state = ends_[0].states.now();
  if (numbered.Has(kRst)) {
    kept->events.Add(SegmentEvent::kReset);
    reset_ = true;
    state = EndState::kClosed;
  } else if (numbered.Has(kSyn) && !numbered.Has(kAck)) {
    client_ = 0;
    syn_seen_ = simultaneous_ = true;
    syn_.count++;
    state = EndState::kSynReceived;  // it has sent it, and received it
    for (End& end : ends_) {
      end.isn = numbered.seq;
      end.options_known = segment.options_known && !segment.truncated;
      end.window_scale = segment.window_scale;
    }
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
    complete_ = true;
    kept->events.Add(SegmentEvent::kHandshakeComplete);
    state = EndState::kEstablished;
  }
  for (int end : {0, 1}) Enter(end, state);
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
  if (kept->events.Has(SegmentEvent::kRetransmission) ||
      kept->events.Has(SegmentEvent::kSpuriousRetransmission)) {
    TakeResent(from, numbered, judgement, kept);
  }
  TakeAckOfResent(from, numbered, judgement, kept);
  if (numbered.ack) TakeAckOfFin(from, numbered, kept);
  if (numbered.Has(kFin)) {
    TakeFin(from, numbered, !judgement.events.Has(SegmentEvent::kGap) && sender.sent.holes.empty(),
            kept);
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
  if (other.fin_sent && judgement.new_bytes > 0) {
    sender.bytes_after_other_fin += judgement.new_bytes;
    if (kept.has_time) sender.sent_after_fin_at_ns = kept.at_ns;
  }
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
  const auto waited = [&end](const Sendings& opening) {
    return opening.count > 1 ||
           (end.last_ns && opening.last.at_ns && *end.last_ns - *opening.last.at_ns >= kAnswerNs);
  };
  const int fins = ends_[0].fin_sent + ends_[1].fin_sent;
  if (fins == 2 && (!reset_ || life() == Life::kClosed)) return Outcome::kClosed;
  if (reset_) return refused_ ? Outcome::kRefused : Outcome::kReset;
  if (server_still_waits_) return Outcome::kServerStillWaits;
  if (fins == 1) {
    const bool one_direction = ends_[0].segments == 0 || ends_[1].segments == 0;
    return one_direction ? Outcome::kCloseNotShown : Outcome::kHalfClosed;
  }
  if (!opened()) return Outcome::kMidStream;
  if (complete_) return Outcome::kEstablished;
  if (syn_ack_.count > 0) {
    if (end.only_syns_shown || !syn_seen_ || simultaneous_) return Outcome::kHandshakeNotShown;
    return waited(syn_ack_) ? Outcome::kHalfOpen : Outcome::kHandshakeNotShown;
  }
  if (challenged_ || ends_[1 - *client_].sent_more_than_syns) return Outcome::kHandshakeNotShown;
  if (SynWasAnsweredByIcmp()) return Outcome::kNoReply;
  // Where RSTs cannot be seen, only a SYN that is sent again shows that there was none.
  if (end.only_syns_shown && syn_.count == 1) return Outcome::kHandshakeNotShown;
  return waited(syn_) ? Outcome::kNoReply : Outcome::kHandshakeNotShown;
}

}  // namespace tcpmedic
