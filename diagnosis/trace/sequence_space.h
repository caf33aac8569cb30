// What one end of a connection has sent and acknowledged, in sequence numbers, and what a segment
// is in the light of that: new data, a retransmission, data that was overtaken, a keep-alive, a
// probe. Pure; not thread-safe. Bounded: 32 holes a sender, and what it sent again lately.
//
// Where a segment brings bytes that the trace had passed over (a hole), it was either overtaken or
// lost before the capture and sent again. The sender's timestamps tell for certain: what was
// overtaken is older than what overtook it. Without them time tells: to send again takes a round
// trip after the loss shows, so what comes sooner was overtaken. Without times, three duplicate
// ACKs (RFC 5681 §3.2) speak for a retransmission.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_SEQUENCE_SPACE_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_SEQUENCE_SPACE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "diagnosis/trace/connection.h"
#include "diagnosis/trace/resent_ranges.h"

namespace tcpmedic {

// A set of SegmentEvent.
class SegmentEvents {
 public:
  void Add(SegmentEvent event) { bits_ |= uint32_t{1} << static_cast<unsigned>(event); }
  void Remove(SegmentEvent event) { bits_ &= ~(uint32_t{1} << static_cast<unsigned>(event)); }
  bool Has(SegmentEvent event) const { return (bits_ >> static_cast<unsigned>(event)) & 1; }
  std::vector<SegmentEvent> List() const;  // in the enum's order

 private:
  uint32_t bits_ = 0;
};

// A segment with what the sequence space needs of it. Times in nanoseconds, of any beginning.
struct NumberedSegment {
  int64_t ordinal = 0;  // among the connection's segments
  std::optional<int64_t> at_ns;
  std::optional<uint32_t> seq, ack;
  std::optional<uint32_t> ts_val, ts_ecr;
  uint32_t payload_bytes = 0;
  uint16_t flags = 0;
  uint16_t window = 0;  // unscaled: only whether it is 0, and whether it changed, matters here
  bool has_sack = false;
  std::optional<SackBlock> duplicate;  // its D-SACK

  bool Has(TcpFlag flag) const { return (flags & flag) != 0; }
};

// Bytes that the sender must have sent, as newer ones were seen.
struct Hole {
  uint32_t begin = 0, end = 0;
  std::optional<int64_t> at_ns;    // of the segment that overtook them
  std::optional<uint32_t> ts_val;  // its
  int duplicate_acks = 0;          // that asked for them since
};

struct SentBy {
  // What it sent: from `first` up to, not including, `next`, but for `holes`.
  bool sent = false;
  uint32_t first = 0, next = 0;
  bool first_is_start = false;  // `first` follows its SYN; else it had sent before the trace begins
  std::vector<Hole> holes;
  std::optional<int64_t> first_at_ns;
  std::optional<uint32_t> acknowledged;  // by the other end: the highest
  std::optional<int64_t> acknowledged_at_ns;
  ResentRanges resent;
  bool probe_byte_sent = false;  // at `next`, into a zero window: not taken, as far as known
  std::optional<uint32_t>
      implausible_at;  // a number far off: noise, unless the next one is near it

  // What it told the other end.
  std::optional<uint32_t> ack;  // its latest
  std::optional<uint16_t> window;
  int duplicate_acks = 0;                          // in a row
  bool asks_by_sack = false;                       // its latest ACK has SACK blocks above a hole
  std::optional<int64_t> acked_at_ns;              // its latest ACK
  bool was_keep_alive = false, was_probe = false;  // its latest segment

  bool Outstanding() const { return sent && acknowledged.has_value() && *acknowledged != next; }
};

struct Judgement {
  SegmentEvents events;
  uint32_t new_bytes = 0;             // of its payload, not seen before
  uint32_t newly_acked = 0;           // sequence numbers, SYN and FIN included
  uint32_t probed_bytes = 0;          // of the other end's: probe bytes that this acknowledges
  uint32_t unseen_bytes = 0;          // of the other end's: acknowledged, and not in the capture
  bool acks_first = false;            // the first to acknowledge data of the other end
  bool acks_resent = false;           // acknowledges what the other end had sent again
  bool acks_earlier_sending = false;  // of that, by its timestamp
  bool names_resent = false;          // its D-SACK is of what the other end had sent again
  std::vector<int64_t> spurious;      // ordinals of what this shows to have been sent again in vain
  bool fills_gap = false;             // a retransmission of what this trace had not shown before
  bool reopens_window = false;
  // Of a gap or of what was not captured: bytes. Of a duplicate ACK: which in a row. Of a
  // keep-alive: nanoseconds since the segment before. Of a spurious retransmission: nanoseconds
  // since it was acknowledged, or since what was sent after it was. Of one that fills a gap: where
  // that ended. Unset without times.
  std::optional<int64_t> detail;
};

// The segment's sender is `from`; both ends are brought up to date. Not for SYNs: see StartAt.
// `rtt_ns`: of the handshake. `idle_ns`: since the connection's segment before, unset without
// times.
Judgement Judge(const NumberedSegment& segment, std::optional<int64_t> rtt_ns,
                std::optional<int64_t> idle_ns, SentBy* from, SentBy* to);

// A SYN's: the sender's first byte after it is `first`, its data in the SYN reaches to `next`. The
// SYN is not acknowledged yet.
void StartAt(uint32_t first, uint32_t next, std::optional<int64_t> at_ns, SentBy* from);

// The ACK field alone, as in a SYN-ACK.
void Acknowledge(uint32_t ack, const NumberedSegment& segment, SentBy* from, SentBy* to,
                 Judgement* judgement);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_SEQUENCE_SPACE_H_
