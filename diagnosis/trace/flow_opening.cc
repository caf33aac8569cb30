// How a connection opens, as a Flow sees it: SYN, SYN-ACK and the ACK that ends the handshake, sent
// again, crossed, refused or left out of the capture (RFC 9293 §3.5, RFC 7413), and what begins
// another connection.
#include <algorithm>

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

void Flow::Sendings::Add(const Stamp& stamp) {
  if (count++ > 0 && earlier.size() < kMaxEarlier) earlier.push_back(last);
  last = stamp;
}

int64_t Flow::Sendings::Echoed(std::optional<uint32_t> ts_ecr) const {
  if (!ts_ecr || count == 0) return -1;
  for (const Stamp& stamp : earlier) {
    if (stamp.ts_val == ts_ecr) return stamp.ordinal;
  }
  return last.ts_val == ts_ecr ? last.ordinal : -1;
}

std::optional<int64_t> Flow::Since(const Sendings& opening, const CapturedSegment& segment,
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
  const bool again = sender.isn.has_value() && syn_.count > 0 && (simultaneous_ || client_ == from);
  if (again) {
    kept->events.Add(SegmentEvent::kSynRetransmitted);
  } else if (client_ == 1 - from && syn_seen_ && !complete_ && numbered.seq) {
    simultaneous_ = true;
    kept->events.Add(SegmentEvent::kSimultaneousOpen);
    Enter(from, EndState::kSynSent);
    Enter(1 - from, EndState::kSynReceived);
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
    syn_.Add({kept_.total(), numbered.at_ns, segment.ts_val});
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
  if (simultaneous_ || complete_ || (reset_ && syn_ack_.count > 0)) return;
  if (reset_) {  // once more: it was not refused after all
    reset_ = refused_ = false;
    for (int end : {0, 1}) ends_[end].states = before_reset_[end];
  }
  // Also before it, if it is sent again: its sender has got no SYN-ACK until now.
  sender.states.Enter(syn_.First().ordinal, EndState::kSynSent);
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
    if (syn_.count > 0 && syn_.last.ordinal > syn_ack_.last.ordinal) {
      kept->marks |= kAnswersSynAgain;
    }
    if (numbered.at_ns && syn_ack_.last.at_ns) {
      kept->detail = *numbered.at_ns - *syn_ack_.last.at_ns;
      kept->has_detail = true;
    }
  }
  if (syn_ack_.count == 0 && !simultaneous_) {
    to_syn_ack_ns_ = Since(syn_, segment, numbered.at_ns);
  }
  syn_ack_.Add({kept_.total(), numbered.at_ns, segment.ts_val});
  if (numbered.seq && server.isn != numbered.seq && !complete_) {
    server.isn = numbered.seq;
    server.options_known = segment.options_known && !segment.truncated;
    server.answered_syn = true;
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
        fast_open_refused_ = true;
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
  if (reset_ && !complete_) {  // the refusal was not the server's
    reset_ = refused_ = false;
    for (int end : {0, 1}) ends_[end].states = before_reset_[end];
  }
  if (complete_) {
    syn_ack_came_again_ = !simultaneous_;
    // Only while the server has shown nothing newer: else this is an old duplicate.
    const bool was_under_way =
        complete_ns_ && kept->has_time && kept->at_ns - *complete_ns_ < kUnderWayNs;
    if (was_under_way) kept->marks |= kCrossedAck;
    if (!simultaneous_ && !server.sent_more_than_syns && !server.fin_sent && !reset_ &&
        !was_under_way) {
      kept->marks |= kServerStillWaits;
      ServerStillWaits();
    }
    return;
  }
  if (simultaneous_) {
    Enter(from, EndState::kSynReceived);
    if (answered_last_ == 1 - from) {  // now both have
      complete_ = true;
      if (kept->has_time) complete_ns_ = kept->at_ns;
      Enter(1 - from, EndState::kEstablished);
    } else {
      Enter(1 - from, EndState::kSynReceived);
    }
    answered_last_ = from;
    return;
  }
  if (syn_ack_.count == 1) {
    const int64_t answered = acceptable ? syn_.Echoed(segment.ts_ecr) : -1;
    if (answered > syn_.First().ordinal) {  // those before it did not arrive
      server.states.Enter(syn_.First().ordinal, EndState::kListen);
    }
    // Where nothing tells which it answers: before the last SYN that is unknown.
    server.states.Enter(answered >= 0                  ? answered
                        : acceptable && syn_.count > 0 ? syn_.last.ordinal
                                                       : kept_.total(),
                        EndState::kSynReceived);
  }
  // Until the client acknowledges it, or sends its SYN again.
  if (acceptable) Enter(1 - from, EndState::kUnknown);
}

void Flow::ServerStillWaits() {
  server_still_waits_ = true;
  ++server_waited_;
  if (server_ready_ordinal_ < 0) return;
  // No ACK until now has got through, or none was taken.
  ends_[1 - *client_].states.Enter(server_ready_ordinal_, EndState::kSynReceived);
  if (KeptSegment* ready = kept_.At(server_ready_ordinal_)) {
    ready->events.Remove(SegmentEvent::kHandshakeComplete);
  }
  server_ready_ordinal_ = -1;
}

bool Flow::TakeInHandshake(int from, const CapturedSegment& segment,
                           const NumberedSegment& numbered, KeptSegment* kept) {
  End& sender = ends_[from];
  End& other = ends_[1 - from];
  if (reset_ && reset_by_ == from && numbered.seq && reset_seq_ &&
      SerialAtMost(*reset_seq_, *numbered.seq)) {
    kept->marks |= kAfterOwnReset;
    reset_ = refused_ = false;
    for (int end : {0, 1}) ends_[end].states = before_reset_[end];
    other.states.Enter(reset_ordinal_, EndState::kUnknown);
    reset_was_forged_ = true;
  } else if (reset_was_forged_ && reset_by_ != from) {  // it did not take it
    reset_was_forged_ = false;
    sender.states = before_reset_[from];
  }
  if (!opened()) {
    if (sender.states.now() == EndState::kUnknown) Enter(from, EndState::kEstablished);
    return true;
  }
  if (reset_) return true;
  if (complete_) {
    if (from == *client_ && syn_ack_came_again_) {
      if (numbered.payload_bytes == 0 && !numbered.Has(kFin)) kept->marks |= kAnswersSynAckAgain;
      syn_ack_came_again_ = false;
    }
    TakeAfterHandshake(from, numbered, kept);
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
        EstablishClient(std::nullopt);
        Enter(from, EndState::kEstablished);
      }
      return true;
    }
    if (other.isn && !SerialBetween(*other.isn + 1, *numbered.ack, other.sent.next)) {
      kept->marks |= kChallengeAck;
      challenged_ = true;
      sender.states.Enter(0, EndState::kUnknown);  // in the older connection
      return false;
    }
    // Its SYN-ACK was not captured. Whether the client's ACK was sent is not known.
    return true;
  }
  if (other.isn && !SerialBetween(*other.isn + 1, *numbered.ack, other.sent.next)) {
    kept->marks |= kAcksUnknownSyn;
    return true;
  }
  kept->marks |= kAcksSyn;
  if (!simultaneous_) to_ack_ns_ = Since(syn_ack_, segment, numbered.at_ns);
  if (to_syn_ack_ns_ && to_ack_ns_) rtt_ns_ = *to_syn_ack_ns_ + *to_ack_ns_;
  Complete(segment.ts_ecr, kept);
  return true;
}

