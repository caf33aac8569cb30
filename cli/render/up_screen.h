// What `tcpmedic up` says once it runs: where everything is, what is watched, what it cannot see,
// what to type next. Pure.
#ifndef TCPMEDIC_CLI_RENDER_UP_SCREEN_H_
#define TCPMEDIC_CLI_RENDER_UP_SCREEN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/render/text.h"

namespace tcpmedic::cli {

// The host's first report; nothing of it where none came in time.
struct WatchedHost {
  std::string name;
  int64_t sockets = 0;
  int64_t namespaces = 0;
  absl::Duration interval;
  std::vector<std::string> degraded;
};

struct UpStatus {
  int pid = 0;
  std::string operators_socket;
  std::string agents_socket;
  std::string state_dir;
  std::string controller_log;
  std::string agent_log;
  std::string policies_source;  // empty: not known
  std::vector<std::string> signatures;
  std::string guard_path;     // what bounds the orders that this host takes
  bool guard_exists = false;  // without it the agent only observes
  WatchedHost host;           // without a name: nothing has been reported yet
};

std::string RenderUp(const UpStatus& status, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_UP_SCREEN_H_
