// Both daemons with NOTIFY_SOCKET set, at the other end of it the test: what they say, when, and
// when they fall silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/process.h"
#include "cli/unix_socket.h"
#include "core/default_paths.h"
#include "tests/daemon/notify_socket.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::Duration kWatchdog = absl::Seconds(2);

// One thread of a child stands still while the others go on: what SIGSTOP, which stops a whole
// process, cannot show. See ptrace(2).
class StoppedThread {
 public:
  explicit StoppedThread(pid_t tid) : tid_(tid) {
    EXPECT_EQ(ptrace(PTRACE_SEIZE, tid_, nullptr, nullptr), 0) << strerrordesc_np(errno);
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr), 0) << strerrordesc_np(errno);
    int status = 0;
    EXPECT_EQ(waitpid(tid_, &status, __WALL), tid_) << strerrordesc_np(errno);
    EXPECT_TRUE(WIFSTOPPED(status));
  }
  ~StoppedThread() { ptrace(PTRACE_DETACH, tid_, nullptr, nullptr); }

 private:
  const pid_t tid_;
};

pid_t ThreadNamed(pid_t pid, const std::string& name) {
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"))) {
    std::string comm;
    std::ifstream(task.path() / "comm") >> comm;
    int tid = 0;
    if (comm == name && absl::SimpleAtoi(task.path().filename().string(), &tid)) return tid;
  }
  return 0;
}

class NotifyProtocol : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> command) {
    cli::ChildOptions options;
    options.command = std::move(command);
    options.environment = {{"NOTIFY_SOCKET", manager_.path()},
                           {"WATCHDOG_USEC", absl::StrCat(absl::ToInt64Microseconds(kWatchdog))}};
    options.output_path = manager_.directory() + "/log";
    auto child = cli::ChildProcess::Spawn(options);
    ASSERT_TRUE(child.ok()) << child.status();
    daemon_ = *std::move(child);
  }
  // Watches the test's own namespace, and scans so seldom that only the watchdog makes it turn.
  void StartAgent(std::vector<std::string> more = {}) {
    struct stat netns = {};
    ASSERT_EQ(stat("/proc/self/ns/net", &netns), 0);
    std::vector<std::string> command = {TCPMEDIC_BIN_DIR "/tcpmedic-agent",
                                        "--config=/dev/null",
                                        "--metrics=off",
                                        "--interval=60s",
                                        absl::StrCat("--only-netns=", netns.st_ino),
                                        "--controller=unix:" + manager_.directory() + "/none",
                                        "--state-dir=" + State()};
    command.insert(command.end(), more.begin(), more.end());
    Start(std::move(command));
  }
  void StartController(const std::string& policies = TCPMEDIC_SOURCE_DIR "/policies") {
    Start({TCPMEDIC_BIN_DIR "/tcpmedic-controller", "--config=/dev/null",
           "--runtime-dir=" + Runtime(), "--state-dir=" + State(), "--policies=" + policies});
  }
  std::string State() const { return manager_.directory() + "/state"; }
  std::string Runtime() const { return manager_.directory() + "/run"; }

  // Of the service manager's view: it would kill what is silent for as long as this.
  bool StaysSilent() { return !manager_.Receive(2 * kWatchdog).has_value(); }
  bool Pings(int times) {
    for (int i = 0; i < times; ++i) {
      if (!manager_.ReceiveWith("WATCHDOG=1", kWatchdog)) return false;
    }
    return true;
  }
  std::string Log() const {
    std::ifstream in(manager_.directory() + "/log");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  test::NotifySocket manager_;
  std::optional<cli::ChildProcess> daemon_;
};

TEST_F(NotifyProtocol, AnAgentIsReadyWhenItHasLookedAtTheHost) {
  StartAgent();
  const auto first = manager_.Receive(kPatience);
  ASSERT_TRUE(first.has_value()) << Log();
  EXPECT_THAT(*first, HasSubstr("READY=1\n"));
  // Before the first scan there would be none.
  EXPECT_THAT(*first, HasSubstr("STATUS=1 network namespace watched, 0 findings"));
}

TEST_F(NotifyProtocol, AnAgentThatCannotChangeAnythingIsReadyAndSaysSo) {
  std::filesystem::create_directory(State());
  std::filesystem::permissions(State(), std::filesystem::perms::all);
  StartAgent();
  const auto first = manager_.Receive(kPatience);
  ASSERT_TRUE(first.has_value()) << Log();
  EXPECT_THAT(*first, HasSubstr("READY=1\n"));
  EXPECT_THAT(*first, HasSubstr("the agent only observes"));
}

