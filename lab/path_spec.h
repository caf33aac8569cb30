// The path between the lab's two hosts, as an operator describes it. Plain value. All of it holds
// in each direction.
#ifndef TCPMEDIC_LAB_PATH_SPEC_H_
#define TCPMEDIC_LAB_PATH_SPEC_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tcpmedic::lab {

struct PathSpec {
  absl::Duration rtt = absl::Milliseconds(148);  // half of it each way
  // Each way, a uniform extra delay of 0 to this; packets keep their order.
  absl::Duration jitter = absl::ZeroDuration();
  double loss_ratio = 0.01;  // random, independent, of what the link has carried
  double reorder_ratio = 0;  // this part of the packets is held back by reorder_delay
  // Zero: half the rtt, enough to be taken for loss.
  absl::Duration reorder_delay = absl::ZeroDuration();
  int64_t rate_bps = 100'000'000;  // of the link, IP headers included; 0: no limit, no queue
  int64_t queue_bytes = 0;  // drop-tail, before the link; 0: 2 × rate × rtt, at least 64 KiB
  uint64_t seed = 1;        // same seed, same packets: same fate

  bool operator==(const PathSpec&) const = default;
};

// What `queue_bytes` and `reorder_delay` come to.
int64_t QueueBytes(const PathSpec& path);
absl::Duration ReorderDelay(const PathSpec& path);
// rate × rtt; 0 without a rate limit.
int64_t BandwidthDelayBytes(const PathSpec& path);

// InvalidArgument, naming the field: what the emulator cannot do, or not in bounded memory (256 MiB
// each way).
absl::Status Validate(const PathSpec& path);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_PATH_SPEC_H_
