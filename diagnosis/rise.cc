#include "diagnosis/rise.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace tcpmedic {
namespace {

constexpr int kParts = 5;

// The reading nearest to `uptime`, which lies between the first and the last.
const CountAt& Nearest(absl::Span<const CountAt> readings, absl::Duration uptime) {
  const auto after = std::lower_bound(
      readings.begin(), readings.end(), uptime,
      [](const CountAt& reading, absl::Duration at) { return reading.uptime < at; });
  if (after == readings.begin()) return readings.front();
  if (after == readings.end()) return readings.back();
  const auto before = std::prev(after);
  return uptime - before->uptime < after->uptime - uptime ? *before : *after;
}

bool RoseInEachPart(absl::Span<const CountAt> readings) {
  const absl::Duration began = readings.front().uptime;
  const absl::Duration span = readings.back().uptime - began;
  int64_t before = readings.front().count;
  for (int part = 1; part <= kParts; ++part) {
    const int64_t count = Nearest(readings, began + part * span / kParts).count;
    if (count <= before) return false;
    before = count;
  }
  return true;
}

}  // namespace

Rise RiseOf(absl::Span<const CountAt> readings) {
  Rise rise;
  if (readings.size() < 2) return rise;
  size_t first = readings.size() - 1;
  while (first > 0 && readings[first].count > readings[first - 1].count) {
    --first;
    ++rise.rises;
  }
  for (size_t i = 0; i < first && i + kParts < readings.size(); ++i) {
    if (!RoseInEachPart(readings.subspan(i))) continue;
    first = i;
    break;
  }
  const absl::Duration span = readings.back().uptime - readings[first].uptime;
  rise.began = readings[first].uptime;
  if (span <= absl::ZeroDuration()) return rise;
  rise.rising_for = absl::Floor(span + absl::Milliseconds(500), absl::Seconds(1));
  rise.risen_by = readings.back().count - readings[first].count;
  rise.per_minute = static_cast<double>(rise.risen_by) / absl::FDivDuration(span, absl::Minutes(1));
  return rise;
}

}  // namespace tcpmedic
