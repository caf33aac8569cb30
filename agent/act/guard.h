// The guard file: what this host allows, whatever a controller orders. An empty list allows
// nothing, and so does a file that is absent, mistaken, or that anyone but root could have written.
// Parsing and judging are pure.
//
//   apiVersion: tcpmedic/v1
//   kind: Guard
//   actions: [set_congestion_control]
//   algorithms: [bbr]                     # that an order may set; undoing is always allowed
//   namespaces: [host, cookie:4097]       # host, cookie:N (SO_NETNS_COOKIE), inode:N or any
//   processes: [nginx, /usr/local/bin/*]  # globs: with a slash of the program's file, else of its
//   name; or any
#ifndef TCPMEDIC_AGENT_ACT_GUARD_H_
#define TCPMEDIC_AGENT_ACT_GUARD_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/issue.h"
#include "tcpmedic/v1/action.pb.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

inline constexpr char kDefaultGuardPath[] = "/etc/tcpmedic/guard.yaml";

struct Guard {
  std::vector<std::string> actions;
  std::vector<std::string> algorithms;
  std::vector<std::string> namespaces;
  std::vector<std::string> processes;
};

// False: appends every mistake, and `*guard` allows nothing.
bool ParseGuard(absl::string_view yaml, absl::string_view file, Guard* guard,
                std::vector<Issue>* issues);

// Reads the file if nobody but root and `owner` can have written it: a regular file of theirs, no
// symbolic link, not writable by group or others, in a directory of which the same holds. Every
// error says in words why this host only observes. NotFound, PermissionDenied (unsafe),
// InvalidArgument (the issues), Unavailable.
absl::StatusOr<Guard> ReadGuard(const std::string& path, uid_t owner = 0);

// PermissionDenied says which list lacks what.
absl::Status AllowsAction(const Guard& guard, const v1::Action& action);

struct NetnsIdentity {
  uint64_t cookie = 0;
  uint64_t inode = 0;                // 0: not known
  std::optional<bool> is_the_hosts;  // unset: not known
};
// A socket that several processes hold is theirs in common: each must be allowed.
absl::Status AllowsSocket(const Guard& guard, const NetnsIdentity& netns,
                          absl::Span<const v1::Process> holders);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_GUARD_H_
