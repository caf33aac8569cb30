// The first and the last segments of one connection, compact: no strings, no notes. Bounded, by
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
enum SegmentMark : uint32_t {
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
};

struct KeptSegment {
  int64_t number = 0;
  int64_t at_ns = 0;   // if has_time
  int64_t detail = 0;  // if has_detail: Judgement::detail; of a SYN sent again: ns since the last
  uint32_t seq = 0, ack = 0;
  uint32_t payload_bytes = 0;
  uint32_t newly_acked = 0;
  SegmentEvents events;
  uint16_t flags = 0;
  uint16_t window = 0;
  uint8_t from = 0;                                               // end 0 or 1
  uint32_t marks = 0;                                             // of SegmentMark
  EndState states[2] = {EndState::kUnknown, EndState::kUnknown};  // after it
  // Whether that is only so if the other end turns out to have taken it.
  bool tentative[2] = {false, false};
  bool has_time = false, has_detail = false, has_seq = false, has_ack = false;
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
