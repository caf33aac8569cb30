// The lossy-path drill, run as a user runs it: the real kernel, the real daemons, the shipped
// policy files. What it says is held against what the receiving program counted, and the machine is
// looked at from outside before and after.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Output Drill(const std::string& arguments) {
  return RunShell(
      absl::StrCat(Program("tcpmedic"), " drill lossy-path --observe -o json ", arguments));
}

Output Repair(const std::string& arguments) {
  return RunShell(
      absl::StrCat(Program("tcpmedic"), " drill lossy-path --approve -o json ", arguments));
}

void ExpectProposed(const Output& output) {
  const nlohmann::json json = output.Json();
  ASSERT_FALSE(json.is_discarded()) << output.out << output.err;
  SCOPED_TRACE(json.dump(2));
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_EQ(json["drill"], "lossy-path");
  EXPECT_EQ(json["as_expected"], true);
  EXPECT_EQ(json["outcome"], "proposed");
  EXPECT_EQ(json["signature"], "pinned-cwnd");
  EXPECT_EQ(json["confidence"], "certain");
  EXPECT_EQ(json["proposal"]["action"], "set_congestion_control");
  EXPECT_EQ(json["proposal"]["algorithm"], "bbr");
  EXPECT_EQ(json["before"]["congestion_control"], "cubic");
  ASSERT_TRUE(json["seconds"]["fault_to_finding"].is_number());
  EXPECT_LE(json["seconds"]["fault_to_finding"].get<double>(), 15.0);
  EXPECT_THAT(json["left_behind"], IsEmpty());
}

// The agent's goodput in `window` and what the receiving program counted in the same window.
void ExpectAgreement(const Output& output, const char* window, const char* counted) {
  const nlohmann::json json = output.Json();
  ASSERT_TRUE(json[window]["goodput_bps"].is_number()) << output.out;
  ASSERT_TRUE(json["receiver"][counted].is_number()) << output.out;
  const double agent = json[window]["goodput_bps"];
  const double receiver = json["receiver"][counted];
  EXPECT_LE(std::abs(agent / receiver - 1), 0.05) << agent << " against " << receiver;
}

class LossyPathDrill : public ::testing::Test {
 protected:
  void TearDown() override {
    const Machine after = LookAtMachine();
    EXPECT_EQ(Added(before_, after), "");
  }
  const Machine before_ = LookAtMachine();
};

TEST_F(LossyPathDrill, IsFoundMeasuredAndProposed) {
  const Output output = Drill("--seed 1");
  ExpectProposed(output);
  ExpectAgreement(output, "before", "goodput_bps");
}

TEST_F(LossyPathDrill, IsRepairedAndVerifiedOverIpv6) {
  const Output output = Repair("--ipv6 --seed 2");
  const nlohmann::json json = output.Json();
  ASSERT_FALSE(json.is_discarded()) << output.out << output.err;
  SCOPED_TRACE(json.dump(2));
  EXPECT_EQ(output.exit_code, 0);
  ASSERT_EQ(json["outcome"], "verified");
  EXPECT_EQ(json["after"]["congestion_control"], "bbr");
  EXPECT_GE(json["after"]["goodput_bps"].get<double>(), 50e6);
  EXPECT_GE(json["after"]["goodput_bps"].get<double>(),
            25 * json["before"]["goodput_bps"].get<double>());
  EXPECT_LE(json["seconds"]["approval_to_applied"].get<double>(), 0.2);
  ExpectAgreement(output, "before", "goodput_bps");
  ExpectAgreement(output, "after", "after_goodput_bps");
  ASSERT_EQ(json["live_sockets"].size(), 1u);
  EXPECT_EQ(json["live_sockets"][0]["congestion_control"], "bbr");
  EXPECT_EQ(json["live_sockets"][0]["cookie"], json["targets"][0]["socket"]["cookie"]);
}

TEST_F(LossyPathDrill, IsTakenBackWhereItDoesNotHelp) {
  const Output output = Repair("--to reno");
  const nlohmann::json json = output.Json();
  ASSERT_FALSE(json.is_discarded()) << output.out << output.err;
  SCOPED_TRACE(json.dump(2));
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_EQ(json["outcome"], "rolled_back");
  EXPECT_EQ(json["targets"][0]["state"], "undone");
  ASSERT_EQ(json["live_sockets"].size(), 1u);
  EXPECT_EQ(json["live_sockets"][0]["congestion_control"], "cubic");
}

TEST_F(LossyPathDrill, KeepsOneOfEightFlowsBackUntilTheOthersAreVerified) {
  const Output output = Repair("--flows 8");
  const nlohmann::json json = output.Json();
  ASSERT_FALSE(json.is_discarded()) << output.out << output.err;
  SCOPED_TRACE(json.dump(2));
  ASSERT_EQ(json["outcome"], "verified");
  EXPECT_GE(json["after"]["goodput_bps"].get<double>(),
            6 * json["before"]["goodput_bps"].get<double>());
  ASSERT_EQ(json["targets"].size(), 8u);
  int held_back = 0;
  for (const nlohmann::json& target : json["targets"]) {
    held_back += target["held_back"] == true ? 1 : 0;
    EXPECT_EQ(target["state"], "applied");
  }
  EXPECT_EQ(held_back, 1);
  ASSERT_EQ(json["live_sockets"].size(), 8u);
  for (const nlohmann::json& socket : json["live_sockets"]) {
    EXPECT_EQ(socket["congestion_control"], "bbr");
  }
}

