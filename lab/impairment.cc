#include "lab/impairment.h"

#include <algorithm>
#include <cmath>

#include "lab/mix.h"

namespace tcpmedic::lab {
namespace {

constexpr uint64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

Impairment::Impairment(const PathSpec& path, Direction direction)
    : rate_bps_(path.rate_bps),
      queue_limit_bytes_(QueueBytes(path)),
      delay_ns_(absl::ToInt64Nanoseconds(path.rtt / 2)),
      jitter_ns_(absl::ToInt64Nanoseconds(path.jitter)),
      reorder_delay_ns_(absl::ToInt64Nanoseconds(ReorderDelay(path))),
      loss_ratio_(path.loss_ratio),
      reorder_ratio_(path.reorder_ratio),
      stream_(Mix(Mix(path.seed) + static_cast<uint64_t>(direction))) {}

double Impairment::Draw(Chance chance) const {
  const uint64_t bits = Mix(stream_ + Mix(packet_ * 4 + static_cast<uint64_t>(chance)));
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

int64_t Impairment::QueuedBytes(int64_t now_ns) const {
  if (rate_bps_ == 0 || link_free_ns_ <= now_ns) return 0;
  const double seconds = static_cast<double>(link_free_ns_ - now_ns) / kNanosPerSecond;
  return std::llround(seconds * static_cast<double>(rate_bps_) / 8);
}

Verdict Impairment::Admit(int64_t arrival_ns, int length_bytes) {
  ++packet_;
  Verdict verdict;
  int64_t sent_ns = arrival_ns;
  if (rate_bps_ > 0) {
    const int64_t queued = QueuedBytes(arrival_ns);
    verdict.queue_bytes = queued;
    // An idle link takes any packet, however small the queue.
    if (queued > 0 && queued + length_bytes > queue_limit_bytes_) {
      verdict.fate = Fate::kQueueFull;
      return verdict;
    }
    verdict.queue_bytes += length_bytes;
    if (link_free_ns_ < arrival_ns) {
      link_free_ns_ = arrival_ns;
      link_carry_ = 0;
    }
    const uint64_t rate = static_cast<uint64_t>(rate_bps_);
    link_carry_ += static_cast<uint64_t>(length_bytes) * 8 * kNanosPerSecond;
    link_free_ns_ += static_cast<int64_t>(link_carry_ / rate);
    link_carry_ %= rate;
    sent_ns = link_free_ns_;
  }
  if (Draw(Chance::kLoss) < loss_ratio_) {
    verdict.fate = Fate::kLost;
    return verdict;
  }
  const int64_t extra_ns = static_cast<int64_t>(Draw(Chance::kJitter) * jitter_ns_);
  const int64_t in_order_ns = std::max(sent_ns + delay_ns_ + extra_ns, last_departure_ns_);
  verdict.held_back = Draw(Chance::kReorder) < reorder_ratio_;
  if (verdict.held_back) {
    verdict.departure_ns = in_order_ns + reorder_delay_ns_;
  } else {
    verdict.departure_ns = last_departure_ns_ = in_order_ns;
  }
  return verdict;
}

}  // namespace tcpmedic::lab
