// A receiver's timeline as it lies in shared memory: one writer appends, readers look at the first
// `count` samples.
#ifndef TCPMEDIC_LAB_TIMELINE_RECORD_H_
#define TCPMEDIC_LAB_TIMELINE_RECORD_H_

#include <atomic>
#include <cstdint>

#include "lab/receiver_timeline.h"
#include "lab/transfer_options.h"

namespace tcpmedic::lab {

struct TimelineRecord {
  struct Sample {
    int64_t realtime_ns;
    int64_t bytes;  // read by the program up to then
  };
  // The longest transfer, and as long again as connecting and closing may take.
  static constexpr int64_t kMaxSamples = (kMaxTransferSeconds + 30) * 1000 / kTimelineIntervalMs;

  std::atomic<int64_t> count;
  std::atomic<int64_t> connections;
  Sample samples[kMaxSamples];

  // By the writer alone. Beyond kMaxSamples nothing is kept.
  void Append(Sample sample) {
    const int64_t at = count.load(std::memory_order_relaxed);
    if (at == kMaxSamples) return;
    samples[at] = sample;
    count.store(at + 1, std::memory_order_release);
  }
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_TIMELINE_RECORD_H_
