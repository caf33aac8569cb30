// Asks a unix socket whether somebody accepts there, without a word of protocol. Thread-safe.
#ifndef TCPMEDIC_CLI_UNIX_SOCKET_H_
#define TCPMEDIC_CLI_UNIX_SOCKET_H_

#include "absl/strings/string_view.h"

namespace tcpmedic::cli {

// The errno of connect(2): 0 where something accepts, ENAMETOOLONG for a path over the kernel's 107
// bytes.
int ConnectErrno(absl::string_view path);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_UNIX_SOCKET_H_
