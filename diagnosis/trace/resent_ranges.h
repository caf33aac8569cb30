// What one end has sent again lately, and what the other end's ACKs say of it: that it was needed,
// or that it had arrived already. Two things prove the latter:
// - a D-SACK (RFC 2883), by which a receiver names what it got twice;
// - a timestamp (Eifel, RFC 3522): the ACK of what was sent again echoes an older one than that
//   sending has, so an earlier sending had arrived.
// Pure; not thread-safe. Bounded: the last 16.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_RESENT_RANGES_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_RESENT_RANGES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "observe/capture/segment.h"

namespace tcpmedic {

struct Resent {
  uint32_t begin = 0, end = 0;     // sequence numbers, a FIN's too
  std::optional<uint32_t> ts_val;  // of this sending
  int64_t ordinal = 0;             // of its segment, among the connection's
  bool spurious = false;           // known to have arrived already
  bool acknowledged = false;
  uint32_t named = 0;  // how much of it D-SACKs have named
};

// The D-SACK among the segment's blocks, in the segment's own numbers: the first, where it lies
// below the ACK or within the second (RFC 2883 §4). Unset: there is none.
std::optional<SackBlock> DuplicateSack(const CapturedSegment& segment);

class ResentRanges {
 public:
  void Add(const Resent& range);
  void Clear() { ranges_.clear(); }

  // An ACK moves from `from` on to `to`, echoing `ts_ecr`.
  struct Confirmed {
    bool resent = false;           // something that was sent again is acknowledged by it
    bool earlier_sending = false;  // by its timestamp an earlier sending of that is
  };
  // Adds the ordinals of what turns out to be spurious to `spurious`.
  Confirmed Confirm(uint32_t from, uint32_t to, std::optional<uint32_t> ts_ecr,
                    std::vector<int64_t>* spurious);
  // The other end names `block` as received twice: whether something of it was sent again. Of
  // several sendings of the same the latest is taken, then the one before for the next such block.
  bool Name(const SackBlock& block, std::vector<int64_t>* spurious);

 private:
  std::vector<Resent> ranges_;  // the oldest first
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_RESENT_RANGES_H_
