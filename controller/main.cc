// tcpmedic-controller: opens the store, reads the policies, serves the two sockets, and then waits
// for signals and time.
//
//     SIGTERM, SIGINT   stops within two seconds
//     SIGHUP            reads the policy files again, whole or not at all
//
// Exit codes: 0 stopped when told to, 1 could not start, 2 usage.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/config.h"
#include "controller/coordinator.h"
#include "controller/log.h"
#include "controller/notify/notifier.h"
#include "controller/notify/receivers.h"
#include "controller/policy/policy_set.h"
#include "controller/service/runtime_directory.h"
#include "controller/service/server.h"
#include "controller/store/sqlite_store.h"
#include "core/clock.h"
#include "core/default_paths.h"
#include "core/errno_status.h"
#include "daemon/service_notifier.h"

namespace tcpmedic {
namespace {

using controller_log::Level;

constexpr absl::Duration kTickInterval = absl::Seconds(1);
// Streams end at once; this is for calls under way. Below the two seconds that a stop may take.
constexpr absl::Duration kStopGrace = absl::Seconds(1);

// The receiver that is always there.
class LogAnnouncer : public Announcer {
 public:
  absl::Status Announce(const OutboxEntry& entry) override {
    controller_log::Write(Level::kInfo, entry.text,
                          {{"incident", entry.incident_id}, {"event", entry.what}});
    return absl::OkStatus();
  }
};

int Complain(absl::string_view problem) {
  fprintf(stderr, "tcpmedic-controller: %s\n", std::string(problem).c_str());
  return 1;
}

// Of every mistake its place, its line and its caret.
int Complain(absl::string_view problem, const std::vector<Issue>& issues) {
  fprintf(stderr, "%s\n", Format(issues).c_str());
  return Complain(problem);
}

ControllerConfig Defaults() {
  const DefaultPaths paths = DefaultPathsOfThisProcess();
  ControllerConfig config;
  config.runtime_dir = paths.runtime_dir;
  config.state_dir = paths.state_dir;
  std::error_code error;
  const std::string exe = std::filesystem::read_symlink("/proc/self/exe", error);
  const PolicyDirCandidates candidates = PolicyDirsFor(exe);
  const bool installed = std::filesystem::is_directory(candidates.installed, error);
  config.policies = installed ? candidates.installed : candidates.source_tree;
  return config;
}

// Absent and not asked for: nothing is configured.
bool ReadConfigFile(const std::optional<std::string>& asked_for, ControllerConfig* config,
                    int* exit_code) {
  const std::string path = asked_for.value_or(kDefaultControllerConfig);
  std::ifstream in(path);
  if (!in) {
    if (!asked_for.has_value() && errno == ENOENT) return true;
    *exit_code = Complain(ErrnoText(absl::StrCat("open ", path), errno));
    return false;
  }
  std::vector<Issue> issues;
  if (ApplyConfigFile(std::string(std::istreambuf_iterator<char>(in), {}), path, config, &issues)) {
    return true;
  }
  *exit_code = Complain("the configuration has mistakes, nothing was started", issues);
  return false;
}

void ReloadPolicies(const std::string& directory, const std::vector<Receiver>& receivers,
                    Coordinator* coordinator, Server* server) {
  std::vector<Issue> issues;
  absl::StatusOr<PolicySet> policies = LoadPolicyDirectory(directory, &issues);
  absl::Status taken = policies.status();
  if (taken.ok() && !receivers.empty()) {
    issues = UnknownReceivers(policies->policies, receivers);
    if (!issues.empty()) taken = absl::InvalidArgumentError("unknown receivers");
  }
  if (taken.ok()) taken = coordinator->ReplacePolicies(*std::move(policies));
  if (taken.ok()) {
    controller_log::Write(Level::kInfo, "policies read again",
                          {{"revision", coordinator->GetPolicyStatus().revision()}});
    server->SendSignatures();
    return;
  }
  std::vector<std::string> problems;
  for (const Issue& issue : issues) problems.push_back(Format(issue));
  if (problems.empty()) problems.emplace_back(taken.message());
  controller_log::Write(Level::kError, "policies not taken, those before stay in force",
                        {{"problems", absl::StrCat(problems.size())},
                         {"first", problems.front().substr(0, problems.front().find('\n'))}});
  coordinator->SetPolicyProblems(std::move(problems));
}

// For `systemctl status`. `failing`: what the newest tick ended with; empty: well.
std::string ServiceStatus(const Coordinator& coordinator, const std::string& failing) {
  if (!failing.empty()) return absl::StrCat("cannot keep up, trying again each second: ", failing);
  const v1::PolicyStatus policies = coordinator.GetPolicyStatus();
  return absl::StrCat("serving agents and operators; policies ", policies.revision(),
                      policies.problems().empty() ? "" : ", as the newer ones have mistakes",
                      policies.receiver_problems().empty() ? "" : "; not every receiver hears",
                      policies.problems().empty() && policies.receiver_problems().empty()
                          ? ""
                          : ": `tcpmedic policy status`");
}

// Until told to stop. Each turn goes through the coordinator's lock and the store, so a turn that
// does not end is what the watchdog is for; a tick that fails is none.
void WaitForSignals(const sigset_t& signals, const ControllerConfig& config,
                    const Notifier& notifier, Coordinator* coordinator, Server* server,
                    ServiceNotifier* service) {
  const timespec turn = absl::ToTimespec(std::min(kTickInterval, service->turn_within()));
  std::string failing;
  for (;;) {
    coordinator->SetReceiverProblems(notifier.Problems());
    service->Working(ServiceStatus(*coordinator, failing));
    const int signal = sigtimedwait(&signals, nullptr, &turn);
    if (signal == SIGTERM || signal == SIGINT) {
      controller_log::Write(Level::kInfo, "stopping", {{"signal", sigabbrev_np(signal)}});
      service->Stopping("ending the streams of agents and operators");
      return;
    }
    if (signal == SIGHUP) ReloadPolicies(config.policies, config.receivers, coordinator, server);
    // A full disk fails every second: said once, and once when it is over.
    const absl::Status ticked = coordinator->Tick();
    if (ticked.message() == failing) continue;
    failing = std::string(ticked.message());
    if (ticked.ok()) {
      controller_log::Write(Level::kInfo, "the failure is over");
    } else {
      controller_log::Write(Level::kError, "cannot keep up, trying again each second",
                            {{"error", failing}});
    }
  }
}

int Main(int argc, char** argv) {
  const ControllerCommandLine flags = ParseControllerCommandLine(argc, argv, TCPMEDIC_VERSION);
  if (flags.exit_code.has_value()) {
    fputs(flags.text.c_str(), *flags.exit_code == 0 ? stdout : stderr);
    return *flags.exit_code;
  }
  ControllerConfig config = Defaults();
  int exit_code = 0;
  if (!ReadConfigFile(flags.config_file, &config, &exit_code)) return exit_code;
  ApplyFlags(flags, &config);
  controller_log::Init(config.log, config.log_level);
  umask(077);  // what is stored here is nobody else's business

  std::vector<Issue> issues;
  absl::StatusOr<PolicySet> policies = LoadPolicyDirectory(config.policies, &issues);
  if (!issues.empty()) {
    return Complain(absl::StrCat("the policies in ", config.policies, " have mistakes"), issues);
  }
  if (!policies.ok()) return Complain(policies.status().message());

  // Without any receiver people are told by the log alone; with one, a name that none has is a
  // slip.
  issues = UnknownReceivers(policies->policies, config.receivers);
  if (!config.receivers.empty() && !issues.empty()) {
    return Complain("the policies name receivers that the configuration does not have", issues);
  }

  // Before any thread, so that all of them leave these signals to WaitForSignals.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto directory = RuntimeDirectory::Claim(config.runtime_dir);
  if (!directory.ok()) return Complain(directory.status().message());
  if (absl::Status made = MakePrivateDirectory(config.state_dir); !made.ok()) {
    return Complain(made.message());
  }
  auto store = OpenSqliteStore({absl::StrCat(config.state_dir, "/controller.db")});
  if (!store.ok()) return Complain(store.status().message());

  LogAnnouncer announcer;
  CoordinatorOptions options;
  options.version = TCPMEDIC_VERSION;
  options.host_labels = config.host_labels;
  options.policies_source = config.policies;
  options.retention = absl::Hours(24) * config.retention_days;
  auto coordinator = Coordinator::Start(std::move(options), *std::move(policies), store->get(),
                                        &announcer, Clock::Real());
  if (!coordinator.ok()) return Complain(coordinator.status().message());
  if (const absl::Status& verdict = (*coordinator)->audit_verdict(); !verdict.ok()) {
    controller_log::Write(Level::kError, "the audit log cannot be trusted",
                          {{"problem", std::string(verdict.message())}});
  }
  Notifier::Options notifying;
  notifying.receivers = config.receivers;
  notifying.on_problem = [](const std::string& receiver, const std::string& problem) {
    if (problem.empty()) {
      controller_log::Write(Level::kInfo, "a receiver hears again", {{"receiver", receiver}});
    } else {
      controller_log::Write(Level::kError, "a receiver does not hear, trying again",
                            {{"receiver", receiver}, {"problem", problem}});
    }
  };
  auto notifier = Notifier::Start(std::move(notifying), store->get(), Clock::Real());
  if (!notifier.ok()) return Complain(notifier.status().message());
  auto server = Server::Start(**directory, coordinator->get());
  if (!server.ok()) return Complain(server.status().message());

  controller_log::Write(Level::kInfo, "ready",
                        {{"version", TCPMEDIC_VERSION},
                         {"runtime_dir", config.runtime_dir},
                         {"state_dir", config.state_dir},
                         {"policies", config.policies},
                         {"revision", (*coordinator)->GetPolicyStatus().revision()}});
  ServiceNotifier service(Clock::Real());
  WaitForSignals(signals, config, **notifier, coordinator->get(), server->get(), &service);
  (*server)->Stop(kStopGrace);
  return 0;
}

}  // namespace
}  // namespace tcpmedic

int main(int argc, char** argv) { return tcpmedic::Main(argc, argv); }
