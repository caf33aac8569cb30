// The program itself, run as a child against a fake controller: flags, exit codes, what goes to
// which output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/process.h"
#include "tests/cli/examples.h"
#include "tests/cli/fake_operator.h"
#include "tests/cli/order_examples.h"
#include "tests/cli/run_program.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kLong = absl::Seconds(30);

class CommandTest : public ::testing::Test {
 protected:
  Ran Run(const std::vector<std::string>& words) {
    return RunProgram(words, absl::StrCat(controller_.directory(), "/output", ++runs_),
                      {{"TCPMEDIC_CONTROLLER", controller_.target()}});
  }

  FakeOperator controller_;
  int runs_ = 0;
};

TEST_F(CommandTest, AMistakeInTheUsageIsTwo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "Usage: tcpmedic"},
      {{"incidnets"}, "Did you mean `tcpmedic incidents`?"},
      {{"hosts", "--nonsense"}, "--nonsense"},
      {{"hosts", "-o", "xml"}, "xml not in"},
      {{"hosts", "--controller", "tcp:10.0.0.1:9"}, "TCP is refused until there is mutual TLS"},
      {{"show"}, "id is required"},
      {{"reject", "i-1"}, "--reason is required"},
      {{"approve"}, "id is required"},
      {{"rollback"}, "id is required"},
      {{"watch", "--for", "5"}, "'5' is not a duration; write it like 30s or 5m"},
      {{"incidents", "--limit", "0"}, "--limit"},
      {{"policy"}, "A subcommand is required"},
      {{"up", "--policies", "/nonexistent"}, "/nonexistent"},
  };
  for (const auto& [words, complaint] : cases) {
    const Ran ran = Run(words);
    EXPECT_EQ(ran.code, 2) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(complaint));
  }
}

