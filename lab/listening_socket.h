// A TCP socket that listens, for the lab's servers. Non-blocking.
#ifndef TCPMEDIC_LAB_LISTENING_SOCKET_H_
#define TCPMEDIC_LAB_LISTENING_SOCKET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/unique_fd.h"

namespace tcpmedic::lab {

// InvalidArgument: `address` is none. As errno says otherwise.
absl::StatusOr<UniqueFd> ListenOn(const std::string& address, uint16_t port, int backlog);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_LISTENING_SOCKET_H_
