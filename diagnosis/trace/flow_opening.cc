// How a connection opens, as a Flow sees it: SYN, SYN-ACK and the ACK that ends the handshake, sent
// again, crossed, refused or left out of the capture (RFC 9293 §3.5, RFC 7413), and what begins
// another connection.
#include "diagnosis/trace/flow.h"
#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

// A SYN-ACK is sent again a second after the last (RFC 6298 §2). One that comes sooner after the
// client's ACK had been under way.
constexpr int64_t kUnderWayNs = 500'000'000;
constexpr size_t kMaxSpacings = 16;  // Linux sends a SYN seven times by default

}  // namespace

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
  const bool acceptable = !client.isn || !numbered.ack ||
                          SerialBetween(*client.isn + 1, *numbered.ack, client.sent.next);
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
    Acknowledge(*numbered.ack, numbered, &server.sent, &client.sent, &judgement);
    kept->newly_acked = judgement.newly_acked;
    if (segment.window == 0) server.sent.window = 0;
  }
  if (reset_ && !complete_) reset_ = refused_ = false;  // the refusal was not the server's
  if (complete_) {
    syn_ack_came_again_ = !simultaneous_;
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
    if (from == *client_ && syn_ack_came_again_) {
      if (numbered.payload_bytes == 0 && !numbered.Has(kFin)) kept->marks |= kAnswersSynAckAgain;
      syn_ack_came_again_ = false;
    }
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
        if (!simultaneous_) syn_acks_before_ack_ = syn_ack_.count;
        for (End& end : ends_) {
          end.state = EndState::kEstablished;
          end.tentative = false;
        }
      }
      return true;
    }
    if (other.isn && !SerialBetween(*other.isn + 1, *numbered.ack, other.sent.next)) {
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
  if (other.isn && !SerialBetween(*other.isn + 1, *numbered.ack, other.sent.next)) {
    kept->marks |= kAcksUnknownSyn;
    return true;
  }
  kept->marks |= kAcksSyn;
  if (!simultaneous_) to_ack_ns_ = Since(syn_ack_, segment, numbered.at_ns);
  if (to_syn_ack_ns_ && to_ack_ns_) rtt_ns_ = *to_syn_ack_ns_ + *to_ack_ns_;
  Complete(kept);
  return true;
}

void Flow::Complete(KeptSegment* kept) {
  complete_ = true;
  if (kept->has_time) complete_ns_ = kept->at_ns;
  acked_syn_ack_ordinal_ = syn_ack_.last_ordinal;
  if (!simultaneous_) syn_acks_before_ack_ = syn_ack_.count;
  kept->events.Add(SegmentEvent::kHandshakeComplete);
  for (End& end : ends_) {
    end.state = EndState::kEstablished;
    end.tentative = false;
  }
}

}  // namespace tcpmedic