TEST_F(LossyPathDrill, NamesTheUsersOwnProgram) {
  const Output output =
      Drill("--server 'iperf3 -s -1 -p $PORT' --client 'iperf3 -c $ADDR -p $PORT -C cubic -t 40'");
  ExpectProposed(output);
  const nlohmann::json processes = output.Json()["processes"];
  ASSERT_EQ(processes.size(), 1u) << processes.dump();
  EXPECT_EQ(processes[0]["comm"], "iperf3");
  EXPECT_THAT(processes[0]["cmdline"].get<std::string>(), HasSubstr("-C cubic -t 40"));
}

TEST_F(LossyPathDrill, FindsNothingOnACleanPathAndSaysWhy) {
  const Output output = Drill("--loss 0%");
  const nlohmann::json json = output.Json();
  ASSERT_FALSE(json.is_discarded()) << output.out << output.err;
  EXPECT_EQ(output.exit_code, 0) << json.dump(2);
  EXPECT_EQ(json["outcome"], "not_detected");
  EXPECT_THAT(json["why_not"].get<std::string>(), HasSubstr("socket.")) << json.dump(2);
}

// Each must be ruled out by what it is, not by chance.
struct LookAlikeCase {
  const char* name;
  const char* ruled_out_by;  // part of why_not
};

// All at once, each in a network of its own: drills must not disturb each other either.
void ExpectSilence(const std::vector<LookAlikeCase>& cases) {
  std::vector<std::future<Output>> outputs;
  for (const LookAlikeCase& look_alike : cases) {
    outputs.push_back(
        std::async(std::launch::async, Drill, absl::StrCat("--look-alike ", look_alike.name)));
  }
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].name);
    const Output output = outputs[i].get();
    const nlohmann::json json = output.Json();
    if (json.is_discarded()) {
      ADD_FAILURE() << output.out << output.err;
      continue;
    }
    EXPECT_EQ(output.exit_code, 0) << json.dump(2);
    EXPECT_EQ(json["outcome"], "not_detected");
    EXPECT_THAT(json["why_not"].get<std::string>(), HasSubstr(cases[i].ruled_out_by));
  }
}

TEST_F(LossyPathDrill, StaysSilentForWhatHardlyLoadsThePathAndSaysWhy) {
  ExpectSilence({{"application-limited", "application-limited"},
                 {"receiver-limited", "receiver-limited"},
                 // The kernel counts sndbuf_limited only for a write that blocks halfway, and says
                 // app_limited for this program; policies/cases has the other.
                 {"send-buffer-limited", "application-limited"},
                 {"short-transfers", "socket.data_segments >= 200"},
                 {"reordering", "reordering"},
                 {"own-queue", "own-queue"}});
}

TEST_F(LossyPathDrill, StaysSilentOnAShortPathAndSaysWhy) {
  ExpectSilence({{"short-path", "socket.path_rtt >= duration(\"40ms\")"}});
}

TEST_F(LossyPathDrill, StaysSilentWhereBbrRunsAlreadyAndSaysWhy) {
  ExpectSilence({{"bbr", "socket.cc == \"cubic\""}});
}

TEST_F(LossyPathDrill, StaysSilentAfterASlowStartThatOverflowsTheQueueAndSaysWhy) {
  ExpectSilence({{"slow-start", "socket."}});
}

TEST_F(LossyPathDrill, LeavesNothingBehindWhenKilledInTheMiddle) {
  absl::StatusOr<cli::ChildProcess> drill = cli::ChildProcess::Spawn(
      {.command = {Program("tcpmedic"), "drill", "lossy-path", "--observe", "-o", "json"},
       .environment = {},
       .output_path = "/dev/null"});
  ASSERT_TRUE(drill.ok()) << drill.status();
  absl::SleepFor(absl::Seconds(6));
  ASSERT_NE(Added(before_, LookAtMachine()), "") << "the drill was not under way yet";
  kill(drill->pid(), SIGKILL);
  drill->Wait(absl::Seconds(5));
  const absl::Time deadline = absl::Now() + absl::Seconds(5);
  while (absl::Now() < deadline && Added(before_, LookAtMachine()) != "") {
    absl::SleepFor(absl::Milliseconds(50));
  }
}

TEST_F(LossyPathDrill, SaysWhatIsWrongWithItsFlags) {
  struct Case {
    const char* arguments;
    const char* message;
  };
  for (const Case& c :
       {Case{"--loss banana", "--loss"}, Case{"--rtt 148", "--rtt"},
        Case{"--server 'nc -l'", "--client"}, Case{"--look-alike ghost", "reordering"},
        Case{"--expect miracle", "not_detected"}, Case{"--wat", "--wat"}}) {
    const Output output = Drill(c.arguments);
    EXPECT_EQ(output.exit_code, 2) << c.arguments << output.err;
    EXPECT_THAT(output.err, HasSubstr(c.message)) << c.arguments;
    EXPECT_THAT(output.out, Not(HasSubstr("{"))) << c.arguments;
  }
}

TEST_F(LossyPathDrill, SaysWhyTheUsersServerDidNotStart) {
  const Output output = Drill("--server 'echo no such thing; exit 3' --client true");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.err, HasSubstr("no such thing"));
}

}  // namespace
}  // namespace tcpmedic::test
