// The daemons as the users that the units make them, with the capabilities that the units leave
// them: whether they reach each other, and who else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/process.h"
#include "core/default_paths.h"
#include "tests/daemon/notify_socket.h"
#include "tests/integration/programs.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr char kOther[] = "65534";  // nobody; any user but root will do

// As setpriv(1) takes the agent's CapabilityBoundingSet=.
std::string BoundingSet() {
  std::ifstream in(TCPMEDIC_SOURCE_DIR "/deploy/systemd/agent-sandbox.conf.in");
  std::string set = "-all";
  for (std::string line; std::getline(in, line);) {
    absl::string_view names = line;
    if (!absl::ConsumePrefix(&names, "CapabilityBoundingSet=")) continue;
    for (absl::string_view name : absl::StrSplit(names, ' ')) {
      absl::ConsumePrefix(&name, "CAP_");
      absl::StrAppend(&set, ",+", absl::AsciiStrToLower(name));
    }
  }
  return set;
}

std::vector<std::string> As(const std::string& user, const std::string& bounding_set,
                            std::vector<std::string> command) {
  std::vector<std::string> words = {"setpriv",         "--reuid=" + user,
                                    "--regid=" + user, "--clear-groups",
                                    "--inh-caps=-all", "--bounding-set=" + bounding_set,
                                    "--no-new-privs"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

class ServiceUsers : public ::testing::Test {
 protected:
  void SetUp() override {
    // Made by the service manager: RuntimeDirectory= and StateDirectory=.
    std::filesystem::permissions(manager_.directory(), std::filesystem::perms(0755));
    for (const std::string& directory : {Runtime(), State()}) {
      ASSERT_EQ(mkdir(directory.c_str(), 0700), 0);
      ASSERT_EQ(chown(directory.c_str(), 65534, 65534), 0);
    }
    controller_.emplace(Spawn(As(kOther, "-all",
                                 {TCPMEDIC_BIN_DIR "/tcpmedic-controller", "--config=/dev/null",
                                  "--runtime-dir=" + Runtime(), "--state-dir=" + State(),
                                  "--policies=" TCPMEDIC_SOURCE_DIR "/policies"}),
                              /*environment=*/{}));
    const absl::Time until = absl::Now() + kPatience;
    while (!std::filesystem::exists(OperatorsSocket(Runtime())) && absl::Now() < until) {
      absl::SleepFor(absl::Milliseconds(20));
    }
  }
  cli::ChildProcess Spawn(std::vector<std::string> command,
                          std::vector<std::pair<std::string, std::string>> environment) {
    cli::ChildOptions options;
    options.command = std::move(command);
    options.environment = std::move(environment);
    options.output_path = manager_.directory() + "/log";
    auto child = cli::ChildProcess::Spawn(options);
    EXPECT_TRUE(child.ok()) << child.status();
    return *std::move(child);
  }
  // Whether an agent of this user finds its controller; what it says of itself is in `status_`.
  bool AgentConnects(const std::string& user, const std::string& bounding_set) {
    struct stat netns = {};
    stat("/proc/self/ns/net", &netns);
    const cli::ChildProcess agent =
        Spawn(As(user, bounding_set,
                 {TCPMEDIC_BIN_DIR "/tcpmedic-agent", "--config=/dev/null", "--metrics=off",
                  absl::StrCat("--only-netns=", netns.st_ino),
                  "--controller=unix:" + AgentsSocket(Runtime()),
                  "--state-dir=" + manager_.directory() + "/agent"}),
              {{"NOTIFY_SOCKET", manager_.path()}});
    const absl::Time until = absl::Now() + absl::Seconds(5);
    while (const auto message = manager_.Receive(until - absl::Now())) {
      status_ = *message;
      if (absl::StrContains(status_, "STATUS=") && !absl::StrContains(status_, "no controller")) {
        return true;
      }
    }
    return false;
  }
  std::string Runtime() const { return manager_.directory() + "/run"; }
  std::string State() const { return manager_.directory() + "/state"; }
  std::string Log() const {
    std::ifstream in(manager_.directory() + "/log");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  test::NotifySocket manager_;
  std::optional<cli::ChildProcess> controller_;
  std::string status_;
};

TEST_F(ServiceUsers, TheAgentReachesAControllerOfAnotherUserWithTheCapabilitiesOfItsUnit) {
  EXPECT_TRUE(AgentConnects("0", BoundingSet())) << status_ << Log();
  EXPECT_THAT(status_, ::testing::Not(::testing::HasSubstr("CAP_")));
}

TEST_F(ServiceUsers, RootWithoutCapabilitiesAndOtherUsersDoNot) {
  EXPECT_FALSE(AgentConnects("0", "-all"));
  chmod(manager_.path().c_str(), 0777);  // they may tell the test
  EXPECT_FALSE(AgentConnects("65533", "-all"));
  EXPECT_THAT(status_, ::testing::HasSubstr("no controller")) << Log();
}

TEST_F(ServiceUsers, AnOperatorIsRoot) {
  const std::string ask = absl::StrCat(test::Program("tcpmedic"),
                                       " --controller unix:", OperatorsSocket(Runtime()), " hosts");
  EXPECT_EQ(test::RunShell(ask).exit_code, 0);
  EXPECT_NE(test::RunShell("setpriv --reuid=65533 --clear-groups " + ask).exit_code, 0);
}

}  // namespace
}  // namespace tcpmedic
