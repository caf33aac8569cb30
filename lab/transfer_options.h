// The lab's own TCP transfer, from the client to the server. Plain value. The defaults are a bulk
// transfer; each other field makes one kind of transfer that a loss-limited one may be mistaken
// for. They may be combined.
#ifndef TCPMEDIC_LAB_TRANSFER_OPTIONS_H_
#define TCPMEDIC_LAB_TRANSFER_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tcpmedic::lab {

inline constexpr int kMaxFlows = 256;
inline constexpr absl::Duration kMaxTransferDuration = absl::Minutes(10);

struct TransferOptions {
  int flows = 1;                             // at once; 1 to kMaxFlows
  std::string congestion_control = "cubic";  // of the sender's sockets
  absl::Duration duration =
      absl::Minutes(2);  // at most kMaxTransferDuration; the sender then closes
  uint16_t port = 5201;

  int64_t app_rate_bps =
      0;  // each flow's program writes no faster (application-limited); 0: no limit
  int64_t read_rate_bps = 0;  // the receiving program reads each flow no faster (receiver-limited)
  int64_t receive_buffer_bytes =
      0;  // SO_RCVBUF before listen (receiver-limited); 0: the kernel's tuning
  int64_t send_buffer_bytes =
      0;  // SO_SNDBUF before connect (send-buffer-limited); 0: the kernel's tuning
  int64_t connection_bytes =
      0;  // then close and connect anew (short transfers); 0: one connection per flow
};

// InvalidArgument, naming the field.
absl::Status Validate(const TransferOptions& transfer);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_TRANSFER_OPTIONS_H_
