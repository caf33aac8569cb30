// The program itself, run as a child against a fake controller: flags, exit codes, what goes to
// which output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/cli/examples.h"
#include "tests/cli/fake_operator.h"
#include "tests/cli/run_program.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
