// One connection of a trace while its segments pass by: the states of both ends (RFC 9293 §3.3.2),
// the handshake, the close, and what each segment is. Pure; not thread-safe.
//
// flow.cc takes a segment and hands it to those who know what it does to both ends: flow_opening.cc
// the SYNs and the handshake's ACK, flow_closing.cc FINs and RSTs, sequence_space.h the data,
// flow_resending.cc what of it is sent again, flow_related.cc what ICMP and IP fragments tell.
// flow_description.cc says it in words, only when asked.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_FLOW_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_FLOW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnosis/trace/connection.h"
#include "diagnosis/trace/end_states.h"
#include "diagnosis/trace/kept_segments.h"
#include "diagnosis/trace/sequence_space.h"
#include "observe/capture/related_packet.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

// What the trace as a whole says about each of its connections.
struct TraceEnd {
  std::optional<int64_t> last_ns;  // time of its last segment
  bool only_syns_shown = false;
};

class Flow {
 public:
  // The two ends in any order; `from` below is 0 or 1 by it.
  Flow(const TraceEndpoint& end0, const TraceEndpoint& end1, size_t max_segments,
       KeptSegments::Budget* budget);

  // Whether the segment opens another connection between the same endpoints: a SYN with a number of
  // its own (a SYN sent again has the same), or a SYN-ACK that fits nothing here.
  bool BeginsAnother(int from, const CapturedSegment& segment) const;
  void Observe(int from, int64_t number, const CapturedSegment& segment);
  // `from` sent the segment that it tells of.
  void ObserveRelated(int from, int64_t number, const RelatedPacket& related);
  // Between the same endpoints there was another before, silent since `ns`.
  void FollowsAt(std::optional<int64_t> ns);
  std::optional<int64_t> last_ns() const { return last_ns_; }

  enum class Life : uint8_t { kOpen, kReset, kClosed };
  Life life() const;
  Outcome OutcomeAt(const TraceEnd& end) const;
  // `input` as TrackedConnection::input.
  TrackedConnection Describe(const std::string& input, const TraceEnd& end) const;
  const ConnectionTotals& totals() const { return totals_; }

 private:
  struct Stamp {
    int64_t ordinal = -1;
    std::optional<int64_t> at_ns;
    std::optional<uint32_t> ts_val;
  };
  // A SYN, SYN-ACK or FIN, as often as it was sent.
  struct Sendings {
    static constexpr size_t kMaxEarlier = 16;

    void Add(const Stamp& stamp);
    const Stamp& First() const { return earlier.empty() ? last : earlier.front(); }
    // The ordinal of the one whose timestamp was echoed (RFC 7323 §3); -1: that does not tell.
    int64_t Echoed(std::optional<uint32_t> ts_ecr) const;

    int count = 0;
    Stamp last;
    std::vector<Stamp> earlier;  // all but the last, bounded
  };
  struct End {
    TraceEndpoint endpoint;
    EndStates states;
    std::optional<uint32_t> isn;
    SentBy sent;
    bool options_known = false;           // of its SYN
    bool answered_syn = false;            // with it: that was a SYN-ACK
    std::optional<uint8_t> window_scale;  // offered in it
    bool fin_sent = false, fin_acked = false;
    std::optional<int64_t> fin_acked_at_ns;
    uint32_t fin_end = 0;  // one past the FIN; if the segment had a number
    bool fin_numbered = false;
    Sendings fin;
    int64_t own_fin_acked_ordinal = -1;  // of what told it so
    bool sent_data = false;
    bool echoes_ce = false;       // its latest segment had ECE
    uint32_t syn_data_bytes = 0;  // until a SYN-ACK says whether they were taken
    bool sent_more_than_syns = false;
    int64_t segments = 0;
    std::optional<int64_t> last_at_ns;  // its latest
    int64_t last_ordinal = -1;
    int64_t unanswered_ordinal = -1;   // its first since the other end's latest, or since a pause
    int64_t unseen_bytes = 0;          // acknowledged by the other end, and not in the capture
    std::optional<int64_t> fin_at_ns;  // its first
    int64_t bytes_after_other_fin = 0;
    std::optional<int64_t> sent_after_fin_at_ns;  // the last of them
    int unanswered_keep_alives = 0;               // the latest, in a row
    bool sent_acked_again = false;                // just now, what had been acknowledged
    bool in_fragments = false;                    // some of its segments came in IP fragments
  };
  struct Report {
    int from_end = 0;
    int64_t about = -1;  // ordinal of the segment that it quotes; -1: not kept
    IcmpReport report;   // `of_client` is set when described
  };

  bool opened() const { return client_.has_value(); }
  bool connected_to_itself() const { return ends_[0].endpoint == ends_[1].endpoint; }

  std::optional<uint32_t> SeqOf(int from, const CapturedSegment& segment) const;
  std::optional<uint32_t> AckOf(int from, const CapturedSegment& segment) const;
  void TakeOfItself(const NumberedSegment& numbered, const CapturedSegment& segment,
                    KeptSegment* kept);
  void TakeData(int from, const NumberedSegment& numbered, const Judgement& judgement,
                KeptSegment* kept);
  void Count(int from, const KeptSegment& kept, const Judgement& judgement);
  // From the segment on that is being observed.
  void Enter(int end, EndState state) { ends_[end].states.Enter(kept_.total(), state); }
  void Spoke(int from, std::optional<int64_t> at_ns);

