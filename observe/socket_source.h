// Where socket samples come from: one network namespace's sockets. The seam between the kernel and
// everything above it; tests give recorded dumps.
#ifndef TCPMEDIC_OBSERVE_SOCKET_SOURCE_H_
#define TCPMEDIC_OBSERVE_SOCKET_SOURCE_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// What the kernel is asked to select. A filter program (INET_DIAG_REQ_BYTECODE) will be a further
// member.
struct DumpRequest {
  TcpStateMask states = kAllTcpStates;  // the kernel skips the others; 0 selects nothing
};

struct DumpStats {
  int64_t sockets = 0;             // visited
  int64_t malformed_messages = 0;  // skipped: shorter than they claim
  int64_t interruptions = 0;       // NLM_F_DUMP_INTR: the dump was retried
  int64_t unknown_bytes = 0;       // of a newer kernel's attributes and tcp_info fields: ignored
};

class SocketSource {
 public:
  virtual ~SocketSource() = default;

  // SO_NETNS_COOKIE of the namespace whose sockets these are.
  virtual uint64_t netns_cookie() const = 0;

  // Calls `visit` once per socket, IPv4 and IPv6, in no particular order. The sample is valid
  // during the call. A dump that stayed interrupted after its retries has visited sockets of mixed
  // age and may have missed some; it is counted, not an error. A socket may be visited twice in an
  // interrupted dump. Unavailable: the kernel refused or did not answer in time. DataLoss: an
  // answer larger than any kernel's. PermissionDenied: names the capability.
  virtual absl::StatusOr<DumpStats> Dump(const DumpRequest& request,
                                         absl::FunctionRef<void(const SocketSample&)> visit) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_SOCKET_SOURCE_H_
