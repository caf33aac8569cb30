// The path as a process: reads packets from one host's TUN device, does to them what Impairment
// says, and writes them to the other's at their time. One thread, one loop; it returns only when it
// can no longer work.
#ifndef TCPMEDIC_LAB_EMULATOR_H_
#define TCPMEDIC_LAB_EMULATOR_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "lab/path_spec.h"
#include "lab/path_stats.h"

namespace tcpmedic::lab {

// PathStats in shared memory: the emulator writes, anyone reads.
struct PathRecord {
  struct DirectionRecord {
    std::atomic<int64_t> packets_in, bytes_in, packets_out, bytes_out;
    std::atomic<int64_t> lost, queue_full, reordered, max_queue_bytes;
    std::atomic<int64_t> device_drops, emulator_drops;
    std::atomic<int64_t> lateness_sum_ns, max_lateness_ns, late_packets;
  };
  DirectionRecord directions[2];  // by Direction
  std::atomic<int64_t> cpu_ns;

  PathStats Read() const;
};

// The descriptors of one host's end: its TUN device, non-blocking, and /proc/net/dev opened in its
// namespace.
struct PathEnd {
  int tun_fd = -1;
  int net_dev_fd = -1;
};

// Does not own the descriptors. `path` must be valid.
absl::Status RunEmulator(const PathSpec& path, PathEnd client, PathEnd server, PathRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_EMULATOR_H_
