// A controller and an agent of a drill's own, as the programs that a fleet runs: shipped policy
// files, shipped interval, unix sockets in one directory. The agent watches only the lab's
// namespaces. Both die with this process. Not thread-safe.
#ifndef TCPMEDIC_CLI_DRILL_PRIVATE_FLEET_H_
#define TCPMEDIC_CLI_DRILL_PRIVATE_FLEET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/operator_client.h"
#include "cli/process.h"

namespace tcpmedic::cli {

struct PrivateFleetOptions {
  std::string directory;     // exists; holds sockets, state and logs
  std::string policies_dir;  // empty: the controller's default
  std::string host;          // what the agent calls itself
  std::vector<uint64_t> netns_inodes;
  std::string
      guard_path{};  // what the agent may do, as WriteGuardFile wrote it; empty: only observe
  // What the controller knows of the host, for its policies. Plain words.
  std::map<std::string, std::string> host_labels{};
};

class PrivateFleet {
 public:
  // Starts both. InvalidArgument: the directory's path is too long for a unix socket.
  // Unavailable: the controller's configuration cannot be written. Otherwise as
  // ChildProcess::Spawn. Call it before anything makes threads.
  static absl::StatusOr<std::unique_ptr<PrivateFleet>> Start(const PrivateFleetOptions& options);

  // Until the controller answers and has the agent's first report. Aborted: one of them ended; the
  // message has the last lines of its log. DeadlineExceeded: neither in time.
  absl::Status WaitUntilWatching(absl::Duration timeout);
  // Aborted as above; OK while both run.
  absl::Status Health();

  OperatorClient& controller() { return client_; }
  const std::string& controller_target() const { return target_; }

  // Ends both and waits. What is still there, one line each.
  std::vector<std::string> Stop();

 private:
  struct Daemon {
    std::string name;
    std::string log_path;
    ChildProcess process;
  };
  PrivateFleet(std::string target, std::vector<Daemon> daemons)
      : target_(std::move(target)), daemons_(std::move(daemons)), client_(target_) {}

  std::string target_;
  std::vector<Daemon> daemons_;  // the controller first
  OperatorClient client_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_PRIVATE_FLEET_H_
