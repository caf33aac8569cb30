#include "cli/unix_socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace tcpmedic::cli {

int ConnectErrno(absl::string_view path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const int error = connect(fd, generic, sizeof(address)) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace tcpmedic::cli
