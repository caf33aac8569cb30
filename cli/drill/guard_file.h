// The guard file of a drill's own agent: it may move sockets, set sysctls or sample call
// sites in the drill's namespaces, and nowhere else. Thread-compatible.
#ifndef TCPMEDIC_CLI_DRILL_GUARD_FILE_H_
#define TCPMEDIC_CLI_DRILL_GUARD_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tcpmedic::cli {

struct DrillGuard {
  std::vector<uint64_t> netns_cookies;  // SO_NETNS_COOKIE of the namespaces that the drill made
  // What an order may set; the action of a list that is empty is not allowed.
  std::vector<std::string> algorithms;  // "bbr"
  std::vector<std::string> sysctls{};   // of core/sysctl_catalogue.h: "net.ipv4.tcp_syncookies"
  bool sample_call_sites = false;
};

// The file's text.
std::string GuardYaml(const DrillGuard& guard);

// Writes it to `path`, 0600, which must not exist. InvalidArgument: no namespace, or nothing
// that may be done, or an algorithm or sysctl that is none. AlreadyExists: something is there, and
// is left as it is. Otherwise names the path and the errno.
absl::Status WriteGuardFile(const DrillGuard& guard, const std::string& path);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_GUARD_FILE_H_
