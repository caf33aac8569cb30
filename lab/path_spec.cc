#include "lab/path_spec.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace tcpmedic::lab {
namespace {

constexpr int64_t kMinQueueBytes = 64 * 1024;
constexpr int64_t kMaxHeldBytes = int64_t{256} << 20;
constexpr int64_t kMinRateBps = 8'000;
constexpr int64_t kMaxRateBps = 10'000'000'000;
constexpr absl::Duration kMaxDelay = absl::Seconds(10);

int64_t BytesIn(int64_t rate_bps, absl::Duration time) {
  return std::llround(static_cast<double>(rate_bps) / 8 * absl::ToDoubleSeconds(time));
}

absl::Status CheckDelay(absl::string_view name, absl::Duration delay) {
  if (delay >= absl::ZeroDuration() && delay <= kMaxDelay) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " ", absl::FormatDuration(delay),
                                                 " is not from 0 to ",
                                                 absl::FormatDuration(kMaxDelay)));
}

absl::Status CheckRatio(absl::string_view name, double ratio) {
  if (ratio >= 0 && ratio <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " ", ratio, " is not from 0 to 1"));
}

}  // namespace

int64_t BandwidthDelayBytes(const PathSpec& path) { return BytesIn(path.rate_bps, path.rtt); }

int64_t QueueBytes(const PathSpec& path) {
  if (path.queue_bytes > 0) return path.queue_bytes;
  return std::max(2 * BandwidthDelayBytes(path), kMinQueueBytes);
}

absl::Duration ReorderDelay(const PathSpec& path) {
  return path.reorder_delay > absl::ZeroDuration() ? path.reorder_delay : path.rtt / 2;
}

absl::Status Validate(const PathSpec& path) {
  for (const absl::Status& status :
       {CheckDelay("rtt", path.rtt), CheckDelay("jitter", path.jitter),
        CheckDelay("reorder delay", path.reorder_delay), CheckRatio("loss", path.loss_ratio),
        CheckRatio("reorder", path.reorder_ratio)}) {
    if (!status.ok()) return status;
  }
  if (path.rate_bps != 0 && (path.rate_bps < kMinRateBps || path.rate_bps > kMaxRateBps)) {
    return absl::InvalidArgumentError(absl::StrCat("rate ", path.rate_bps, " bit/s is not from ",
                                                   kMinRateBps, " to ", kMaxRateBps,
                                                   ", or 0 for no limit"));
  }
  if (path.queue_bytes < 0) {
    return absl::InvalidArgumentError(absl::StrCat("queue of ", path.queue_bytes, " bytes"));
  }
  const int64_t held = QueueBytes(path) +
                       BytesIn(path.rate_bps, path.rtt / 2 + path.jitter +
                                                  (path.reorder_ratio > 0 ? ReorderDelay(path)
                                                                          : absl::ZeroDuration()));
  if (held > kMaxHeldBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate, delay and queue together hold ", held >> 20,
                     " MiB each way; the emulator holds at most ", kMaxHeldBytes >> 20,
                     ": lower the rate, the rtt or the queue"));
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
