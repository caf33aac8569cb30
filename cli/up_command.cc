// up: the controller and an agent for this one host, as child processes. This process never speaks
// gRPC: it asks through `tcpmedic hosts`, so that every child is forked from a process with one
// thread.
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/command.h"
#include "cli/private_directory.h"
#include "cli/process.h"
#include "cli/render/up_screen.h"
#include "cli/supervisor.h"
#include "cli/unix_socket.h"
#include "core/clock.h"
#include "core/default_paths.h"
#include "core/errno_status.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::json;

constexpr absl::Duration kStartTimeout = absl::Seconds(15);
constexpr absl::Duration kPoll = absl::Milliseconds(200);
constexpr absl::Duration kStopGrace = absl::Seconds(5);
constexpr int kLogTailLines = 8;

struct UpOptions {
  std::string runtime_dir;
  std::string state_dir;
  std::string policies;                  // empty: the controller finds them
  std::vector<std::string> agent_flags;  // after `--`
};

absl::Duration Uptime() { return Clock::Real()->Now().uptime; }

void Say(const std::string& sentence) { fprintf(stderr, "%s\n", Escaped(sentence).c_str()); }

// The last lines of a log, for the reader who need not open it.
std::string LogTail(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  std::vector<std::string> lines = absl::StrSplit(content.str(), '\n', absl::SkipEmpty());
  const size_t skipped = lines.size() > kLogTailLines ? lines.size() - kLogTailLines : 0;
  std::string tail;
  for (size_t i = skipped; i < lines.size(); ++i)
    absl::StrAppend(&tail, "  ", Escaped(lines[i]), "\n");
  return tail;
}

// A descriptor that tells of Ctrl-C, SIGTERM and SIGHUP, which no longer interrupt.
absl::StatusOr<int> StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return ErrnoStatus("signalfd", errno, absl::StatusCode::kInternal);
  return fd;
}

// The answer of another tcpmedic to this controller; nullopt while there is none.
std::optional<json> Ask(const std::string& controller, std::vector<std::string> words) {
  std::vector<std::string> command = {SiblingProgram("tcpmedic")};
  command.insert(command.end(), words.begin(), words.end());
  command.insert(command.end(), {"--controller", controller, "-o", "json"});
  const absl::StatusOr<std::string> output = OutputOf(command, absl::Seconds(6));
  if (!output.ok()) return std::nullopt;
  json answer = json::parse(*output, nullptr, /*allow_exceptions=*/false);
  if (answer.is_discarded()) return std::nullopt;
  return answer;
}

// Where the agent looks for what this host allows.
std::string GuardPath(const std::vector<std::string>& agent_flags) {
  std::string path = "/etc/tcpmedic/guard.yaml";
  for (size_t i = 0; i < agent_flags.size(); ++i) {
    absl::string_view flag = agent_flags[i];
    if (flag == "--guard" && i + 1 < agent_flags.size()) path = agent_flags[i + 1];
    if (absl::ConsumePrefix(&flag, "--guard=")) path = std::string(flag);
  }
  return path;
}

class Up {
 public:
  Up(const Invocation& invocation, UpOptions options)
      : invocation_(invocation), options_(std::move(options)) {
    status_.pid = getpid();
    status_.operators_socket = OperatorsSocket(options_.runtime_dir);
    status_.agents_socket = AgentsSocket(options_.runtime_dir);
    status_.state_dir = options_.state_dir;
    status_.controller_log = options_.state_dir + "/controller.log";
    status_.agent_log = options_.state_dir + "/agent.log";
    status_.guard_path = GuardPath(options_.agent_flags);
  }

  int Run() {
    absl::StatusOr<DirectoryLock> lock = Claim();
    if (!lock.ok()) return Fail(invocation_, lock.status());
    const absl::StatusOr<int> stop_fd = StopSignals();
    if (!stop_fd.ok()) return Fail(invocation_, stop_fd.status());
    Supervisor supervisor(*stop_fd, Say);
    const absl::Status started = StartAll(supervisor);
    if (started.ok()) {
      status_.guard_exists = access(status_.guard_path.c_str(), F_OK) == 0;
      Style style = StyleOf(invocation_);
      style.command = command();
      Print(RenderUp(status_, style));
      while (supervisor.Step(absl::InfiniteDuration())) {
      }
    }
    const bool interrupted = started.ok() || absl::IsCancelled(started);
    if (interrupted) Say("Stopping the agent, then the controller.");
    supervisor.Stop(kStopGrace);
    close(*stop_fd);
    return interrupted ? kDone : Fail(invocation_, started);
  }

 private:
  std::string target() const { return absl::StrCat("unix:", status_.operators_socket); }

  // What asks this controller.
  std::string command() const {
    return options_.runtime_dir == DefaultPathsOfThisProcess().runtime_dir
               ? "tcpmedic"
               : absl::StrCat("tcpmedic --controller ", target());
  }

