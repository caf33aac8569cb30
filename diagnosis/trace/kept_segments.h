// The first and the last segments of one connection, compact: no strings, no notes, no states (see
// end_states.h). Bounded, by
// itself and by what all connections keep together. Not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_KEPT_SEGMENTS_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_KEPT_SEGMENTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "diagnosis/trace/connection.h"
#include "diagnosis/trace/sequence_space.h"

namespace tcpmedic {

// What is remarkable about a segment beyond its events: for its note.
enum SegmentMark : uint64_t {
  kAcksSyn = 0x001,             // the first to acknowledge the other end's SYN
  kAcksFin = 0x002,             // the first to acknowledge the other end's FIN
  kAcksUnknownSyn = 0x004,      // its ACK fits no SYN that was seen
  kChallengeAck = 0x008,        // answers a SYN from an older connection (RFC 9293 §3.5.1)
  kRefusal = 0x010,             // a RST that answers a SYN
  kResetOutsideWindow = 0x020,  // a RST that its receiver ignores
  kResetOfOlder = 0x040,        // a RST that answers a challenge ACK
  kAfterOwnReset = 0x080,       // its sender had "sent" a RST: that one was somebody else's
  kFinsCrossed = 0x100,         // a FIN sent before the other end's arrived
  kFastOpenTaken = 0x200,       // a SYN-ACK that acknowledges the data in the SYN
  kFastOpenNotTaken = 0x400,    // a SYN-ACK that acknowledges the SYN alone
  kServerStillWaits = 0x800,    // a SYN-ACK sent again after the client's ACK was seen
  kCrossedAck = 0x1000,         // a SYN-ACK sent again while the client's ACK was under way
  kAnswersSynAgain = 0x2000,    // a SYN-ACK that answers a SYN sent again
  kAcksFirst = 0x4000,          // the first to acknowledge data of the other end
  kAcksResent = 0x8000,         // acknowledges what the other end had sent again
  kReopensWindow = 0x10000,     // its sender's window was 0
  kResetAgain = 0x20000,        // a RST behind another of the same end
  kHasCopy = 0x40000,           // the capture has this packet twice: this is the first of them
  // Of what is sent again.
  kFillsGap = 0x80000,             // the trace did not show it before; detail: where the gap ended
  kNoAckCame = 0x100000,           // nothing else made its sender do so
  kTimedOut = 0x200000,            // and that was its timeout
  kProbesTail = 0x400000,          // or a tail loss probe
  kFastRetransmit = 0x800000,      // ACKs asked for it
  kAskedBySack = 0x1000000,        // by SACK
  kTurnedOutSpurious = 0x2000000,  // the other end had it, as an ACK showed later
  kAckWasOverdue = 0x4000000,      // it was acknowledged many round trips before
  // Of ACKs.
  kAcksEarlierSending = 0x8000000,  // by its timestamp (RFC 3522)
  kNamesResent = 0x10000000,        // by a D-SACK; detail: its begin << 32 | its end
  kNamesNeedless = 0x20000000,      // which shows that it was sent again in vain
  kAcksAgain = 0x40000000,          // answers what had been acknowledged
  kAnswersSynAckAgain = 0x80000000,
  kHasLaterFragments = 0x20000000000,  // it is the first fragment of its IP packet
  // Of RSTs; of the first three `detail` is set.
  kGivesUp = 0x100000000,          // after keep-alives that nobody answered: how many
  kResetOfLateData = 0x200000000,  // that came after its sender had closed: bytes that are lost
  kResetOfLateFin = 0x400000000,
  // Of the rest of the header.
  kEcn = 0x800000000,              // its ECE or CWR tells something: of a SYN or of congestion
  kFastOpenCookie = 0x1000000000,  // a SYN that asks for one, a SYN-ACK that brings one
  kFastOpenAgain = 0x2000000000,   // the data of the SYN, which the SYN-ACK did not take
  kFillsWindow = 0x4000000000,     // the other end's
  kPortsAgain = 0x8000000000,      // follows another connection; detail: ns since that
  kSigned = 0x10000000000,         // RFC 2385
};

struct KeptSegment {
  int64_t number = 0;
  int64_t at_ns = 0;  // if has_time
  // If has_detail: Judgement::detail; of what is sent again: ns since the sending before.
  int64_t detail = 0;
  uint64_t marks = 0;  // of SegmentMark
  uint32_t seq = 0, ack = 0;
  uint32_t payload_bytes = 0;
  uint32_t newly_acked = 0;
  SegmentEvents events;
  uint16_t flags = 0;
  uint16_t window = 0;
  uint8_t from = 0;            // end 0 or 1
  uint8_t sendings = 0;        // of what was sent again: the how many-eth this is; 0: not known
  uint8_t duplicate_acks = 0;  // of a fast retransmission: how many asked for it
  bool has_time : 1 = false, has_detail : 1 = false, has_seq : 1 = false, has_ack : 1 = false;
};

class KeptSegments {
 public:
  // Kept by all connections together, and how many that may be.
  struct Budget {
    int64_t kept = 0;
    int64_t limit = 0;
  };
  // What a connection keeps at least of each end, whatever the budget says.
  static constexpr size_t kAlways = 8;

  KeptSegments(size_t first, size_t last, Budget* budget);
  ~KeptSegments();
  KeptSegments(const KeptSegments&) = delete;
  KeptSegments& operator=(const KeptSegments&) = delete;

  void Add(const KeptSegment& segment);
  int64_t total() const { return total_; }  // added, whether kept or not
  int64_t left_out() const { return total_ - static_cast<int64_t>(first_.size() + last_.size()); }
  // By ordinal from 0, as added; null where it was not kept.
  KeptSegment* At(int64_t ordinal);
  const KeptSegment* At(int64_t ordinal) const;

 private:
  bool MayGrow(size_t held) const { return held < kAlways || budget_->kept < budget_->limit; }

  const size_t max_first_, max_last_;
  Budget* const budget_;
  std::vector<KeptSegment> first_;
  std::vector<KeptSegment> last_;  // a ring once it stopped growing
  size_t oldest_ = 0;              // in `last_`
  int64_t total_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_KEPT_SEGMENTS_H_
