// What the receiving program of a transfer counted, over time: the truth that an agent's goodput is
// held against. A view of memory that the receiver writes while it runs; it stays readable after
// the lab has gone. Reading is thread-safe; a copy shares the memory.
#ifndef TCPMEDIC_LAB_RECEIVER_TIMELINE_H_
#define TCPMEDIC_LAB_RECEIVER_TIMELINE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lab/shared_memory.h"

namespace tcpmedic::lab {

inline constexpr int64_t kTimelineIntervalMs = 20;

struct TimelineRecord;  // as it lies in memory

class ReceiverTimeline {
 public:
  explicit ReceiverTimeline(std::shared_ptr<SharedMemory<TimelineRecord>> record)
      : record_(std::move(record)) {}

  // Bytes of payload that the receiving program has read, of all flows.
  int64_t total_bytes() const;
  // Connections that it has accepted.
  int64_t connections() const;

  // Bytes read within [from, to) by CLOCK_REALTIME, interpolated between samples
  // kTimelineIntervalMs apart. FailedPrecondition: the samples do not reach from `from` to `to`
  // (yet). InvalidArgument: to <= from.
  absl::StatusOr<int64_t> BytesBetween(absl::Time from, absl::Time to) const;
  // The same as a rate, in bits per second.
  absl::StatusOr<double> GoodputBps(absl::Time from, absl::Time to) const;

 private:
  std::shared_ptr<SharedMemory<TimelineRecord>> record_;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_RECEIVER_TIMELINE_H_