  // Both directories, and the right to be the only one here.
  absl::StatusOr<DirectoryLock> Claim() {
    for (const std::string& directory : {options_.runtime_dir, options_.state_dir}) {
      if (absl::Status made = MakeDirectory(directory); !made.ok()) return made;
    }
    if (absl::Status ours = CheckPrivate(options_.runtime_dir); !ours.ok()) return ours;
    absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(options_.runtime_dir);
    if (absl::IsAlreadyExists(lock.status())) {
      return absl::AlreadyExistsError(absl::StrCat("already up in ", options_.runtime_dir, " (",
                                                   lock.status().message(), "): try `", command(),
                                                   " hosts`"));
    }
    if (!lock.ok()) return lock;
    const int connect_errno = ConnectErrno(status_.operators_socket);
    if (connect_errno == 0) {
      return absl::AlreadyExistsError(
          absl::StrCat("a controller already answers at ", target(), ": try `tcpmedic hosts`"));
    }
    if (connect_errno == ENAMETOOLONG) {
      return absl::InvalidArgumentError(
          absl::StrCat(status_.operators_socket,
                       " is longer than the 107 bytes that a unix socket may have: choose a "
                       "shorter --runtime-dir"));
    }
    return lock;
  }

  // Runs `supervisor` until `ready`. Cancelled: the user wants to stop. Aborted: a daemon died.
  // DeadlineExceeded.
  template <typename Ready>
  absl::Status Await(Supervisor& supervisor, Ready ready) {
    const absl::Duration deadline = Uptime() + kStartTimeout;
    while (!ready()) {
      if (!supervisor.Step(kPoll)) return absl::CancelledError("stopped");
      if (supervisor.deaths() > 0) return absl::AbortedError("a daemon died");
      if (Uptime() >= deadline) return absl::DeadlineExceededError("no answer");
    }
    return absl::OkStatus();
  }

  absl::Status StartAll(Supervisor& supervisor) {
    ChildOptions controller;
    controller.command = {SiblingProgram("tcpmedic-controller"), "--runtime-dir",
                          options_.runtime_dir, "--state-dir", options_.state_dir};
    if (!options_.policies.empty()) {
      controller.command.insert(controller.command.end(), {"--policies", options_.policies});
    }
    controller.output_path = status_.controller_log;
    absl::Status status = StartDaemon(supervisor, "The controller", controller, [this] {
      return ConnectErrno(status_.operators_socket) == 0;
    });
    if (!status.ok()) return status;

    ChildOptions agent;
    agent.command = {SiblingProgram("tcpmedic-agent"), "--controller",
                     absl::StrCat("unix:", status_.agents_socket), "--state-dir",
                     absl::StrCat(options_.state_dir, "/agent")};
    agent.command.insert(agent.command.end(), options_.agent_flags.begin(),
                         options_.agent_flags.end());
    agent.output_path = status_.agent_log;
    status = StartDaemon(supervisor, "The agent", agent, [this] { return LearnHost(); });
    // An agent that needs longer is not a failure: the screen says that it has not reported yet.
    if (!status.ok() && !absl::IsDeadlineExceeded(status)) return status;
    LearnPolicies();
    return absl::OkStatus();
  }

  template <typename Ready>
  absl::Status StartDaemon(Supervisor& supervisor, const std::string& name,
                           const ChildOptions& options, Ready ready) {
    // The log of the run before stays readable, and logs do not grow from run to run.
    rename(options.output_path.c_str(), absl::StrCat(options.output_path, ".1").c_str());
    if (absl::Status added = supervisor.Add(name, options); !added.ok()) return added;
    const absl::Status status = Await(supervisor, ready);
    if (!absl::IsAborted(status)) return status;
    fprintf(stderr, "The end of %s:\n%s", options.output_path.c_str(),
            LogTail(options.output_path).c_str());
    return absl::AbortedError(absl::StrCat("could not start: ", options.output_path, " says why"));
  }

  // True once the agent has reported.
  bool LearnHost() {
    const std::optional<json> answer = Ask(target(), {"hosts"});
    if (!answer.has_value() || (*answer)["hosts"].empty()) return false;
    const json& host = (*answer)["hosts"][0];
    if (!host.value("connected", false) || !host["stats"].is_object()) return false;
    const json& stats = host["stats"];
    status_.host.name = host.value("name", "this host");
    status_.host.sockets = stats.value("sockets", int64_t{0});
    status_.host.namespaces = stats.value("namespaces", int64_t{0});
    if (stats["interval"].is_number()) {
      status_.host.interval = absl::Seconds(stats["interval"].get<double>());
    }
    status_.host.degraded = stats.value("degraded", std::vector<std::string>());
    return true;
  }

  void LearnPolicies() {
    const std::optional<json> answer = Ask(target(), {"policy", "status"});
    if (!answer.has_value()) return;
    status_.policies_source = answer->value("source", "");
    status_.signatures = answer->value("signatures", std::vector<std::string>());
  }

  const Invocation& invocation_;
  const UpOptions options_;
  UpStatus status_;
};

}  // namespace

void AddUpCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<UpOptions>();
  const DefaultPaths defaults = DefaultPathsOfThisProcess();
  options->runtime_dir = defaults.runtime_dir;
  options->state_dir = defaults.state_dir;
  CLI::App* const command =
      app.add_subcommand("up", "Start a controller and an agent for this host");
  command->add_option("--runtime-dir", options->runtime_dir, "Where the unix sockets are")
      ->capture_default_str();
  command->add_option("--state-dir", options->state_dir, "Where incidents and logs are kept")
      ->capture_default_str();
  command
      ->add_option("--policies", options->policies,
                   "Signatures and policies (default: those that came with tcpmedic)")
      ->check(CLI::ExistingDirectory);
  command->add_option("agent-flags", options->agent_flags,
                      "After --: flags for the agent, such as --cpu-budget 2%");
  command->callback(
      [&invocation, options] { invocation.exit_code = Up(invocation, *options).Run(); });
}

}  // namespace tcpmedic::cli
