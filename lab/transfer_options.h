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
inline constexpr int64_t kMaxTransferSeconds = 600;

struct TransferOptions {
  int flows = 1;                             // at once; 1 to kMaxFlows
  std::string congestion_control = "cubic";  // of both ends' sockets
  // The sender then closes. At most kMaxTransferSeconds.
  absl::Duration duration = absl::Minutes(2);
  uint16_t port = 5201;

  // Application-limited: each flow's program writes no faster. 0: as fast as it can.
  int64_t app_rate_bps = 0;
  // Receiver-limited: the receiving program reads each flow no faster. 0: as fast as it can.
  int64_t read_rate_bps = 0;
  // Receiver-limited: SO_RCVBUF of the listening socket. 0: the kernel's own tuning.
  int64_t receive_buffer_bytes = 0;
  // Send-buffer-limited: SO_SNDBUF of the sending sockets. 0: the kernel's own tuning.
  int64_t send_buffer_bytes = 0;
  // At most so much in one write, with TCP_NODELAY. 0: 128 KiB, of which the kernel lets a first
  // segment of up to 64 KiB overshoot a small send buffer.
  int64_t write_bytes = 0;
  // Short transfers: after so many bytes a flow closes and connects anew. 0: one connection per
  // flow.
  int64_t connection_bytes = 0;

  bool operator==(const TransferOptions&) const = default;
};

// InvalidArgument, naming the field.
absl::Status Validate(const TransferOptions& transfer);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_TRANSFER_OPTIONS_H_
