// What the path emulator has done so far. Plain values.
#ifndef TCPMEDIC_LAB_PATH_STATS_H_
#define TCPMEDIC_LAB_PATH_STATS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace tcpmedic::lab {

struct DirectionStats {
  int64_t packets_in = 0;
  int64_t bytes_in = 0;
  int64_t packets_out = 0;
  int64_t bytes_out = 0;
  int64_t lost = 0;        // by the path's random loss
  int64_t queue_full = 0;  // by the path's bounded queue
  int64_t reordered = 0;   // held back, not dropped
  int64_t max_queue_bytes = 0;
  // Not part of the path: the lab itself was too slow or too small, and what was measured is void.
  // By the sending host's TUN device; by the emulator, which may not hold more or could not write
  // to the receiving host's device.
  int64_t device_drops = 0;
  int64_t emulator_drops = 0;
  // How much later than its time a packet left.
  absl::Duration mean_lateness;
  absl::Duration max_lateness;
  int64_t late_packets = 0;  // by more than 1 ms
};

struct PathStats {
  DirectionStats to_server;
  DirectionStats to_client;
  absl::Duration emulator_cpu;  // user and system time it has used

  // Whether the lab dropped anything that the path did not ask for.
  bool clean() const {
    return to_server.device_drops + to_server.emulator_drops + to_client.device_drops +
               to_client.emulator_drops ==
           0;
  }
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_PATH_STATS_H_
