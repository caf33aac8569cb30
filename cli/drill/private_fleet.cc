#include "cli/drill/private_fleet.h"

#include <signal.h>
#include <sys/un.h>

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/unix_socket.h"
#include "core/default_paths.h"

namespace tcpmedic::cli {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(3);
constexpr int kLogLines = 6;

std::string LastLines(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back("  " + line);
    if (lines.size() > kLogLines) lines.erase(lines.begin());
  }
  if (lines.empty()) return absl::StrCat("  nothing in ", path, ": is its disk full?");
  return absl::StrJoin(lines, "\n");
}

// The controller's configuration file.
absl::StatusOr<std::string> WriteConfig(const PrivateFleetOptions& options) {
  // Never the machine's own.
  if (options.host_labels.empty()) return "/dev/null";
  const std::string path = absl::StrCat(options.directory, "/controller.yaml");
  std::ofstream file(path);
  file << "hosts: {" << options.host << ": {labels: {"
       << absl::StrJoin(options.host_labels, ", ",
                        [](std::string* out, const auto& label) {
                          absl::StrAppend(out, label.first, ": '", label.second, "'");
                        })
       << "}}}\n";
  file.close();
  if (file.fail()) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  return path;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrivateFleet>> PrivateFleet::Start(
    const PrivateFleetOptions& options) {
  const std::string& directory = options.directory;
  const std::string runtime_dir = absl::StrCat(directory, "/run");
  if (OperatorsSocket(runtime_dir).size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory, ": too long a path for a unix socket; choose a shorter one"));
  }

  absl::StatusOr<std::string> config = WriteConfig(options);
  if (!config.ok()) return config.status();
  std::vector<std::string> controller = {
      SiblingProgram("tcpmedic-controller"), "--runtime-dir", runtime_dir, "--state-dir",
      absl::StrCat(directory, "/state"),     "--config",      *config};
  if (!options.policies_dir.empty()) {
    controller.insert(controller.end(), {"--policies", options.policies_dir});
  }
  std::vector<std::string> agent = {
      SiblingProgram("tcpmedic-agent"), "--controller",
      absl::StrCat("unix:", AgentsSocket(runtime_dir)), "--host", options.host, "--state-dir",
      absl::StrCat(directory, "/agent"), "--guard",
      // Never the machine's own: a file that is not there allows nothing.
      options.guard_path.empty() ? absl::StrCat(directory, "/no-guard.yaml") : options.guard_path,
      "--metrics", "off", "--config", "/dev/null"};
  for (const uint64_t inode : options.netns_inodes) {
    agent.insert(agent.end(), {"--only-netns", absl::StrCat(inode)});
  }

  std::vector<Daemon> daemons;
  const std::pair<std::string, std::vector<std::string>> programs[] = {{"controller", controller},
                                                                       {"agent", agent}};
  for (const auto& [name, command] : programs) {
    ChildOptions child;
    child.command = command;
    child.output_path = absl::StrCat(directory, "/", name, ".log");
    absl::StatusOr<ChildProcess> process = ChildProcess::Spawn(child);
    if (!process.ok()) return process.status();
    daemons.push_back({name, child.output_path, *std::move(process)});
  }
  return std::unique_ptr<PrivateFleet>(
      new PrivateFleet(absl::StrCat("unix:", OperatorsSocket(runtime_dir)), std::move(daemons)));
}

absl::Status PrivateFleet::Health() {
  for (Daemon& daemon : daemons_) {
    const std::optional<ChildExit> exit = daemon.process.Wait(absl::ZeroDuration());
    if (!exit) continue;
    return absl::AbortedError(absl::StrCat("the drill's ", daemon.name, " ended with ",
                                           exit->ToString(), ":\n", LastLines(daemon.log_path)));
  }
  return absl::OkStatus();
}

absl::Status PrivateFleet::WaitUntilWatching(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  absl::Status last;
  while (absl::Now() < deadline) {
    if (absl::Status health = Health(); !health.ok()) return health;
    // gRPC waits a second and more after an attempt that was too early.
    if (ConnectErrno(absl::StripPrefix(target_, "unix:")) != 0) {
      absl::SleepFor(absl::Milliseconds(20));
      continue;
    }
    absl::StatusOr<v1::ListHostsResponse> hosts = client_.ListHosts();
    last = hosts.status();
    if (hosts.ok() && hosts->hosts_size() > 0 && hosts->hosts(0).has_last_report_at()) {
      return absl::OkStatus();
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::DeadlineExceededError(
      absl::StrCat("the drill's agent sent no report within ", absl::FormatDuration(timeout),
                   last.ok() ? "" : absl::StrCat(" (", last.message(), ")")));
}

std::vector<std::string> PrivateFleet::Stop() {
  std::vector<std::string> left;
  for (auto daemon = daemons_.rbegin(); daemon != daemons_.rend(); ++daemon) {
    const pid_t pid = daemon->process.pid();
    daemon->process.Terminate(kGrace);
    if (kill(pid, 0) == 0) left.push_back(absl::StrCat("process ", pid, " (", daemon->name, ")"));
  }
  return left;
}

}  // namespace tcpmedic::cli
