// Finds a network namespace of the host by its cookie, wherever it can be reached from, and enters
// it. Thread-compatible.
//
// Observation shows the namespaces that processes are in. An order must not take one for gone that
// only a thread is in, or that `ip netns` keeps mounted while its service restarts: nobody would
// undo what was changed there. So all these are looked at before the answer is NotFound.
#ifndef TCPMEDIC_AGENT_ACT_NETNS_SEARCH_H_
#define TCPMEDIC_AGENT_ACT_NETNS_SEARCH_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "agent/act/host_control.h"

namespace tcpmedic {

// Runs `body` once, on a short-lived thread inside the namespace that has this cookie (and this
// inode, where one is given), and gives the namespace's inode. An error: `body` has not run.
// NotFound: it is certain that no process, no thread and no mount of pid 1's or our own has it.
// PermissionDenied: names the capability. InvalidArgument: no cookie. Unavailable: any other.
absl::StatusOr<uint64_t> EnterNetns(const std::string& proc_root, const NetnsRef& netns,
                                    absl::FunctionRef<void()> body);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_NETNS_SEARCH_H_
