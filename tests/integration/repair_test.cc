// The repair on the real kernel, with what goes wrong around it: daemons killed at the worst
// moment, other people's changes, programs that end, hosts that forbid it, operators who ask twice.
// What a socket uses is always read from the kernel.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/repair_bench.h"

namespace tcpmedic::test {
namespace {

using ::testing::HasSubstr;

// Between the agent's step and our dump.
constexpr absl::Duration kMargin = absl::Seconds(3);
// From approval to the change, as a person would still call at once on a loaded machine.
constexpr absl::Duration kAtOnce = absl::Seconds(3);

class Repair : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = bench_.Start();
    ASSERT_TRUE(started.ok()) << started;
    id_ = daemons_.WaitForProposal();
    ASSERT_NE(id_, "") << daemons_.Logs();
    ASSERT_EQ(bench_.Algorithm(), "cubic");
  }
  void TearDown() override {
    if (HasFailure()) std::puts(daemons_.Logs().c_str());
  }

  // Approved, and seen to be changed: `changed_at_` is no later than kMargin after the change.
  void ApproveAndSeeItChanged() {
    const Output approved = daemons_.Ask(absl::StrCat("approve ", id_, " --no-wait"));
    ASSERT_EQ(approved.exit_code, 0) << approved.err;
    ASSERT_TRUE(bench_.Reaches("bbr", kAtOnce)) << bench_.Algorithm();
    changed_at_ = absl::Now();
  }
  void ApproveAndSeeItVerified() {
    const Output approved = daemons_.Ask(absl::StrCat("approve ", id_));
    ASSERT_EQ(approved.exit_code, 0) << approved.out << approved.err;
    ASSERT_EQ(NewestOrder()["state"], "committed");
    ASSERT_EQ(bench_.Algorithm(), "bbr");
  }
  // How long the host may still leave the change in force without a commit.
  absl::Duration UntilDeadline() const {
    return changed_at_ + RepairBench::kConfirmWithin + kMargin - absl::Now();
  }
  void NoteThatItIsBack() const {
    std::printf(
        "cubic again %s after the change was seen; at the latest after %s\n",
        absl::FormatDuration(absl::Trunc(absl::Now() - changed_at_, absl::Milliseconds(1))).c_str(),
        absl::FormatDuration(RepairBench::kConfirmWithin).c_str());
  }
  nlohmann::json NewestOrder() const { return daemons_.NewestOrder(id_); }
  size_t Orders() const { return daemons_.Show(id_)["orders"].size(); }
  bool OrderReaches(const std::string& state, absl::Duration timeout) const {
    return Eventually(timeout, [&] { return NewestOrder()["state"] == state; });
  }

  RepairBench bench_;
  Daemons& daemons_ = bench_.daemons();
  std::string id_;
  absl::Time changed_at_;
};

TEST_F(Repair, KilledAgentRestartedPutsTheSocketBack) {
  ApproveAndSeeItChanged();
  daemons_.KillAgent();
  daemons_.KillController();
  ASSERT_EQ(bench_.Algorithm(), "bbr");
  ASSERT_TRUE(daemons_.StartAgent().ok());
  EXPECT_TRUE(bench_.Reaches("cubic", UntilDeadline())) << bench_.Algorithm();
  NoteThatItIsBack();
}

// What was measured before the change has gone with the agent that measured it, and a change that
// cannot be compared does not stay.
TEST_F(Repair, KilledAgentRestartedUnderALiveControllerPutsTheSocketBack) {
  ApproveAndSeeItChanged();
  daemons_.KillAgent();
  ASSERT_EQ(bench_.Algorithm(), "bbr");
  ASSERT_TRUE(daemons_.StartAgent().ok());
  EXPECT_TRUE(bench_.Reaches("cubic", UntilDeadline())) << bench_.Algorithm();
  NoteThatItIsBack();
  EXPECT_TRUE(OrderReaches("rolled_back", absl::Seconds(5)));
  EXPECT_EQ(NewestOrder()["verification"]["result"], "inconclusive") << NewestOrder().dump(2);
}

