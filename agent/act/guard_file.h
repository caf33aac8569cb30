// The guard file. One that is absent, mistaken, or that anyone but root could have written allows
// nothing.
//
//   apiVersion: tcpmedic/v1
//   kind: Guard
//   mode: enforce                         # or observe: nothing is allowed, whatever stands below
//   actions: [set_congestion_control, set_sysctl, sample_call_sites]
//   algorithms: [bbr]                     # that an order may set; undoing is always allowed
//   sysctls:                              # that an order may set, and to what
//     net.ipv4.tcp_syncookies: {min: 1, max: 1}
//     net.core.somaxconn: {}              # the bounds of core/sysctl_catalogue.h, as for each
//                                         # bound that is left out
//   namespaces: [host, cookie:4097]       # host, cookie:N (SO_NETNS_COOKIE), inode:N or any
//   processes: [nginx, /usr/local/bin/*]  # globs: with a slash of the program's file, else of its
//                                         # name; or any. Not asked for sysctls
#ifndef TCPMEDIC_AGENT_ACT_GUARD_FILE_H_
#define TCPMEDIC_AGENT_ACT_GUARD_FILE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/act/guard.h"
#include "core/issue.h"

namespace tcpmedic {

inline constexpr char kDefaultGuardPath[] = "/etc/tcpmedic/guard.yaml";

// False: appends every mistake, and `*guard` allows nothing. A setting that no order may make, and
// bounds outside the catalogue's, are mistakes. Pure.
bool ParseGuard(absl::string_view yaml, absl::string_view file, Guard* guard,
                std::vector<Issue>* issues);

// Reads the file if nobody but root and `owner` can have written it: a regular file of theirs, no
// symbolic link, not writable by group or others, in a directory of which the same holds. Every
// error says in words why this host only observes. NotFound, PermissionDenied (unsafe),
// InvalidArgument (the issues), Unavailable.
absl::StatusOr<Guard> ReadGuard(const std::string& path, uid_t owner = 0);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_GUARD_FILE_H_