  // ECN, urgent data and what else the header says beside the numbers.
  void TakeHeader(int from, const CapturedSegment& segment, KeptSegment* kept);
  // Whether its data reaches the end of the other end's window.
  bool FillsWindow(int from, const NumberedSegment& numbered) const;

  // In flow_opening.cc.
  void TakeSyn(int from, const CapturedSegment& segment, const NumberedSegment& numbered,
               KeptSegment* kept);
  void TakeSynAck(int from, const CapturedSegment& segment, const NumberedSegment& numbered,
                  KeptSegment* kept);
  // What has neither SYN nor RST. False: the segment belongs to an older connection, its numbers
  // say nothing here.
  bool TakeInHandshake(int from, const CapturedSegment& segment, const NumberedSegment& numbered,
                       KeptSegment* kept);
  void TakeAfterHandshake(int from, const NumberedSegment& numbered, KeptSegment* kept);
  void Complete(std::optional<uint32_t> ts_ecr, KeptSegment* kept);
  void EstablishClient(std::optional<uint32_t> ts_ecr);
  void ServerStillWaits();
  static std::optional<int64_t> Since(const Sendings& opening, const CapturedSegment& segment,
                                      std::optional<int64_t> at_ns);

  // In flow_closing.cc.
  void TakeFin(int from, const NumberedSegment& numbered, bool in_order, KeptSegment* kept);
  void TakeFinAgain(int from);
  void TakeAckOfFin(int from, const NumberedSegment& numbered, KeptSegment* kept);
  EndState StateBeforeFin(int end, int64_t ordinal) const;
  void TakeReset(int from, const NumberedSegment& numbered, KeptSegment* kept);
  bool IsInWindow(int from, uint32_t seq) const;
  int64_t UnackedBytes(int end) const;
  void RememberReset(int from, const NumberedSegment& numbered, KeptSegment* kept);

  // In flow_resending.cc.
  // Of the byte or FIN at `seq`; null where it is not kept.
  const KeptSegment* SendingBefore(int from, uint32_t seq) const;
  void TakeResent(int from, const NumberedSegment& numbered, const Judgement& judgement,
                  KeptSegment* kept);
  void TakeAckOfResent(int from, const NumberedSegment& numbered, const Judgement& judgement,
                       KeptSegment* kept);
  void TurnOutSpurious(int64_t ordinal, bool by_timestamp);

  // In flow_related.cc: the one that ends a handshake, or null.
  bool SynWasAnsweredByIcmp() const;

  // In flow_description.cc.
  EndState StateAfter(int64_t ordinal, int end) const;
  std::optional<uint8_t> AgreedScale(int end) const;
  int GuessedClient() const;
  TrackedSegment DescribeSegment(int64_t ordinal, const KeptSegment& kept, int client) const;

  End ends_[2];
  std::optional<int> client_;  // by SYN or SYN-ACK
  int first_sender_ = 0;
  bool syn_seen_ = false;
  bool relative_ = false;  // the numbers that it keeps are relative to what is not known
  bool numbers_seen_ = false;
  bool simultaneous_ = false;
  bool complete_ = false;            // the handshake
  bool challenged_ = false;          // the SYN was answered by an older connection's ACK
  bool server_still_waits_ = false;  // it sent its SYN-ACK again after the ACK, and nothing since
  int server_waited_ = 0;            // how often it did that
  // The ACK that completed the handshake for the server, as far as the trace has shown; -1: none.
  int64_t server_ready_ordinal_ = -1;
  // Of a simultaneous open: who sent the second SYN-ACK, until something after it was sent.
  std::optional<int> answered_last_;
  std::optional<int64_t> complete_ns_;
  Sendings syn_, syn_ack_;
  std::vector<int64_t> syn_spacing_ns_;
  int syn_acks_before_ack_ = 0;
  std::optional<int64_t> before_ns_;  // see FollowsAt
  bool follows_ = false;
  std::optional<int64_t> to_syn_ack_ns_, to_ack_ns_;
  std::optional<int64_t> rtt_ns_;
  bool fins_crossed_ = false;
  bool reset_ = false, refused_ = false;
  int reset_by_ = 0;
  std::optional<uint32_t> reset_seq_;
  int64_t reset_ordinal_ = -1;
  EndStates before_reset_[2];
  bool reset_was_forged_ = false;  // and what the other end made of it is not known yet
  std::optional<int64_t> last_ns_;
  ConnectionTotals totals_;  // client_bytes, server_bytes: unused, see bytes_
  int64_t bytes_[2] = {0, 0};
  int64_t needless_ = 0;  // retransmissions of what turned out to have arrived
  bool reset_has_ack_ = false;
  int64_t unacked_at_reset_[2] = {0, 0};  // data of each end
  std::optional<int64_t> late_fin_ns_;    // from FIN-WAIT-2 to a FIN that a RST answered
  int reset_after_keep_alives_ = 0;       // that nobody answered
  bool fast_open_refused_ = false;        // and not sent again since, at first
  bool fast_open_sent_again_ = false;
  bool ecn_offered_ = false, ecn_agreed_ = false;
  bool syn_ack_came_again_ = false;  // after the handshake, and is not answered
  std::vector<Report> reports_;
  TimeBase time_base_ = TimeBase::kEpoch;
  KeptSegments kept_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_FLOW_H_