TEST_F(Repair, AgentAlonePutsTheSocketBackWhenTheControllerIsKilled) {
  ApproveAndSeeItChanged();
  daemons_.KillController();
  ASSERT_EQ(bench_.Algorithm(), "bbr");
  EXPECT_TRUE(bench_.Reaches("cubic", UntilDeadline())) << bench_.Algorithm();
  NoteThatItIsBack();

  ASSERT_TRUE(daemons_.StartController().ok());
  EXPECT_TRUE(OrderReaches("rolled_back", absl::Seconds(15))) << NewestOrder().dump(2);
}

TEST_F(Repair, KilledAfterCommitStaysAndCanStillBeRolledBack) {
  ApproveAndSeeItVerified();
  daemons_.KillAgent();
  daemons_.KillController();
  ASSERT_TRUE(daemons_.StartController().ok());
  ASSERT_TRUE(daemons_.StartAgent().ok());
  ASSERT_TRUE(Eventually(absl::Seconds(15), [&] {
    const nlohmann::json hosts = daemons_.Ask("hosts -o json").Json();
    return !hosts.is_discarded() && hosts["hosts"].size() == 1 &&
           hosts["hosts"][0]["connected"] == true && !hosts["hosts"][0]["last_report_at"].is_null();
  }));
  EXPECT_EQ(bench_.Algorithm(), "bbr");
  EXPECT_EQ(NewestOrder()["state"], "committed");

  const Output rolled_back = daemons_.Ask(absl::StrCat("rollback ", id_));
  EXPECT_EQ(rolled_back.exit_code, 0) << rolled_back.out << rolled_back.err;
  EXPECT_EQ(bench_.Algorithm(), "cubic");
  EXPECT_EQ(NewestOrder()["state"], "rolled_back");
}

TEST_F(Repair, UndoTakesACommittedChangeBackWithoutAnyDaemon) {
  ApproveAndSeeItVerified();
  const std::string undo =
      absl::StrCat(Program("tcpmedic-agent"), " --undo --state-dir ", daemons_.agent_state_dir());
  const Output refused = RunShell(undo);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("stop it first"));
  EXPECT_EQ(bench_.Algorithm(), "bbr");

  daemons_.KillAgent();
  daemons_.KillController();
  const Output undone = RunShell(undo);
  EXPECT_EQ(undone.exit_code, 0) << undone.err;
  EXPECT_THAT(undone.out, HasSubstr("cubic again"));
  EXPECT_EQ(bench_.Algorithm(), "cubic");
}

TEST_F(Repair, SomeoneElsesChangeIsLeftAloneAndReported) {
  ApproveAndSeeItChanged();
  const absl::Status set = bench_.SetFromOutside("reno");
  ASSERT_TRUE(set.ok()) << set;
  ASSERT_EQ(bench_.Algorithm(), "reno");

  const Output rolled_back = daemons_.Ask(absl::StrCat("rollback ", id_));
  EXPECT_EQ(rolled_back.exit_code, 1) << rolled_back.out;
  EXPECT_THAT(rolled_back.out, HasSubstr("reno"));
  EXPECT_EQ(bench_.Algorithm(), "reno");
  const nlohmann::json order = NewestOrder();
  EXPECT_EQ(order["state"], "drifted") << order.dump(2);
  EXPECT_EQ(order["targets"][0]["state"], "drifted");
  EXPECT_EQ(order["targets"][0]["value_after"], "reno");
}

TEST_F(Repair, SocketThatClosesDuringVerificationIsInconclusive) {
  ApproveAndSeeItChanged();
  ASSERT_TRUE(bench_.EndTransfer().ok());
  ASSERT_TRUE(OrderReaches("rolled_back", UntilDeadline())) << NewestOrder().dump(2);
  const nlohmann::json order = NewestOrder();
  EXPECT_EQ(order["verification"]["result"], "inconclusive") << order.dump(2);
  EXPECT_THAT(order["verification"]["reason"].get<std::string>(), HasSubstr("has closed"));
  ASSERT_EQ(order["targets"].size(), 1u);
  EXPECT_EQ(order["targets"][0]["state"], "gone");
}

