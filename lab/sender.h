// The sending program of the lab's own transfer, as `tcpmedic-lab send` runs it. One thread.
#ifndef TCPMEDIC_LAB_SENDER_H_
#define TCPMEDIC_LAB_SENDER_H_

#include <string>

#include "absl/status/status.h"
#include "lab/transfer_options.h"

namespace tcpmedic::lab {

// Sends to `address` (IPv4 or IPv6) until `options.duration` has passed. An error: a connection
// could not be made, or the other side ended one early.
absl::Status RunSender(const std::string& address, const TransferOptions& options);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_SENDER_H_
