// The close-wait-leak drill, run as a user runs it: the real kernel, the real daemons, the shipped
// policy files, and servers in three languages that do not close what their clients have closed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/daemons.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

std::future<Output> Drill(const std::string& arguments) {
  return std::async(std::launch::async, [arguments] {
    return RunShell(absl::StrCat(Program("tcpmedic"), " drill close-wait-leak -o json ", arguments),
                    absl::Seconds(180));
  });
}

nlohmann::json JsonOf(std::future<Output>& drill) {
  const Output output = drill.get();
  EXPECT_EQ(output.exit_code, 0) << output.out << output.err;
  nlohmann::json json = output.Json();
  if (json.is_discarded()) return nlohmann::json::object();
  EXPECT_EQ(json["as_expected"], true) << json.dump(2);
  EXPECT_THAT(json["left_behind"], IsEmpty());
  return json;
}

// The process that runs `script`, as its first argument, from when it is there; 0: it never was.
int PidRunning(const std::string& script) {
  int found = 0;
  Eventually(absl::Seconds(20), [&] {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      int pid = 0;
      if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
      std::ifstream in(entry.path() / "cmdline");
      std::string program, argument;
      std::getline(in, program, '\0');
      std::getline(in, argument, '\0');
      if (argument == script) found = pid;
    }
    return found != 0;
  });
  return found;
}

// Alerted in time, about that process, with what was promised of the evidence.
void ExpectAlerted(const nlohmann::json& json, int pid, const std::string& comm) {
  SCOPED_TRACE(json.dump(2));
  ASSERT_EQ(json["outcome"], "alerted");
  EXPECT_EQ(json["signature"], "close-wait-leak");
  EXPECT_LE(json["seconds"]["fault_to_finding"].get<double>(), 30);
  const nlohmann::json& evidence = json["evidence"];
  EXPECT_EQ(evidence["pid"], pid);
  EXPECT_EQ(evidence["comm"], comm);
  EXPECT_GE(evidence["close_wait_sockets"].get<int>(), 100);
  EXPECT_EQ(evidence["unread_eof"].get<int>() + evidence["read_eof"].get<int>(),
            evidence["close_wait_sockets"].get<int>());
  EXPECT_THAT(evidence["oldest_seconds"].get<double>(), AllOf(Ge(10.0), Le(60.0)));
  // 50 connections a second.
  EXPECT_THAT(evidence["growth_per_min"].get<double>(), AllOf(Ge(2'400.0), Le(3'600.0)));
  EXPECT_THAT(evidence["listener"].get<std::string>(), HasSubstr(":8080"));
  // At most 20,000 descriptors, 50 more a second.
  EXPECT_THAT(evidence["fd_limit_in_seconds"].get<double>(), AllOf(Ge(1.0), Le(500.0)));
  EXPECT_TRUE(evidence.contains("rss_growth_bytes_per_min"));
  EXPECT_TRUE(evidence.contains("call_sites"));
}

class CloseWaitLeakDrill : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(Added(before_, LookAtMachine()), ""); }
  const Machine before_ = LookAtMachine();
};

TEST_F(CloseWaitLeakDrill, TellsBothBugsApartAlsoInServersOfOtherLanguages) {
  const std::string in_python =
      absl::StrCat(TCPMEDIC_SOURCE_DIR, "/tests/data/leaky_servers/leaky.py");
  const std::string in_node =
      absl::StrCat(TCPMEDIC_SOURCE_DIR, "/tests/data/leaky_servers/leaky.js");
  std::future<Output> read_eof = Drill("--bug read-eof");
  std::future<Output> never_read = Drill("--bug never-read --ipv6");
  std::future<Output> python = Drill(absl::StrCat("--server 'exec python3 ", in_python, "'"));
  std::future<Output> node = Drill(absl::StrCat("--server 'exec node ", in_node, "'"));
  const int python_pid = PidRunning(in_python);
  const int node_pid = PidRunning(in_node);
  {
    SCOPED_TRACE("read-eof");
    const nlohmann::json json = JsonOf(read_eof);
    ExpectAlerted(json, json["server"]["pid"], "tcpmedic-lab");
    EXPECT_EQ(json["evidence"]["unread_eof"], 0);
    EXPECT_EQ(json["outside"]["unread_eof"], 0);
    // 16 KiB of heap for each of 3,000 connections a minute.
    EXPECT_THAT(json["evidence"]["rss_growth_bytes_per_min"].get<double>(),
                AllOf(Ge(30e6), Le(75e6)));
  }
  {
    SCOPED_TRACE("never-read");
    const nlohmann::json json = JsonOf(never_read);
    ExpectAlerted(json, json["server"]["pid"], "tcpmedic-lab");
    EXPECT_EQ(json["evidence"]["read_eof"], 0);
    EXPECT_EQ(json["outside"]["read_eof"], 0);
  }
  {
    SCOPED_TRACE("Python");
    const nlohmann::json json = JsonOf(python);
    ExpectAlerted(json, python_pid, "python3");
    EXPECT_EQ(json["evidence"]["unread_eof"], 0);
  }
  {
    SCOPED_TRACE("Node");
    ExpectAlerted(JsonOf(node), node_pid, "node");
  }
}

TEST_F(CloseWaitLeakDrill, StaysSilentForWhatIsNoLeakAndSaysWhy) {
  const std::vector<std::string> look_alikes = {"half-close", "flat-pool", "burst", "shutdown",
                                                "memory"};
  std::vector<std::future<Output>> drills;
  for (const std::string& look_alike : look_alikes) {
    drills.push_back(Drill(absl::StrCat("--look-alike ", look_alike)));
  }
  for (size_t i = 0; i < drills.size(); ++i) {
    const nlohmann::json json = JsonOf(drills[i]);
    SCOPED_TRACE(absl::StrCat(look_alikes[i], json.dump(2)));
    EXPECT_EQ(json["outcome"], "not_detected");
    EXPECT_NE(json["why_not"], "");
  }
}

TEST_F(CloseWaitLeakDrill, NamesTheLineThatForgetsToClose) {
  std::future<Output> drill = Drill("--bug read-eof --call-sites");
  const nlohmann::json json = JsonOf(drill);
  ASSERT_EQ(json["outcome"], "alerted") << json.dump(2);
  std::vector<std::string> frames;
  for (const nlohmann::json& site : json["evidence"]["call_sites"]["sites"]) {
    for (const nlohmann::json& frame : site["frames"]) frames.push_back(frame.dump());
  }
  EXPECT_THAT(frames, Contains(AllOf(HasSubstr("HandleReadable"), HasSubstr("leaky_server.cc"))))
      << json.dump(2);
}

}  // namespace
}  // namespace tcpmedic::test
