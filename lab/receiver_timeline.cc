#include "lab/receiver_timeline.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "lab/timeline_record.h"

namespace tcpmedic::lab {
namespace {

using Sample = TimelineRecord::Sample;

// Bytes read up to `at_ns`, which lies within [first, last].
double BytesAt(const Sample* first, const Sample* last, int64_t at_ns) {
  const Sample* const after = std::lower_bound(
      first, last, at_ns, [](const Sample& sample, int64_t ns) { return sample.realtime_ns < ns; });
  if (after == first || after->realtime_ns == at_ns) return static_cast<double>(after->bytes);
  const Sample* const before = after - 1;
  const double part = static_cast<double>(at_ns - before->realtime_ns) /
                      static_cast<double>(after->realtime_ns - before->realtime_ns);
  return static_cast<double>(before->bytes) +
         part * static_cast<double>(after->bytes - before->bytes);
}

}  // namespace

int64_t ReceiverTimeline::total_bytes() const {
  const int64_t count = (*record_)->count.load(std::memory_order_acquire);
  return count == 0 ? 0 : (*record_)->samples[count - 1].bytes;
}

int64_t ReceiverTimeline::connections() const {
  return (*record_)->connections.load(std::memory_order_relaxed);
}

absl::StatusOr<int64_t> ReceiverTimeline::BytesBetween(absl::Time from, absl::Time to) const {
  if (to <= from) {
    return absl::InvalidArgumentError(
        absl::StrCat("a window from ", absl::FormatTime(from), " to ", absl::FormatTime(to)));
  }
  const TimelineRecord& record = **record_;
  const int64_t count = record.count.load(std::memory_order_acquire);
  const int64_t from_ns = absl::ToUnixNanos(from);
  const int64_t to_ns = absl::ToUnixNanos(to);
  if (count == 0) return absl::FailedPreconditionError("the receiver has not begun to record");
  const Sample* const first = record.samples;
  const Sample* const last = record.samples + count - 1;
  if (from_ns < first->realtime_ns || to_ns > last->realtime_ns) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the receiver recorded from ", absl::FormatTime(absl::FromUnixNanos(first->realtime_ns)),
        " to ", absl::FormatTime(absl::FromUnixNanos(last->realtime_ns)), ", not all of ",
        absl::FormatTime(from), " to ", absl::FormatTime(to)));
  }
  return std::llround(BytesAt(first, last, to_ns) - BytesAt(first, last, from_ns));
}

absl::StatusOr<double> ReceiverTimeline::GoodputBps(absl::Time from, absl::Time to) const {
  const absl::StatusOr<int64_t> bytes = BytesBetween(from, to);
  if (!bytes.ok()) return bytes.status();
  return static_cast<double>(*bytes) * 8 / absl::ToDoubleSeconds(to - from);
}

}  // namespace tcpmedic::lab
