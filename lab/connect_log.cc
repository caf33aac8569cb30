#include "lab/connect_log.h"

#include <algorithm>
#include <vector>

#include "lab/connect_record.h"

namespace tcpmedic::lab {

ConnectStats ConnectLog::StartedFrom(absl::Time from) const {
  return Between(from, absl::InfiniteFuture());
}

ConnectStats ConnectLog::EndedBefore(absl::Time to) const {
  return Between(absl::InfinitePast(), to);
}

ConnectStats ConnectLog::Between(absl::Time from, absl::Time to) const {
  const ConnectRecord& record = **record_;
  // First what has been recorded, then how much: what began until then is among it.
  const int64_t recorded_until_ns = record.recorded_until_ns.load(std::memory_order_acquire);
  const int64_t count = record.count.load(std::memory_order_acquire);
  const int64_t timeout_ns = record.timeout_ns.load(std::memory_order_relaxed);
  const int64_t from_ns = absl::ToUnixNanos(from);
  const int64_t to_ns = std::min(absl::ToUnixNanos(to), recorded_until_ns);
  ConnectStats stats;
  std::vector<int64_t> took_ns;
  for (int64_t i = 0; i < count; ++i) {
    const ConnectRecord::Attempt& attempt = record.attempts[i];
    if (attempt.started_ns < from_ns || attempt.started_ns + timeout_ns > to_ns) continue;
    ++stats.connects;
    if (attempt.outcome.load(std::memory_order_acquire) == ConnectOutcome::kConnected) {
      took_ns.push_back(attempt.took_ns);
    }
  }
  if (stats.connects == 0) return stats;
  stats.success_ratio = static_cast<double>(took_ns.size()) / static_cast<double>(stats.connects);
  if (took_ns.empty()) return stats;
  const auto median = took_ns.begin() + static_cast<std::ptrdiff_t>(took_ns.size() / 2);
  std::nth_element(took_ns.begin(), median, took_ns.end());
  stats.connect_p50_us = *median / 1000;
  return stats;
}

int64_t ConnectLog::attempts() const { return (*record_)->count.load(std::memory_order_relaxed); }

}  // namespace tcpmedic::lab
