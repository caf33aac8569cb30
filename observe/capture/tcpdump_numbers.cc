#include "observe/capture/tcpdump_numbers.h"

#include <tuple>
#include <utility>

namespace tcpmedic {
namespace {

// The way from one number to another, whichever is shorter.
uint32_t Distance(uint32_t a, uint32_t b) {
  const uint32_t forward = b - a;
  return forward > 0x80000000u ? a - b : forward;
}

bool FromA(const CapturedSegment& segment) {
  return std::tie(segment.src_ip, segment.src_port) <= std::tie(segment.dst_ip, segment.dst_port);
}

}  // namespace

TcpdumpNumbers::Ends TcpdumpNumbers::EndsOf(const CapturedSegment& segment) {
  if (FromA(segment)) return {segment.src_ip, segment.dst_ip, segment.src_port, segment.dst_port};
  return {segment.dst_ip, segment.src_ip, segment.dst_port, segment.src_port};
}

TcpdumpNumbers::Meaning TcpdumpNumbers::Observe(const CapturedSegment& segment) {
  const Ends ends = EndsOf(segment);
  const int sender = FromA(segment) ? 0 : 1;
  if (!segment.Has(kAck) || !segment.ack.has_value()) {
    if (!segment.Has(kSyn)) return Meaning::kBare;
    // With data it is open whether the other end took that.
    if (segment.seq.has_value() && segment.payload_bytes == 0) {
      Connection* connection = FindYoung(ends);
      if (connection == nullptr) connection = &Insert(ends, Connection());
      if (!connection->has_bases) connection->after_syn[sender] = *segment.seq + 1;
    }
    return Meaning::kAsPrinted;
  }
  Connection* connection = FindYoung(ends);
  if (connection == nullptr && dropped_ && !segment.Has(kSyn)) {
    // It may be one that was dropped: then this is not its first.
    Connection unknown;
    unknown.has_bases = true;
    unknown.mode = last_mode_;
    Insert(ends, unknown);
    return Meaning::kLater;
  }
  if (connection == nullptr || !connection->has_bases || segment.Has(kSyn)) {
    Connection first;
    first.has_bases = true;
    first.base[sender] = segment.seq;
    if (!segment.seq.has_value() && connection != nullptr) {
      first.base[sender] = connection->after_syn[sender];
    }
    first.base[1 - sender] = *segment.ack - 1;
    first.last[1 - sender] = 1;
    Insert(ends, first);
    return segment.Has(kSyn) ? Meaning::kAsPrinted : Meaning::kFirst;
  }
  // A reset may acknowledge anything.
  if (connection->mode == Mode::kUndecided && !segment.Has(kRst)) {
    Vote(1 - sender, *segment.ack, connection);
    if (segment.seq.has_value()) Vote(sender, *segment.seq, connection);
  }
  return Meaning::kLater;
}

void TcpdumpNumbers::Vote(int sender, uint32_t printed, Connection* connection) {
  const std::optional<uint32_t> base = connection->base[sender];
  if (connection->mode != Mode::kUndecided || !base.has_value()) return;
  const uint32_t last = connection->last[sender];
  const uint32_t as_relative = Distance(last, printed);
  const uint32_t as_absolute = Distance(last, printed - *base);
  if (as_relative == as_absolute) return;
  connection->mode = as_relative < as_absolute ? Mode::kRelative : Mode::kAbsolute;
  last_mode_ = connection->mode;
}

bool TcpdumpNumbers::Resolvable(Meaning meaning, const CapturedSegment& segment) const {
  if (meaning == Meaning::kAsPrinted) return true;
  const Connection* const connection = Find(EndsOf(segment));
  return connection == nullptr || connection->mode != Mode::kUndecided ||
         (meaning == Meaning::kFirst && segment.seq.has_value() && segment.sack_blocks == 0);
}

void TcpdumpNumbers::Decide(const Ends& ends) {
  Connection* const connection = FindYoung(ends);
  if (connection == nullptr || !connection->has_bases || connection->mode != Mode::kUndecided) {
    return;
  }
  connection->mode = last_mode_ == Mode::kUndecided ? Mode::kRelative : last_mode_;
}

void TcpdumpNumbers::Resolve(Meaning meaning, CapturedSegment* segment) const {
  if (meaning == Meaning::kAsPrinted) return;
  static const Connection kUnknown;
  const Connection* const found = Find(EndsOf(*segment));
  const Connection& connection = found == nullptr ? kUnknown : *found;
  const Mode mode = found == nullptr ? last_mode_ : connection.mode;
  if (mode == Mode::kAbsolute || (found == nullptr && meaning == Meaning::kBare)) return;
  const int sender = FromA(*segment) ? 0 : 1;
  const std::optional<uint32_t>& base = connection.base[sender];
  const std::optional<uint32_t>& other = connection.base[1 - sender];
  if (base.has_value() && other.has_value()) {
    if (meaning == Meaning::kLater) {
      if (segment->seq.has_value()) *segment->seq += *base;
      if (segment->ack.has_value()) *segment->ack += *other;
    }
    for (int i = 0; i < segment->sack_blocks; ++i) {
      segment->sack[i].begin += *other;
      segment->sack[i].end += *other;
    }
    return;
  }
  segment->relative = true;
  if (meaning == Meaning::kBare) segment->seq.reset();
  if (meaning == Meaning::kFirst && other.has_value()) *segment->ack -= *other;
}

const TcpdumpNumbers::Connection* TcpdumpNumbers::Find(const Ends& ends) const {
  auto found = young_.find(ends);
  if (found == young_.end()) {
    found = old_.find(ends);
    if (found == old_.end()) return nullptr;
  }
  return found->second.has_bases ? &found->second : nullptr;
}

TcpdumpNumbers::Connection* TcpdumpNumbers::FindYoung(const Ends& ends) {
  if (const auto found = young_.find(ends); found != young_.end()) return &found->second;
  const auto found = old_.find(ends);
  if (found == old_.end()) return nullptr;
  return &Insert(ends, Connection(found->second));
}

TcpdumpNumbers::Connection& TcpdumpNumbers::Insert(const Ends& ends, Connection connection) {
  if (young_.size() >= kGeneration && !young_.contains(ends)) {
    dropped_ = dropped_ || !old_.empty();
    old_ = std::exchange(young_, {});
  }
  return young_.insert_or_assign(ends, connection).first->second;
}

}  // namespace tcpmedic
