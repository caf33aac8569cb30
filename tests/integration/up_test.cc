// `tcpmedic up` on this machine with nothing configured but its directories, beside a lab whose
// transfer its agent sees as it would a container's.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "lab/lab.h"
#include "tests/integration/daemons.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The child of `parent` that runs `comm`; 0 where there is none.
pid_t ChildNamed(pid_t parent, const std::string& comm) {
  std::ifstream children(absl::StrCat("/proc/", parent, "/task/", parent, "/children"));
  for (pid_t pid; children >> pid;) {
    std::string name;
    std::ifstream in(absl::StrCat("/proc/", pid, "/comm"));
    std::getline(in, name);
    if (name == comm.substr(0, 15)) return pid;
  }
  return 0;
}

// The incidents in this namespace: up's agent watches the whole machine, other tests' labs
// included.
nlohmann::json IncidentsIn(uint64_t netns_inode, const nlohmann::json& answer) {
  nlohmann::json incidents = nlohmann::json::array();
  if (!answer.contains("incidents")) return incidents;
  for (const nlohmann::json& incident : answer["incidents"]) {
    if (incident["finding"]["netns"]["inode"] == netns_inode) incidents.push_back(incident);
  }
  return incidents;
}

class Up : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<cli::ChildProcess> up =
        cli::ChildProcess::Spawn({.command = {Program("tcpmedic"), "up", "--runtime-dir", run_dir(),
                                              "--state-dir", dir_.path() + "/state"},
                                  .environment = {},
                                  .output_path = dir_.path() + "/up.log"});
    ASSERT_TRUE(up.ok()) << up.status();
    up_.emplace(*std::move(up));
    ASSERT_TRUE(Eventually(absl::Seconds(15), [&] { return Connected(); }));
  }
  void TearDown() override {
    if (up_) up_->Terminate(absl::Seconds(10));
  }

  std::string run_dir() const { return dir_.path() + "/run"; }
  Output Ask(const std::string& arguments) {
    return RunShell(absl::StrCat(Program("tcpmedic"), " --controller unix:", run_dir(),
                                 "/operators.sock ", arguments),
                    absl::Seconds(20));
  }
  bool Connected() {
    const nlohmann::json json = Ask("hosts -o json").Json();
    return !json.is_discarded() && json.contains("hosts") && json["hosts"].size() == 1 &&
           json["hosts"][0]["connected"] == true && !json["hosts"][0]["last_report_at"].is_null();
  }

  TempDir dir_;
  std::optional<cli::ChildProcess> up_;
};

TEST_F(Up, AnswersWithNothingConfigured) {
  EXPECT_EQ(Ask("hosts").exit_code, 0);
  const Output incidents = Ask("incidents");
  EXPECT_EQ(incidents.exit_code, 0) << incidents.err;
  const Output missing = Ask("show i-nosuch");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("tcpmedic incidents"));
  EXPECT_EQ(Ask("watch --for 1s -o json").exit_code, 0);
}

TEST_F(Up, KeepsItsIncidentsWhenTheControllerIsKilled) {
  absl::StatusOr<std::unique_ptr<lab::Lab>> lab =
      lab::Lab::Start({.path = {}, .ipv6 = false, .lab_binary = Program("tcpmedic-lab")});
  ASSERT_TRUE(lab.ok()) << lab.status();
  ASSERT_TRUE((*lab)->RunTransfer({}).ok());

  nlohmann::json found;
  ASSERT_TRUE(Eventually(absl::Seconds(25), [&] {
    found = Ask("incidents -o json").Json();
    return IncidentsIn((*lab)->client().netns_inode, found).size() == 1;
  })) << found.dump(2);
  const std::string id = IncidentsIn((*lab)->client().netns_inode, found)[0]["id"];
  const Output shown = Ask("show " + id);
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr("tcpmedic-lab"));

  const pid_t controller = ChildNamed(up_->pid(), "tcpmedic-controller");
  ASSERT_GT(controller, 0);
  kill(controller, SIGKILL);
  ASSERT_TRUE(Eventually(absl::Seconds(20), [&] {
    const pid_t now = ChildNamed(up_->pid(), "tcpmedic-controller");
    return now != 0 && now != controller && Connected();
  }));

  const nlohmann::json all = Ask("incidents --all -o json").Json();
  const nlohmann::json after = IncidentsIn((*lab)->client().netns_inode, all);
  ASSERT_EQ(after.size(), 1u) << all.dump(2);
  EXPECT_EQ(after[0]["id"], id);
  EXPECT_EQ(after[0]["state"], "open");
  EXPECT_EQ(after[0]["proposals"].size(), 1u);

  EXPECT_EQ(Ask("reject " + id + " --reason 'known bad link'").exit_code, 0);
  const nlohmann::json rejected = Ask("show " + id + " -o json").Json();
  EXPECT_EQ(rejected["outcome"], "rejected");
}

TEST_F(Up, RefusesASecondOneInTheSameDirectory) {
  const Output second = RunShell(absl::StrCat(Program("tcpmedic"), " up --runtime-dir ", run_dir(),
                                              " --state-dir ", dir_.path(), "/state"),
                                 absl::Seconds(15));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr(run_dir()));
}

}  // namespace
}  // namespace tcpmedic::test