TEST_F(NotifyProtocol, AnAgentWithMistakesInItsSettingsIsNeverReady) {
  StartAgent({"--cpu-budget=400%"});
  const auto exit = daemon_->Wait(kPatience);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 2);  // the unit's RestartPreventExitStatus=
  EXPECT_FALSE(manager_.Receive(absl::ZeroDuration()).has_value());
}

TEST_F(NotifyProtocol, AnAgentsPingsComeBetweenScansAndStopWithTheScanThread) {
  StartAgent();
  ASSERT_TRUE(manager_.ReceiveWith("READY=1", kPatience).has_value()) << Log();
  EXPECT_TRUE(Pings(4));  // although the next scan is a minute away
  const pid_t scan = ThreadNamed(daemon_->pid(), "scan");
  ASSERT_GT(scan, 0);
  {
    const StoppedThread stalled(scan);
    manager_.Drain();
    EXPECT_TRUE(StaysSilent());
    // The process itself is well.
    EXPECT_FALSE(daemon_->Wait(absl::ZeroDuration()).has_value());
  }
  EXPECT_TRUE(Pings(1));
}

TEST_F(NotifyProtocol, AStoppingAgentSaysSoFirstAndFallsSilent) {
  StartAgent();
  ASSERT_TRUE(manager_.ReceiveWith("READY=1", kPatience).has_value()) << Log();
  kill(daemon_->pid(), SIGTERM);
  ASSERT_TRUE(manager_.ReceiveWith("STOPPING=1", kPatience).has_value());
  const auto exit = daemon_->Wait(kPatience);
  ASSERT_TRUE(exit.has_value());
  EXPECT_TRUE(exit->ok()) << exit->ToString();
  EXPECT_FALSE(manager_.Receive(absl::ZeroDuration()).has_value());
}

TEST_F(NotifyProtocol, AnAgentThatIsRestartedLeavesThatMarkForExecStopPost) {
  StartAgent();
  ASSERT_TRUE(manager_.ReceiveWith("READY=1", kPatience).has_value()) << Log();
  kill(daemon_->pid(), SIGUSR2);  // the unit's RestartKillSignal=
  ASSERT_TRUE(manager_.ReceiveWith("STOPPING=1", kPatience).has_value());
  const auto exit = daemon_->Wait(kPatience);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->ToString(), "exit code 3");  // the unit's SuccessExitStatus=
}

TEST_F(NotifyProtocol, AControllerIsReadyWhenBothSocketsAnswer) {
  StartController();
  const auto first = manager_.Receive(kPatience);
  const int agents = cli::ConnectErrno(AgentsSocket(Runtime()));
  const int operators = cli::ConnectErrno(OperatorsSocket(Runtime()));
  ASSERT_TRUE(first.has_value()) << Log();
  EXPECT_THAT(*first, HasSubstr("READY=1\n"));
  EXPECT_THAT(*first, HasSubstr("STATUS=serving agents and operators; policies digest:"));
  EXPECT_EQ(agents, 0) << strerrordesc_np(agents);
  EXPECT_EQ(operators, 0) << strerrordesc_np(operators);
  EXPECT_TRUE(std::filesystem::exists(State() + "/controller.db"));
}

TEST_F(NotifyProtocol, AControllerWithoutPoliciesIsNeverReady) {
  StartController(manager_.directory() + "/none");
  const auto exit = daemon_->Wait(kPatience);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 1);
  EXPECT_FALSE(manager_.Receive(absl::ZeroDuration()).has_value());
}

TEST_F(NotifyProtocol, AControllersPingsStopWithItsLoopAlthoughItsSocketsStillAnswer) {
  StartController();
  ASSERT_TRUE(manager_.ReceiveWith("READY=1", kPatience).has_value()) << Log();
  EXPECT_TRUE(Pings(2));
  {
    const StoppedThread stalled(daemon_->pid());
    manager_.Drain();
    EXPECT_TRUE(StaysSilent());
    EXPECT_EQ(cli::ConnectErrno(OperatorsSocket(Runtime())), 0);
  }
  EXPECT_TRUE(Pings(1));
  kill(daemon_->pid(), SIGTERM);
  EXPECT_TRUE(manager_.ReceiveWith("STOPPING=1", kPatience).has_value());
  const auto exit = daemon_->Wait(kPatience);
  ASSERT_TRUE(exit.has_value());
  EXPECT_TRUE(exit->ok()) << exit->ToString();
}

}  // namespace
}  // namespace tcpmedic