TEST_F(CommandTest, HelpIsNoMistake) {
  const Ran ran = Run({"--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, HasSubstr("tcpmedic up"));
}

TEST_F(CommandTest, WithoutAControllerTheAnswerIsOne) {
  for (const std::string command : {"hosts", "incidents", "why", "audit", "watch"}) {
    const Ran ran = Run({command});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.output, absl::StrCat("tcpmedic: no controller answers at ", controller_.target(),
                                       ": start one with `tcpmedic up`\n"));
  }
}

TEST_F(CommandTest, OutsideATerminalThereIsNoColour) {
  controller_.incident = PinnedCwndProposed();
  controller_.Start();
  const Ran ran = Run({"show", "i-7f3a91c2"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, AllOf(StartsWith("WARNING  Congestion window"), Not(HasSubstr("\x1b"))));
}

TEST_F(CommandTest, TheFlagsOfAllCommandsMayStandAnywhere) {
  controller_.incident = PinnedCwndProposed();
  controller_.Start();
  const Ran before = Run({"-o", "json", "show", "i-7f3a91c2"});
  const Ran after = Run({"show", "i-7f3a91c2", "-o", "json"});
  EXPECT_EQ(before.code, 0);
  EXPECT_EQ(before.output, after.output);
  EXPECT_EQ(nlohmann::json::parse(after.output)["id"], "i-7f3a91c2");
}

TEST_F(CommandTest, TheListTakesItsFilters) {
  controller_.incident = PinnedCwndProposed();
  controller_.Start();
  const Ran ran =
      Run({"incidents", "--all", "--host", "web-1", "--signature", "pinned-cwnd", "-o", "json"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(nlohmann::json::parse(ran.output)["incidents"][0]["id"], "i-7f3a91c2");
  EXPECT_EQ(controller_.listed.ShortDebugString(),
            "include_closed: true host: \"web-1\" signature: \"pinned-cwnd\"");
}

TEST_F(CommandTest, ARejectionCarriesItsReasonAndItsAuthor) {
  controller_.incident = PinnedCwndRejected();
  controller_.Start();
  const Ran ran = Run({"reject", "i-7f", "--reason", "backup window"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_EQ(controller_.rejected.id(), "i-7f");
  EXPECT_EQ(controller_.rejected.reason(), "backup window");
  EXPECT_NE(controller_.rejected.actor(), "");
}

TEST_F(CommandTest, AnApprovalIsFollowedUntilItIsVerified) {
  controller_.incident = PinnedCwndSent();
  controller_.course = {PinnedCwndVerifying(), PinnedCwndVerified()};
  controller_.Start();
  const Ran ran = Run({"approve", "i-7f3a91c2"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  ASSERT_EQ(controller_.approved.size(), 1u);
  EXPECT_EQ(controller_.approved[0].id(), "i-7f3a91c2");
  EXPECT_NE(controller_.approved[0].actor(), "");
  const std::vector<std::string> lines = absl::StrSplit(ran.output, '\n', absl::SkipEmpty());
  ASSERT_GT(lines.size(), 4u) << ran.output;
  EXPECT_EQ(
      lines[0],
      "Approved  p-51c09d of i-7f3a91c2 on web-1: move at most 200 sockets to BBR (setsockopt "
      "TCP_CONGESTION)");
  EXPECT_EQ(lines[1], "Waiting for the agent of web-1");
  EXPECT_EQ(lines[2], "Verifying: 3 sockets moved from cubic to bbr");
  EXPECT_THAT(lines[3], StartsWith("Repair    verified "));
  EXPECT_THAT(ran.output, HasSubstr("tcpmedic rollback i-7f3a91c2  take the change back\n"));
}

TEST_F(CommandTest, AnApprovalThatDidNotHelpIsOne) {
  for (const v1::IncidentView& end : {PinnedCwndRolledBack(), PinnedCwndRefused(),
                                      PinnedCwndInconclusive(), PinnedCwndDrifted()}) {
    FakeOperator controller;
    controller.incident = PinnedCwndSent();
    controller.course = {end};
    controller.Start();
    const Ran ran = Run({"approve", "i-7f3a91c2", "--controller", controller.target()});
    EXPECT_EQ(ran.code, 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("\nRepair    "));
  }
}

TEST_F(CommandTest, AnApprovalNeedNotBeFollowed) {
  controller_.incident = PinnedCwndSent();
  controller_.Start();
  const Ran ran = Run({"approve", "--no-wait", "i-7f3a91c2"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(
      ran.output,
      "Approved  p-51c09d of i-7f3a91c2 on web-1: move at most 200 sockets to BBR (setsockopt "
      "TCP_CONGESTION)\n");
}

TEST_F(CommandTest, OfSeveralApprovalsEachHasItsAnswer) {
  controller_.incident = PinnedCwndVerified();
  controller_.Start();
  const Ran ran = Run({"approve", "i-other", "i-7f3a91c2"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output,
              AllOf(HasSubstr("i-other has no pending proposal: `tcpmedic show i-other` "
                              "says how it stands\n"),
                    HasSubstr("\n\ni-7f3a91c2 on web-1\nRepair    verified ")));
}

TEST_F(CommandTest, AnApprovalThatNeedsAnotherPersonIsNotFollowed) {
  controller_.incident = PinnedCwndProposed();
  controller_.incident.mutable_proposals(0)->mutable_approval()->set_quorum(2);
  controller_.incident.mutable_proposals(0)->add_approvals()->set_by("alice");
  controller_.Start();
  const Ran ran = Run({"approve", "i-7f3a91c2"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, HasSubstr("1 of 2 approvals: someone else has to approve it too"));
}

TEST_F(CommandTest, AnApprovalInJsonIsTheIncidentAtItsEnd) {
  controller_.incident = PinnedCwndSent();
  controller_.course = {PinnedCwndVerified()};
  controller_.Start();
  const Ran ran = Run({"approve", "i-7f3a91c2", "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  const nlohmann::json json = nlohmann::json::parse(ran.output);
  EXPECT_EQ(json["id"], "i-7f3a91c2");
  EXPECT_EQ(json["orders"][0]["state"], "committed");
  EXPECT_EQ(json["orders"][0]["verification"]["result"], "improved");
}

TEST_F(CommandTest, CtrlCEndsTheFollowingAndNotTheOrder) {
  controller_.incident = PinnedCwndVerifying();
  controller_.Start();
  ChildOptions options;
  options.command = {TCPMEDIC_BIN_DIR "/tcpmedic", "approve", "i-7f3a91c2"};
  options.environment = {{"TCPMEDIC_CONTROLLER", controller_.target()}};
  options.output_path = absl::StrCat(controller_.directory(), "/output");
  absl::StatusOr<ChildProcess> child = ChildProcess::Spawn(options);
  ASSERT_TRUE(child.ok()) << child.status();
  const auto output = [&] {
    std::stringstream content;
    content << std::ifstream(options.output_path).rdbuf();
    return content.str();
  };
  const absl::Time deadline = absl::Now() + kLong;
  while (output().find("Verifying") == std::string::npos && absl::Now() < deadline) {
    ASSERT_FALSE(child->Wait(absl::Milliseconds(5)).has_value()) << output();
  }

  kill(child->pid(), SIGINT);
  const std::optional<ChildExit> exit = child->Wait(kLong);

  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->ToString(), "exit code 1") << output();
  EXPECT_THAT(output(), AllOf(HasSubstr("tcpmedic: stopped following; the order goes on: `"),
                              HasSubstr("/tcpmedic show i-7f3a91c2` says how it stands\n")));
}

TEST_F(CommandTest, ARollbackWaitsUntilTheAgentHasUndoneIt) {
  controller_.incident = PinnedCwndVerified();
  controller_.incident.mutable_orders(0)->set_roll_back_by("alice");
  controller_.course = {controller_.incident, PinnedCwndRolledBack()};
  controller_.Start();
  const Ran ran = Run({"rollback", "i-7f3a91c2", "--order", "o-2b7e11", "--reason", "too greedy"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_EQ(controller_.rolled_back.order_id(), "o-2b7e11");
  EXPECT_EQ(controller_.rolled_back.reason(), "too greedy");
  EXPECT_NE(controller_.rolled_back.actor(), "");
  EXPECT_THAT(ran.output,
              AllOf(StartsWith("Rolling back on web-1\n"), HasSubstr("\nRepair    rolled back ")));
}

TEST_F(CommandTest, AnOrderHasANumberToo) {
  controller_.incident = PinnedCwndRolledBack();
  *controller_.incident.add_orders() = controller_.incident.orders(0);
  controller_.incident.mutable_orders(1)->set_id("o-first");
  controller_.Start();
  EXPECT_EQ(Run({"rollback", "i-7f3a91c2", "--order", "1"}).code, 0);
  EXPECT_EQ(controller_.rolled_back.order_id(), "o-first");
  const Ran ran = Run({"rollback", "i-7f3a91c2", "--order", "3"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.output,
            "tcpmedic: i-7f3a91c2 has no order 3; it has 1 to 2: `tcpmedic show i-7f3a91c2`\n");
}

TEST_F(CommandTest, AnErrorOfTheControllerCannotActOnTheTerminal) {
  controller_.failure = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad \x1b[2J id");
  controller_.Start();
  const Ran ran = Run({"show", "x"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.output, "tcpmedic: bad \\x1b[2J id\n");
}

TEST_F(CommandTest, AWatchEndsAfterItsTimeWithOneLinePerChange) {
  controller_.events.resize(3);
  controller_.events[0].set_initial(true);
  *controller_.events[0].mutable_incident() = PinnedCwndProposed();
  controller_.events[1].set_synced(true);
  *controller_.events[2].mutable_incident() = PinnedCwndProposed();
  controller_.Start();
  const Ran ran = Run({"watch", "--for", "300ms"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  const std::vector<std::string> lines = absl::StrSplit(ran.output, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u) << ran.output;
  EXPECT_THAT(lines[0], HasSubstr("i-7f3a91c2  open  web-1  pinned-cwnd"));
  EXPECT_EQ(lines[1], absl::StrCat("Watching ", controller_.target(), ": 1 open."));
}

TEST_F(CommandTest, AWatchInJsonIsOneObjectPerLine) {
  controller_.events.resize(2);
  controller_.events[0].set_initial(true);
  *controller_.events[0].mutable_incident() = PinnedCwndProposed();
  controller_.events[1].set_synced(true);
  controller_.Start();
  const Ran ran = Run({"watch", "--for", "300ms", "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  const std::vector<std::string> lines = absl::StrSplit(ran.output, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u) << ran.output;
  EXPECT_EQ(nlohmann::json::parse(lines[0])["incident"]["id"], "i-7f3a91c2");
  EXPECT_EQ(lines[1], R"({"incident":null,"initial":false,"synced":true})");
}

}  // namespace
}  // namespace tcpmedic::cli
