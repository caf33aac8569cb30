// What `cmake --install` puts on a host: the units, judged by systemd's own tools, and the programs
// run from where they were installed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <re2/re2.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "agent/host_facts.h"
#include "cli/process.h"
#include "core/sysctl_catalogue.h"
#include "tests/daemon/notify_socket.h"
#include "tests/integration/programs.h"

namespace tcpmedic {
namespace {

using test::Output;
using test::RunShell;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(20);
const std::vector<std::string> kUnits = {"tcpmedic-agent.service", "tcpmedic-agent-undo.service",
                                         "tcpmedic-controller.service"};

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class InstalledTree : public ::testing::Test {
 protected:
  // Once as a package is made, and once to be used where it is.
  static void SetUpTestSuite() {
    directory_ = new test::TempDir();
    const std::string install = TCPMEDIC_CMAKE " --install " TCPMEDIC_BUILD_DIR " --prefix ";
    const Output package = RunShell("DESTDIR=" + Staged() + " " + install + "/usr");
    const Output local = RunShell(install + Prefix());
    ASSERT_EQ(package.exit_code, 0) << package.err;
    ASSERT_EQ(local.exit_code, 0) << local.err;
  }
  static void TearDownTestSuite() {
    delete directory_;
    directory_ = nullptr;
  }

  static std::string Staged() { return directory_->path() + "/staged"; }
  static std::string Prefix() { return directory_->path() + "/prefix"; }
  static std::string UnitPath(const std::string& unit) {
    return Prefix() + "/lib/systemd/system/" + unit;
  }
  // Every value of a unit's key, in order.
  static std::vector<std::string> Values(const std::string& unit, const std::string& key) {
    std::vector<std::string> values;
    for (const absl::string_view line : absl::StrSplit(ReadAll(UnitPath(unit)), '\n')) {
      if (absl::StartsWith(line, key + "=")) values.emplace_back(line.substr(key.size() + 1));
    }
    return values;
  }
  // The unit's ExecStopPost=, after an agent that ended so. A shell's quoting is systemd's here but
  // for $$.
  static Output StopPost(const std::string& result, const std::string& status,
                         const std::string& state) {
    const std::vector<std::string> lines = Values("tcpmedic-agent.service", "ExecStopPost");
    EXPECT_EQ(lines.size(), 1u);
    return RunShell(absl::StrCat("export SERVICE_RESULT=", result, " EXIT_STATUS=", status,
                                 " STATE_DIRECTORY=", state, "; ",
                                 absl::StrReplaceAll(lines.at(0), {{"$$", "$"}})));
  }

 private:
  static inline test::TempDir* directory_ = nullptr;
};

TEST_F(InstalledTree, EveryPathThatAUnitNamesIsThere) {
  for (const std::string& unit : kUnits) {
    const std::string text = ReadAll(Staged() + "/usr/lib/systemd/system/" + unit);
    ASSERT_FALSE(text.empty()) << unit;
    re2::StringPiece rest(text);
    std::string path;
    int paths = 0;
    for (; RE2::FindAndConsume(&rest, "(/usr/[A-Za-z0-9_./-]+)", &path); ++paths) {
      EXPECT_TRUE(std::filesystem::exists(Staged() + path)) << unit << ": " << path;
    }
    EXPECT_GE(paths, 2) << unit;
    // "@system-service" is systemd's; "@BINDIR@" would be ours, forgotten.
    EXPECT_FALSE(RE2::PartialMatch(text, "@[A-Z_]+@")) << unit;
    EXPECT_THAT(text, Not(HasSubstr(Staged()))) << unit;
  }
}

TEST_F(InstalledTree, NothingIsInstalledOutsideThePrefix) {
  std::vector<std::string> roots;
  for (const auto& entry : std::filesystem::directory_iterator(Staged())) {
    roots.push_back(entry.path().filename());
  }
  EXPECT_THAT(roots, ::testing::ElementsAre("usr"));
}

TEST_F(InstalledTree, SystemdFindsNoMistakeInTheUnits) {
  for (const std::string& unit : kUnits) {
    const Output verified = RunShell("systemd-analyze verify " + UnitPath(unit));
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
    std::vector<std::string> ours;
    for (const absl::string_view line : absl::StrSplit(verified.out + verified.err, '\n')) {
      if (absl::StrContains(line, "tcpmedic")) ours.emplace_back(line);
    }
    EXPECT_THAT(ours, IsEmpty());
  }
}

// In tenths: 0 is a program that can do nothing, 100 one that can do everything.
TEST_F(InstalledTree, UnitsAreNotMoreExposedThanTheyMustBe) {
  const std::map<std::string, std::string> most = {{"tcpmedic-agent.service", "32"},
                                                   {"tcpmedic-agent-undo.service", "32"},
                                                   {"tcpmedic-controller.service", "15"}};
  for (const auto& [unit, tenths] : most) {
    const Output judged =
        RunShell(absl::StrCat("systemd-analyze security --offline=true --threshold=", tenths,
                              " --no-pager ", UnitPath(unit)));
    EXPECT_EQ(judged.exit_code, 0) << judged.out << judged.err;
  }
}

TEST_F(InstalledTree, TheAgentIsGivenWhatItNeeds) {
  const std::map<std::string, int> known = {{"CAP_NET_ADMIN", CAP_NET_ADMIN},
                                            {"CAP_SYS_PTRACE", CAP_SYS_PTRACE},
                                            {"CAP_SYS_ADMIN", CAP_SYS_ADMIN},
                                            {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH}};
  for (const char* unit : {"tcpmedic-agent.service", "tcpmedic-agent-undo.service"}) {
    uint64_t granted = 0;
    for (const std::string& name : std::vector<std::string>(
             absl::StrSplit(Values(unit, "CapabilityBoundingSet").at(0), ' '))) {
      granted |= uint64_t{1} << known.at(name);
    }
    EXPECT_THAT(BlindSpots(granted), IsEmpty());
    const std::vector<std::string> writable = Values(unit, "ReadWritePaths");
    for (const SysctlEntry& sysctl : SysctlCatalogue()) {
      EXPECT_THAT(writable, Contains(::testing::Truly([&](const std::string& path) {
                    return absl::StartsWith("/proc/sys/" + SysctlPath(sysctl.name), path + "/");
                  })))
          << sysctl.name;
    }
  }
}

TEST_F(InstalledTree, AStoppedAgentsChangesAreUndoneAndARestartedOnesAreNot) {
  const test::TempDir state;
  for (const char* status : {"0", "TERM"}) {
    const Output stopped = StopPost("success", status, state.path());
    EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
    EXPECT_THAT(stopped.out, HasSubstr("nothing to undo: there is no journal in " + state.path()));
  }
  for (const auto& [result, status] : std::vector<std::pair<std::string, std::string>>{
           {"success", "3"},      // RestartKillSignal=
           {"success", "USR2"},   // the same, before it was listened to
           {"watchdog", "ABRT"},  // Restart=
           {"exit-code", "1"},
           {"signal", "SEGV"}}) {
    const Output kept = StopPost(result, status, state.path());
    EXPECT_EQ(kept.exit_code, 0) << kept.err;
    EXPECT_EQ(kept.out, "") << result << " " << status;
  }
  EXPECT_THAT(Values("tcpmedic-agent.service", "SuccessExitStatus"), Contains("3 SIGUSR2"));
  EXPECT_THAT(Values("tcpmedic-agent.service", "RestartForceExitStatus"), Contains("3 SIGUSR2"));
  EXPECT_THAT(Values("tcpmedic-agent.service", "RestartKillSignal"), Contains("SIGUSR2"));
}

TEST_F(InstalledTree, AnUndoThatFailsIsSeenToFail) {
  const test::TempDir state;
  std::ofstream(state.path() + "/journal") << "";
  // Anyone may have written it.
  std::filesystem::permissions(state.path(), std::filesystem::perms::all);
  EXPECT_EQ(StopPost("success", "0", state.path()).exit_code, 1);
}

// The example, with everything that it only mentions in force.
std::string SpelledOut(const std::string& example) {
  std::string text = ReadAll(example);
  RE2::GlobalReplace(&text, "(?m)^# ([a-z_]+: |  )", "\\1");
  return text;
}

TEST_F(InstalledTree, TheAgentTakesTheExampleAndEverythingThatItMentions) {
  const test::TempDir state;
  const std::string example = Prefix() + "/share/doc/tcpmedic/examples/agent.yaml";
  const std::string spelled_out = state.path() + "/agent.yaml";
  std::ofstream(spelled_out) << SpelledOut(example);
  for (const std::string& config : {example, spelled_out}) {
    const Output taken = RunShell(absl::StrCat(Prefix(), "/bin/tcpmedic-agent --undo --config ",
                                               config, " --state-dir ", state.path()));
    EXPECT_EQ(taken.exit_code, 0) << config << taken.err;
  }
  EXPECT_THAT(ReadAll(spelled_out), HasSubstr("\ncpu_budget: "));
}

TEST_F(InstalledTree, TheControllerStartsOnTheInstalledPoliciesAndTheExample) {
  test::NotifySocket manager;
  const std::string example = Prefix() + "/share/doc/tcpmedic/examples/controller.yaml";
  const std::string spelled_out = manager.directory() + "/controller.yaml";
  std::string text = SpelledOut(example);
  RE2::GlobalReplace(&text, "(?m)^policies: .*", "");
  std::ofstream(spelled_out) << text;
  ASSERT_THAT(text, HasSubstr("\n  db1: "));
  ASSERT_THAT(text, HasSubstr("\n  - name: oncall"));

  cli::ChildOptions options;
  options.command = {Prefix() + "/bin/tcpmedic-controller", "--config", spelled_out,
                     "--runtime-dir=" + manager.directory() + "/run",
                     "--state-dir=" + manager.directory() + "/state"};
  options.environment = {{"NOTIFY_SOCKET", manager.path()}};
  options.output_path = manager.directory() + "/log";
  auto controller = cli::ChildProcess::Spawn(options);
  ASSERT_TRUE(controller.ok()) << controller.status();
  EXPECT_TRUE(manager.ReceiveWith("READY=1", kPatience).has_value())
      << ReadAll(options.output_path);
  EXPECT_THAT(ReadAll(options.output_path), HasSubstr(Prefix() + "/share/tcpmedic/policies"));
}

}  // namespace
}  // namespace tcpmedic
