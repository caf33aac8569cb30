#include "lab/listening_socket.h"

#include <sys/socket.h>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "lab/endpoint.h"

namespace tcpmedic::lab {

absl::StatusOr<UniqueFd> ListenOn(const std::string& address, uint16_t port, int backlog,
                                  absl::FunctionRef<absl::Status(int socket)> prepare) {
  const absl::StatusOr<Endpoint> at = Endpoint::Of(address, port);
  if (!at.ok()) return at.status();
  UniqueFd listener(socket(at->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.valid()) return ErrnoStatus("open a TCP socket");
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (absl::Status prepared = prepare(listener.get()); !prepared.ok()) return prepared;
  if (bind(listener.get(), at->address(), at->length) != 0) {
    return ErrnoStatus(absl::StrCat("bind ", address, " port ", port));
  }
  if (listen(listener.get(), backlog) != 0) return ErrnoStatus("listen");
  return listener;
}

}  // namespace tcpmedic::lab
