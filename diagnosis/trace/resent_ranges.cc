#include "diagnosis/trace/resent_ranges.h"

#include "diagnosis/trace/serial_number.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxRanges = 16;

// How many numbers the two have in common.
uint32_t Common(const SackBlock& block, const Resent& range) {
  const uint32_t low = SerialBefore(block.begin, range.begin) ? range.begin : block.begin;
  const uint32_t high = SerialBefore(range.end, block.end) ? range.end : block.end;
  return SerialBefore(low, high) ? high - low : 0;
}

}  // namespace

std::optional<SackBlock> DuplicateSack(const CapturedSegment& segment) {
  if (segment.sack_blocks == 0 || !segment.ack) return std::nullopt;
  const SackBlock& first = segment.sack[0];
  if (!SerialBefore(first.begin, first.end)) return std::nullopt;
  if (SerialAtMost(first.end, *segment.ack)) return first;
  if (segment.sack_blocks < 2) return std::nullopt;
  const SackBlock& second = segment.sack[1];
  const bool within =
      SerialAtMost(second.begin, first.begin) && SerialAtMost(first.end, second.end);
  return within ? std::optional(first) : std::nullopt;
}

void ResentRanges::Add(const Resent& range) {
  if (ranges_.size() == kMaxRanges) ranges_.erase(ranges_.begin());
  ranges_.push_back(range);
}

ResentRanges::Confirmed ResentRanges::Confirm(uint32_t from, uint32_t to,
                                              std::optional<uint32_t> ts_ecr,
                                              std::vector<int64_t>* spurious) {
  Confirmed confirmed;
  for (Resent& range : ranges_) {
    if (range.acknowledged || !SerialAtMost(range.end, to)) continue;
    range.acknowledged = true;
    confirmed.resent = true;
    // The ACK echoes the segment that it waited for (RFC 7323 §4.3), which is the first one here.
    const bool waited_for = SerialAtMost(range.begin, from) && SerialBefore(from, range.end);
    if (!waited_for || !ts_ecr || !range.ts_val || !SerialBefore(*ts_ecr, *range.ts_val)) continue;
    confirmed.earlier_sending = true;
    if (!range.spurious) spurious->push_back(range.ordinal);
    range.spurious = true;
  }
  return confirmed;
}

bool ResentRanges::Name(const SackBlock& block, std::vector<int64_t>* spurious) {
  std::vector<const Resent*> taken;
  for (auto range = ranges_.rbegin(); range != ranges_.rend(); ++range) {
    const uint32_t common = Common(block, *range);
    if (common == 0 || range->named >= range->end - range->begin) continue;
    bool is_taken = false;
    for (const Resent* newer : taken) {
      if (Common({newer->begin, newer->end}, *range) > 0) is_taken = true;
    }
    if (is_taken) continue;
    taken.push_back(&*range);
    range->named += common;
    if (range->named >= range->end - range->begin) {
      if (!range->spurious) spurious->push_back(range->ordinal);
      range->spurious = true;
    }
  }
  return !taken.empty();
}

}  // namespace tcpmedic