// The client has acknowledged the SYN-ACK.
void Flow::TakeAfterHandshake(int from, const NumberedSegment& numbered, KeptSegment* kept) {
  if (answered_last_) {  // by now the other's SYN-ACK has reached it too
    Enter(*answered_last_, EndState::kEstablished);
    kept->events.Add(SegmentEvent::kHandshakeComplete);
    answered_last_.reset();
  }
  if (!server_still_waits_) return;
  EndStates& server = ends_[1 - *client_].states;
  if (from == *client_) {
    // Whether this one gets through, the server's next segment tells.
    if (numbered.ack && server_ready_ordinal_ < 0) {
      server_ready_ordinal_ = kept_.total();
      server.Enter(kept_.total(), EndState::kUnknown);
    }
    return;
  }
  server_still_waits_ = false;
  if (server_ready_ordinal_ < 0) {
    Enter(from, EndState::kEstablished);
    return;
  }
  server.Enter(server_ready_ordinal_, EndState::kEstablished);
  if (KeptSegment* ready = kept_.At(server_ready_ordinal_)) {
    ready->events.Add(SegmentEvent::kHandshakeComplete);
  }
}

void Flow::Complete(std::optional<uint32_t> ts_ecr, KeptSegment* kept) {
  complete_ = true;
  if (kept->has_time) complete_ns_ = kept->at_ns;
  kept->events.Add(SegmentEvent::kHandshakeComplete);
  server_ready_ordinal_ = kept_.total();
  answered_last_.reset();
  if (simultaneous_) {
    for (int end : {0, 1}) Enter(end, EndState::kEstablished);
    return;
  }
  EstablishClient(ts_ecr);
  Enter(1 - *client_, EndState::kEstablished);
}

// From the SYN-ACK on that has reached it: the one whose timestamp it echoes, else the last, and
// before that it is unknown. A SYN that it sent later crossed that on the way.
void Flow::EstablishClient(std::optional<uint32_t> ts_ecr) {
  syn_acks_before_ack_ = syn_ack_.count;
  EndStates& client = ends_[*client_].states;
  if (syn_ack_.count == 0) {
    Enter(*client_, EndState::kEstablished);
    return;
  }
  int64_t since = syn_ack_.Echoed(ts_ecr);
  if (since < 0) {
    since = syn_ack_.last.ordinal;
  } else if (since > syn_ack_.First().ordinal) {  // those before it did not arrive
    client.Enter(syn_ack_.First().ordinal, EndState::kSynSent);
  }
  client.Enter(std::max(since, syn_.last.ordinal + 1), EndState::kEstablished);
}

}  // namespace tcpmedic
