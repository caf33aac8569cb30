// tcpmedic-agent: the per-host daemon. Everything that it is made of, and what flows between the
// parts:
//
//   controller ──signatures, wishes──▶ link ──▶ inboxes ──▶ scan loop ──reports──▶ link ──▶ …
//                                                            │      │
//                              metrics ◀── status board ◀────┘      └──▶ order book ──▶ journal,
//                                                                                       sockets,
//                                                                                       settings,
//                                                                                       campaigns
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
#include "agent/act/call_site_source.h"
#include "agent/act/host_control.h"
#include "agent/act/order_book.h"
#include "agent/act/undo.h"
#include "agent/config.h"
#include "agent/host_facts.h"
#include "agent/link/link.h"
#include "agent/log.h"
#include "agent/metrics.h"
#include "agent/order_inbox.h"
#include "agent/scan_loop.h"
#include "agent/service_status.h"
#include "agent/signatures.h"
#include "agent/status_board.h"
#include "core/clock.h"
#include "core/default_paths.h"
#include "core/errno_status.h"
#include "core/issue.h"
#include "daemon/service_notifier.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

// kGoesOn: stopped by SIGUSR2, with which a service manager says that it starts another agent at
// once. It stops no differently; what the code is for is in the service's unit: of the changes that
// are confirmed nothing is undone then.
enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kGoesOn = 3 };

// A scan is a matter of milliseconds; one that the kernel holds up must not hold up the service
// manager.
constexpr absl::Duration kStopPatience = absl::Milliseconds(1500);
// What was taken back on stopping should reach the controller; if it does not, it is reported after
// the next start.
constexpr absl::Duration kFlushPatience = absl::Milliseconds(500);

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
  config.state_dir = absl::StrCat(DefaultPathsOfThisProcess().state_dir, "/agent");

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

// FailedPrecondition: this boot cannot be told from others, so nothing that is written down now
// could be judged after a restart. Otherwise OrderBook::Open's errors.
absl::StatusOr<std::unique_ptr<OrderBook>> OpenOrderBook(const AgentConfig& config,
                                                         const v1::Hello& hello, HostControl* host,
                                                         CallSiteSource* call_sites, Moment now) {
  if (hello.boot_id().empty()) {
    return absl::FailedPreconditionError("/proc/sys/kernel/random/boot_id cannot be read");
  }
  return OrderBook::Open({.state_dir = config.state_dir,
                          .guard_path = config.guard,
                          .boot_id = hello.boot_id(),
                          .session_nonce = hello.session_nonce(),
                          .call_sites = call_sites},
                         host, now);
}

int Undo(const AgentConfig& config) {
  const Moment now = Clock::Real()->Now();
  const std::unique_ptr<HostControl> host = MakeHostControl();
  const UndoResult result =
      RunUndo(config.state_dir, MakeHello(config.host, now.wall, /*session_nonce=*/0).boot_id(),
              host.get(), now);
  std::fputs(result.text.c_str(), stdout);
  if (!result.error.empty()) {
    std::fprintf(stderr, "tcpmedic-agent --undo: %s\n", result.error.c_str());
  }
  return result.exit_code;
}

[[noreturn]] void Run(const AgentConfig& config) {
  const Clock* const clock = Clock::Real();
  ServiceNotifier service(clock);
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

  // Never 0, which an order that names no session would match.
  const uint64_t session_nonce =
      absl::Uniform<uint64_t>(absl::IntervalClosed, absl::BitGen(), 1, UINT64_MAX);
  const v1::Hello hello = MakeHello(config.host, clock->Now().wall, session_nonce);

  ScanLoop::Options options;
  options.orders.host = config.host;
  options.orders.session_nonce = session_nonce;
  const std::unique_ptr<HostControl> host = MakeHostControl();
  const std::unique_ptr<CallSiteSource> call_sites = MakeCallSiteSource();
  std::unique_ptr<OrderBook> book;
  absl::StatusOr<std::unique_ptr<OrderBook>> opened =
      OpenOrderBook(config, hello, host.get(), call_sites.get(), clock->Now());
  if (opened.ok()) {
    book = *std::move(opened);
  } else {
    options.orders.observes_only =
        absl::StrCat("the agent only observes: ", std::string(opened.status().message()));
    board.SetProblem("orders", options.orders.observes_only);
    Log(LogLevel::kError, options.orders.observes_only);
  }

  SignatureInbox signatures(&board);
  OrderInbox wishes;
  std::unique_ptr<Link> link = Link::Start(
      {.controller = config.controller, .hello = hello},
      [&signatures](const v1::SignatureSet& set) { return signatures.Offer(set); },
      [&wishes](const v1::OrderSet& set) { wishes.Offer(set); }, &board, clock);

  options.namespaces.only_inodes = config.only_netns;
  options.budget.base_interval = config.interval;
  options.budget.core_fraction = config.cpu_budget;
  // Ready means: the journal has been replayed, and the host has been looked at once.
  options.on_turn = [&service, &board] { service.Working(ServiceStatus(board.Read())); };
  options.turn_within = service.turn_within();
  ScanLoop scan_loop(
      std::move(options), std::move(book), clock, &signatures, &wishes, &board,
      [&link](std::shared_ptr<const v1::Report> report) { link->Publish(std::move(report)); });
  scan_loop.Start();
  Log(LogLevel::kInfo, "started", {{"version", TCPMEDIC_VERSION}, {"host", config.host}});

  sigset_t ends;
  sigemptyset(&ends);
  for (const int end : {SIGTERM, SIGINT, SIGUSR2}) sigaddset(&ends, end);
  int signal = 0;
  sigwait(&ends, &signal);
  Log(LogLevel::kInfo, "stopping", {{"signal", sigabbrev_np(signal)}});
  service.Stopping("taking back what nobody has confirmed");
  if (scan_loop.Stop(kStopPatience)) {
    if (scan_loop.took_back()) link->Flush(kFlushPatience);
    link.reset();
  } else {
    Log(LogLevel::kWarning, "a scan is still under way, leaving it");
  }
  // What is left only reads: a scan that the kernel holds up, and the metrics server, whose library
  // looks only every two seconds whether it is to stop. A change that such a scan kept from being
  // taken back is in the journal, for the next start or --undo.
  std::_Exit(signal == SIGUSR2 ? kGoesOn : kDone);
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
  if (command_line.undo) return Undo(*config);

  // Before any thread starts, so that all inherit it and only sigwait gets them.
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int end : {SIGTERM, SIGINT, SIGUSR2}) sigaddset(&blocked, end);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Run(*config);
}
