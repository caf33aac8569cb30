// Entering another network namespace, on a thread that ends with the visit: no thread that does
// anything else ever leaves its own. See setns(2).
#ifndef TCPMEDIC_OBSERVE_IN_NAMESPACE_H_
#define TCPMEDIC_OBSERVE_IN_NAMESPACE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace tcpmedic {

// Runs `body` in the namespace that `netns_fd` (an open /proc/PID/ns/net) refers to, and returns
// after it. What `body` opens speaks for that namespace, from any thread; so do the files under
// /proc/sys/net, which the kernel looks up for the thread that opens them (net_ctl_header_lookup in
// net/sysctl_net.c). An error: `body` has not run. PermissionDenied: setns needs CAP_SYS_ADMIN over
// that namespace. Thread-safe.
absl::Status InNamespace(int netns_fd, absl::FunctionRef<void()> body);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_IN_NAMESPACE_H_
