// tcpmedic-agent: the per-host daemon. Everything that it is made of, and what flows between the
// parts:
//
//   controller ──signatures──▶ link ──▶ inbox ──▶ scan loop ──reports──▶ link ──▶ controller
//                                                    │
//                                                    └──▶ status board ──▶ metrics
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agent/config.h"
#include "agent/host_facts.h"
#include "agent/link/link.h"
#include "agent/log.h"
#include "agent/metrics.h"
#include "agent/scan_loop.h"
#include "agent/signatures.h"
#include "agent/status_board.h"
#include "core/clock.h"
#include "core/default_paths.h"
#include "core/errno_status.h"
#include "core/issue.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2 };

// A scan is a matter of milliseconds; one that the kernel holds up must not hold up the service
// manager.
constexpr absl::Duration kStopPatience = absl::Milliseconds(1500);

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? Printable(name) : "localhost";
}

// NotFound: no such file. PermissionDenied, Unavailable: it cannot be read, with the errno's name.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  constexpr size_t kMaxBytes = 1 << 20;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return ErrnoStatus(absl::StrCat("open ", path), errno, absl::StatusCode::kUnavailable);
  }
  std::string text;
  char buffer[4096];
  ssize_t n = 0;
  while (text.size() <= kMaxBytes && (n = read(fd, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, n);
  }
  const int read_errno = errno;
  close(fd);
  if (n < 0) {
    return absl::UnavailableError(ErrnoText(absl::StrCat("read ", path), read_errno));
  }
  if (text.size() > kMaxBytes) {
    return absl::UnavailableError(absl::StrCat("read ", path, ": more than 1 MiB"));
  }
  return text;
}

// Puts file and flags together. InvalidArgument: mistakes in them, as issues; otherwise
// ReadConfigFile's errors.
absl::StatusOr<AgentConfig> Configure(const CommandLine& command_line) {
  AgentConfig config;
  config.controller = absl::StrCat("unix:", AgentsSocket(DefaultPathsOfThisProcess().runtime_dir));
  config.host = HostName();

  std::vector<Issue> issues;
  const std::string path = command_line.config_path.value_or(kDefaultConfigPath);
  const absl::StatusOr<std::string> text = ReadConfigFile(path);
  if (text.ok()) {
    ApplyConfigFile(*text, path, &config, &issues);
  } else if (command_line.config_path.has_value() || !absl::IsNotFound(text.status())) {
    return text.status();
  }
  ApplyFlags(command_line, &config, &issues);
  if (!issues.empty()) return absl::InvalidArgumentError(Format(issues));
  return config;
}

[[noreturn]] void Run(const AgentConfig& config) {
  const Clock* const clock = Clock::Real();
  StatusBoard board;
  for (const std::string& spot : BlindSpots(EffectiveCapabilities().value_or(0))) {
    board.SetProblem(absl::StrCat("privileges: ", spot), spot);
    Log(LogLevel::kWarning, spot);
  }

  std::unique_ptr<MetricsServer> metrics;
  if (!config.metrics.empty()) {
    absl::StatusOr<std::unique_ptr<MetricsServer>> started =
        MetricsServer::Start(config.metrics, &board, clock);
    if (started.ok()) {
      metrics = *std::move(started);
    } else {
      const std::string problem(started.status().message());
      board.SetProblem("metrics", absl::StrCat("no metrics are served: ", problem));
      Log(LogLevel::kWarning, "no metrics are served", {{"reason", problem}});
    }
  }

  SignatureInbox inbox(&board);
  const uint64_t session_nonce = absl::Uniform<uint64_t>(absl::BitGen());
  std::unique_ptr<Link> link = Link::Start(
      {.controller = config.controller,
       .hello = MakeHello(config.host, clock->Now().wall, session_nonce)},
      [&inbox](const v1::SignatureSet& set) { return inbox.Offer(set); }, &board, clock);

  ScanLoop::Options options;
  options.namespaces.only_inodes = config.only_netns;
  options.budget.base_interval = config.interval;
  options.budget.core_fraction = config.cpu_budget;
  ScanLoop scan_loop(
      std::move(options), clock, &inbox, &board,
      [&link](std::shared_ptr<const v1::Report> report) { link->Publish(std::move(report)); });
  scan_loop.Start();
  Log(LogLevel::kInfo, "started", {{"version", TCPMEDIC_VERSION}, {"host", config.host}});

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  int signal = 0;
  sigwait(&ends, &signal);
  Log(LogLevel::kInfo, "stopping", {{"signal", sigabbrev_np(signal)}});
  if (scan_loop.Stop(kStopPatience)) {
    link.reset();
  } else {
    Log(LogLevel::kWarning, "a scan is still under way, leaving it");
  }
  // Only what reads is left: a scan that the kernel holds up, and the metrics server, whose library
  // looks only every two seconds whether it is to stop.
  std::_Exit(kDone);
}

}  // namespace
}  // namespace tcpmedic

int main(int argc, char** argv) {
  using namespace tcpmedic;  // NOLINT: main only
  const CommandLine command_line = ParseCommandLine(argc, argv);
  if (command_line.exit_code.has_value()) {
    std::fputs(command_line.text.c_str(), *command_line.exit_code == 0 ? stdout : stderr);
    return *command_line.exit_code;
  }
  const absl::StatusOr<AgentConfig> config = Configure(command_line);
  if (!config.ok()) {
    std::fprintf(stderr, "tcpmedic-agent: %s\n", std::string(config.status().message()).c_str());
    return absl::IsInvalidArgument(config.status()) ? kUsage : kFailed;
  }
  InitLog(config->log_format, config->log_level);

  // Before any thread starts, so that all inherit it and only sigwait gets them.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGINT);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Run(*config);
}
