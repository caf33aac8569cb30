// A TCP socket that listens, for the lab's servers. Non-blocking.
#ifndef TCPMEDIC_LAB_LISTENING_SOCKET_H_
#define TCPMEDIC_LAB_LISTENING_SOCKET_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/unique_fd.h"

namespace tcpmedic::lab {

// `prepare` sets what has to be set on the socket before it is bound, and what accept() returns is
// to inherit; its error is returned. InvalidArgument: `address` is none. As errno says otherwise.
absl::StatusOr<UniqueFd> ListenOn(
    const std::string& address, uint16_t port, int backlog,
    absl::FunctionRef<absl::Status(int socket)> prepare = [](int) { return absl::OkStatus(); });

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_LISTENING_SOCKET_H_