TEST_F(Repair, ProgramThatEndsBetweenApprovalAndChangeLeavesNothingToChange) {
  daemons_.PauseAgent();
  const Output approved = daemons_.Ask(absl::StrCat("approve ", id_, " --no-wait"));
  ASSERT_EQ(approved.exit_code, 0) << approved.err;
  ASSERT_TRUE(bench_.EndTransfer().ok());
  ASSERT_TRUE(bench_.Reaches("0 sockets", kAtOnce)) << bench_.Algorithm();
  daemons_.ResumeAgent();
  EXPECT_TRUE(OrderReaches("refused", absl::Seconds(5))) << NewestOrder().dump(2);
  EXPECT_THAT(NewestOrder()["reason"].get<std::string>(), HasSubstr("no socket matches any more"));
}

TEST_F(Repair, WhatTheGuardFileDoesNotAllowIsRefused) {
  const auto write_guard = [&](const std::string& text, mode_t mode) {
    std::ofstream(daemons_.guard_path()) << text;
    ASSERT_EQ(chmod(daemons_.guard_path().c_str(), mode), 0);
  };
  const auto expect_refused = [&](const std::string& reason) {
    const Output approved = daemons_.Ask(absl::StrCat("approve ", id_));
    EXPECT_EQ(approved.exit_code, 1) << approved.out;
    EXPECT_THAT(approved.out, HasSubstr("refused"));
    const nlohmann::json order = NewestOrder();
    EXPECT_EQ(order["state"], "refused") << order.dump(2);
    EXPECT_THAT(order["reason"].get<std::string>(), HasSubstr(reason));
    EXPECT_EQ(bench_.Algorithm(), "cubic");
  };
  const auto propose_again = [&] {
    const Output proposed = daemons_.Ask(absl::StrCat("propose ", id_));
    EXPECT_EQ(proposed.exit_code, 0) << proposed.err;
  };

  ASSERT_EQ(unlink(daemons_.guard_path().c_str()), 0);
  expect_refused("does not exist");

  write_guard(bench_.GuardText(), 0620);
  propose_again();
  expect_refused("is writable by group or others");

  write_guard("apiVersion: tcpmedic/v1\nkind: Guard\nactions: []\n", 0600);
  propose_again();
  expect_refused("does not allow set_congestion_control");

  write_guard(bench_.GuardText(), 0600);
  propose_again();
  ApproveAndSeeItChanged();
  EXPECT_EQ(Orders(), 4u);
}

TEST_F(Repair, TwoOperatorsAtOnceMakeOneOrder) {
  // Each operator's exit code, then what the two were told.
  const std::string approve = daemons_.Command(absl::StrCat("approve ", id_, " --no-wait"));
  const Output both = RunShell(absl::StrCat(approve, " & first=$!\n", approve,
                                            " & second=$!\n"
                                            "wait $first; echo exit=$?\n"
                                            "wait $second; echo exit=$?"));
  EXPECT_TRUE(absl::StrContains(both.out, "exit=0") && absl::StrContains(both.out, "exit=1"))
      << both.out << both.err;
  EXPECT_THAT(both.err, HasSubstr("has been approved already"));
  ASSERT_TRUE(bench_.Reaches("bbr", kAtOnce));
  EXPECT_EQ(Orders(), 1u);

  const Output late = daemons_.Ask(absl::StrCat("approve ", id_));
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_THAT(late.err, HasSubstr("has been approved already, by "));
  EXPECT_EQ(Orders(), 1u);
}

TEST_F(Repair, ApprovingAfterTheSymptomHasGoneIsRefused) {
  ASSERT_TRUE(bench_.EndTransfer().ok());
  ASSERT_TRUE(Eventually(absl::Seconds(40), [&] {
    return daemons_.Show(id_)["proposal_state"] == "void";
  })) << daemons_.Show(id_).dump(2);
  const Output approved = daemons_.Ask(absl::StrCat("approve ", id_));
  EXPECT_EQ(approved.exit_code, 1);
  EXPECT_THAT(approved.err, HasSubstr("there is nothing left to act on"));
  EXPECT_EQ(Orders(), 0u);
}

}  // namespace
}  // namespace tcpmedic::test
