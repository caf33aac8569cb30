// `tcpmedic diagnose` on this machine, with no daemon and nothing configured: beside labs in which
// something is wrong, and on one where nothing is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "lab/lab.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

using OwnedLab = std::unique_ptr<lab::Lab>;

Output Diagnose(const std::string& arguments) {
  return RunShell(absl::StrCat(Program("tcpmedic"), " diagnose ", arguments), absl::Seconds(120));
}

absl::StatusOr<OwnedLab> LabWith(const lab::PathSpec& path,
                                 const std::map<std::string, std::string>& sysctls) {
  return lab::Lab::Start(
      {.path = path, .server_sysctls = sysctls, .lab_binary = Program("tcpmedic-lab")});
}

constexpr lab::PathSpec kCleanPath = {
    .rtt = absl::Milliseconds(20), .loss_ratio = 0, .rate_bps = 0};

// Those in the namespaces of this lab: the whole machine is watched, other tests' labs included.
std::vector<nlohmann::json> FindingsIn(const lab::Lab& lab, const nlohmann::json& answer) {
  std::vector<nlohmann::json> findings;
  if (!answer.contains("findings")) return findings;
  for (const nlohmann::json& finding : answer["findings"]) {
    const nlohmann::json& inode = finding["netns"]["inode"];
    if (inode == lab.client().netns_inode || inode == lab.server().netns_inode) {
      findings.push_back(finding);
    }
  }
  return findings;
}

std::vector<int> PidsOf(const nlohmann::json& finding) {
  std::vector<int> pids;
  for (const nlohmann::json& process : finding["processes"]) pids.push_back(process["pid"]);
  return pids;
}

absl::StatusOr<OwnedLab> FloodedLab(const std::string& cookies) {
  absl::StatusOr<OwnedLab> lab = LabWith(kCleanPath, {{"net.ipv4.tcp_syncookies", cookies}});
  if (!lab.ok()) return lab.status();
  const absl::StatusOr<pid_t> listener = (*lab)->RunListener({});
  if (!listener.ok()) return listener.status();
  const absl::StatusOr<lab::SynFlood> flood = (*lab)->RunSynFlood({.duration = absl::Minutes(3)});
  if (!flood.ok()) return flood.status();
  return lab;
}

// One watch for all: it takes as long as the longest window of the signatures.
TEST(DiagnoseThisHost, NamesTheIncidentOfEachLabBesideIt) {
  const absl::StatusOr<OwnedLab> lossy = LabWith({}, {});
  ASSERT_TRUE(lossy.ok()) << lossy.status();
  const absl::StatusOr<lab::Transfer> transfer =
      (*lossy)->RunTransfer({.duration = absl::Minutes(3)});
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  const absl::StatusOr<OwnedLab> flooded = FloodedLab("0");
  ASSERT_TRUE(flooded.ok()) << flooded.status();
  const absl::StatusOr<OwnedLab> protected_lab = FloodedLab("1");
  ASSERT_TRUE(protected_lab.ok()) << protected_lab.status();
  const absl::StatusOr<OwnedLab> leaky = LabWith(kCleanPath, {});
  ASSERT_TRUE(leaky.ok()) << leaky.status();
  const absl::StatusOr<pid_t> server =
      (*leaky)->RunLeakyServer({.bug = lab::LeakBug::kNeverRead, .duration = absl::Minutes(3)});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_TRUE((*leaky)->RunLeakClients({.duration = absl::Minutes(3)}).ok());

  std::future<Output> in_json =
      std::async(std::launch::async, Diagnose, std::string("-o json --exit-code"));
  const Output in_words = Diagnose("");
  const Output output = in_json.get();

  EXPECT_EQ(output.exit_code, 1) << output.err;
  const nlohmann::json answer = output.Json();
  ASSERT_TRUE(answer.is_object()) << output.out << output.err;
  SCOPED_TRACE(answer.dump(2));
  EXPECT_TRUE(answer["live"].is_object());
  {
    SCOPED_TRACE("lossy");
    const std::vector<nlohmann::json> found = FindingsIn(**lossy, answer);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0]["signature"], "pinned-cwnd");
    EXPECT_EQ(found[0]["netns"]["inode"], (*lossy)->client().netns_inode);
    EXPECT_THAT(PidsOf(found[0]), Contains(transfer->sender_pid));
    EXPECT_EQ(found[0]["remedy"]["action"], "set_congestion_control");
  }
  {
    SCOPED_TRACE("flooded, cookies off");
    const std::vector<nlohmann::json> found = FindingsIn(**flooded, answer);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0]["signature"], "syn-flood-unprotected");
    EXPECT_EQ(found[0]["netns"]["inode"], (*flooded)->server().netns_inode);
    EXPECT_EQ(found[0]["remedy"]["action"], "set_sysctl");
  }
  {
    SCOPED_TRACE("flooded, cookies on");
    const std::vector<nlohmann::json> found = FindingsIn(**protected_lab, answer);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0]["signature"], "syn-flood-absorbed");
    EXPECT_TRUE(found[0]["remedy"].is_null());
  }
  {
    SCOPED_TRACE("leaky");
    const std::vector<nlohmann::json> found = FindingsIn(**leaky, answer);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0]["signature"], "close-wait-leak");
    EXPECT_THAT(PidsOf(found[0]), Contains(*server));
    EXPECT_TRUE(found[0]["remedy"].is_null());
  }

  EXPECT_EQ(in_words.exit_code, 0) << in_words.err;
  EXPECT_THAT(in_words.out, HasSubstr(" incidents on this host: "));
  EXPECT_THAT(in_words.out, AllOf(HasSubstr("pinned-cwnd"), HasSubstr("syn-flood-unprotected"),
                                  HasSubstr("syn-flood-absorbed"), HasSubstr("close-wait-leak"),
                                  HasSubstr(absl::StrCat("(pid ", transfer->sender_pid, ")")),
                                  HasSubstr(absl::StrCat("(pid ", *server, ")"))));
}

TEST(DiagnoseThisHost, SaysInOneLineThatNothingIsWrong) {
  const absl::StatusOr<OwnedLab> lab = LabWith(kCleanPath, {});
  ASSERT_TRUE(lab.ok()) << lab.status();
  ASSERT_TRUE((*lab)->RunLeakyServer({.bug = lab::LeakBug::kNone}).ok());
  // One connection, which stays idle.
  ASSERT_TRUE((*lab)->RunLeakClients({.rate_per_s = 0, .burst = 1, .idle = absl::Minutes(5)}).ok());

  const Output output =
      Diagnose(absl::StrCat("--exit-code --only-netns ", (*lab)->client().netns_inode,
                            " --only-netns ", (*lab)->server().netns_inode));
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(output.out, MatchesRegex("No incident on this host: 2 namespaces watched for [0-9]+ "
                                       "s, [0-9]+ sockets? examined\n"));
}

}  // namespace
}  // namespace tcpmedic::test
