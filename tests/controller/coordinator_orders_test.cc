// Orders through the whole controller: from an approval to a verdict that the agent has
// acknowledged, with every way in which it can go otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"
#include "tests/controller/orders_fixture.h"

namespace tcpmedic {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Precondition(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  return std::string(status.message());
}

TEST_F(OrdersTest, AnApprovalSendsTheOrderOutAtOnce) {
  Connect();
  Report({Pinned()});
  auto approved = Approve();
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(approved->proposals(0).state(), v1::Proposal::STATE_APPROVED);
  EXPECT_EQ(approved->proposals(0).decided_by(), "ann");
  ASSERT_THAT(approved->orders(), SizeIs(1));
  const v1::Order& order = approved->orders(0);
  EXPECT_EQ(order.state(), v1::Order::STATE_DISPATCHED);
  EXPECT_EQ(order.session_nonce(), 11u);
  EXPECT_EQ(FromProtoOrInfinitePast(order.expires_at()), clock_.Now().wall + kDispatchPatience);
  EXPECT_THAT(Wishes(), ElementsAre("WISH_APPLY STATE_UNSPECIFIED"));
  EXPECT_EQ(carrier_.newest[session_].wishes(0).order().id(), order.id());
}

TEST_F(OrdersTest, FromApprovalToRemedied) {
  ApproveAndApply();
  EXPECT_EQ(State(), "STATE_APPLIED");
  EXPECT_THAT(Wishes(), ElementsAre("WISH_APPLY STATE_APPLIED"));
  StandsAppliedFor(19, 66e6);
  EXPECT_EQ(State(), "STATE_APPLIED");
  StandsAppliedFor(1, 66e6);
  EXPECT_EQ(State(), "STATE_COMMITTING");
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  EXPECT_THAT(Wishes(), ElementsAre("WISH_COMMIT STATE_APPLIED"));
  Report({}, {Stands(v1::Order::STATE_COMMITTED)});
  EXPECT_EQ(State(), "STATE_COMMITTED");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
  EXPECT_THAT(Wishes(), ElementsAre("WISH_COMMIT STATE_COMMITTED"));
  EXPECT_THAT(Timeline(), ElementsAre("opened", "decided", "proposed", "approved", "dispatched",
                                      "applied", "gone", "judged", "verified", "remedied"));
  EXPECT_EQ(Newest().verification().reason(),
            "after.goodput_bps 66 Mbit/s >= 3.0 * before.goodput_bps 800 kbit/s");
  EXPECT_TRUE(store_.VerifyAudit(1000).ok());
}

TEST_F(OrdersTest, NotImprovedIsRolledBackAndFailed) {
  ApproveAndApply();
  StandsAppliedFor(20, 0.9e6, {Pinned()});
  EXPECT_EQ(State(), "STATE_APPLIED");
  EXPECT_THAT(Wishes(), ElementsAre("WISH_ROLL_BACK STATE_APPLIED"));
  Report({Pinned()}, {Stands(v1::Order::STATE_ROLLED_BACK)});
  EXPECT_EQ(State(), "STATE_ROLLED_BACK");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
  EXPECT_EQ(Newest().verification().result(), v1::Verification::RESULT_NOT_IMPROVED);
  // Told that its last word is stored, until it stops repeating it.
  EXPECT_THAT(Wishes(), ElementsAre("WISH_UNSPECIFIED STATE_ROLLED_BACK"));
  Report({Pinned()});
  EXPECT_THAT(Wishes(), IsEmpty());

  // Not tried again by itself, though the finding stays; only when somebody asks.
  ReportFor(300, {Pinned()});
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
  v1::ProposeRequest propose;
  propose.set_id(Id());
  propose.set_actor("ann");
  ASSERT_TRUE(coordinator_->Propose(propose).ok());
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  EXPECT_TRUE(Approve().ok());
}

TEST_F(OrdersTest, AnInconclusiveVerdictUndoesWhatLives) {
  ApproveAndApply();
  v1::OrderReport closed = Stands(v1::Order::STATE_APPLIED);
  closed.mutable_targets(0)->set_state(v1::Target::STATE_GONE);
  ReportFor(1, {}, {closed});
  EXPECT_EQ(Newest().verification().result(), v1::Verification::RESULT_INCONCLUSIVE);
  EXPECT_THAT(Wishes(), ElementsAre("WISH_ROLL_BACK STATE_APPLIED"));
  Report({}, {Stands(v1::Order::STATE_ROLLED_BACK)});
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
}

TEST_F(OrdersTest, ARefusalByTheGuardFileFailsWithItsReason) {
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve().ok());
  v1::OrderReport refused = Stands(v1::Order::STATE_REFUSED);
  refused.set_reason("guard.yaml allows no set_congestion_control");
  Report({Pinned()}, {refused});
  EXPECT_EQ(State(), "STATE_REFUSED");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
  EXPECT_THAT(Timeline(), ElementsAre("opened", "decided", "proposed", "approved", "dispatched",
                                      "refused", "failed"));
  EXPECT_THAT(TheOne().incident().timeline(5).text(),
              HasSubstr("guard.yaml allows no set_congestion_control"));
  EXPECT_THAT(Wishes(), ElementsAre("WISH_UNSPECIFIED STATE_REFUSED"));
}

// ---- At most one order, and one clear answer.

TEST_F(OrdersTest, ASecondApprovalIsToldWhoWasFirst) {
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve("ann").ok());
  EXPECT_THAT(Precondition(Approve("bob").status()),
              AllOf(HasSubstr("approved already, by ann"), HasSubstr(Newest().id())));
  EXPECT_THAT(Precondition(Approve("ann").status()), HasSubstr("approved already, by ann"));
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
}

TEST_F(OrdersTest, AnExpiredProposalIsNotApproved) {
  Connect();
  Report({Pinned()});
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Precondition(Approve().status()), HasSubstr("expired"));
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_THAT(Precondition(Approve().status()), HasSubstr("expired"));
  EXPECT_THAT(TheOne().orders(), IsEmpty());
}

TEST_F(OrdersTest, AProposalWhoseSymptomHasGoneIsNotApproved) {
  Connect();
  ReportFor(15, {Pinned()});
  ReportFor(1, {});
  EXPECT_THAT(Precondition(Approve().status()), HasSubstr("the finding has gone"));
  EXPECT_THAT(TheOne().orders(), IsEmpty());
}

TEST_F(OrdersTest, AHostThatIsNotConnectedGetsNoOrder) {
  Connect();
  Report({Pinned()});
  coordinator_->OnDisconnected(session_);
  EXPECT_THAT(Precondition(Approve().status()), HasSubstr("web1 is not connected"));
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
  EXPECT_THAT(TheOne().orders(), IsEmpty());
  Connect();
  EXPECT_TRUE(Approve().ok());
}

TEST_F(OrdersTest, AnApprovalThatCannotBeStoredSendsNothing) {
  Connect();
  Report({Pinned()});
  store_.full = true;
  EXPECT_EQ(Approve().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Wishes(), IsEmpty());
  EXPECT_THAT(TheOne().orders(), IsEmpty());
  store_.full = false;
  EXPECT_TRUE(Approve().ok());
}

TEST_F(OrdersTest, AQuorumNeedsDifferentNames) {
  PolicySet two = PinnedPolicies();
  two.policies[0].mutable_approval()->set_quorum(2);
  Restart(two);
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve("ann").ok());
  EXPECT_THAT(TheOne().orders(), IsEmpty());
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
  EXPECT_THAT(Precondition(Approve("ann").status()), HasSubstr("1 of 2 approvals"));
  Restart();
  Connect();
  ASSERT_TRUE(Approve("bob").ok());
  EXPECT_EQ(TheOne().proposals(0).decided_by(), "ann, bob");
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  EXPECT_THAT(Timeline(),
              ElementsAre("opened", "decided", "proposed", "approved", "approved", "dispatched"));
}

TEST_F(OrdersTest, LimitsHoldTheApprovalBackAndLeaveTheProposal) {
  PolicySet limited = PinnedPolicies();
  limited.policies[0].mutable_limits()->set_hosts_at_once_ratio(0.05);
  Restart(limited);
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve().ok());
  const uint64_t other = ConnectAs("web2");
  ASSERT_TRUE(coordinator_->OnReport(other, ReportNow({Pinned()}, {})).ok());
  v1::ListIncidentsRequest of_web2;
  of_web2.set_host("web2");
  const v1::IncidentView there = coordinator_->ListIncidents(of_web2)->incidents(0);
  v1::ApproveRequest request;
  request.set_id(there.incident().id());
  request.set_actor("ann");
  EXPECT_THAT(Precondition(coordinator_->Approve(request).status()),
              HasSubstr("at most 1 of 2 hosts at once"));
  EXPECT_EQ(coordinator_->GetIncident(request.id())->proposals(0).state(),
            v1::Proposal::STATE_PENDING);
}

// ---- Rollback.

TEST_F(OrdersTest, AVerifiedChangeCanBeTakenBack) {
  Verify();
  ASSERT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
  ASSERT_TRUE(Rollback().ok());
  EXPECT_THAT(Wishes(), ElementsAre("WISH_ROLL_BACK STATE_COMMITTED"));
  EXPECT_THAT(Precondition(Rollback().status()), HasSubstr("to be rolled back for bob"));
  Report({}, {Stands(v1::Order::STATE_ROLLED_BACK)});
  EXPECT_EQ(State(), "STATE_ROLLED_BACK");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
  // What its undoing brings back is no new trouble.
  ReportFor(60, {Pinned()});
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
}

TEST_F(OrdersTest, ARollbackBeforeTheVerdictWins) {
  ApproveAndApply();
  ASSERT_TRUE(Rollback().ok());
  StandsAppliedFor(25, 66e6);
  EXPECT_THAT(Wishes(), ElementsAre("WISH_ROLL_BACK STATE_APPLIED"));
  EXPECT_EQ(Newest().verification().result(), v1::Verification::RESULT_UNSPECIFIED);
}

TEST_F(OrdersTest, RollbackOfNothingIsRefused) {
  Connect();
  Report({Pinned()});
  EXPECT_THAT(Precondition(Rollback().status()), HasSubstr("no order"));
}

TEST_F(OrdersTest, DriftIsReportedAndFails) {
  ApproveAndApply();
  StandsAppliedFor(20, 0.1e6);
  Report({}, {Stands(v1::Order::STATE_DRIFTED)});
  EXPECT_EQ(State(), "STATE_DRIFTED");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
}

TEST_F(OrdersTest, AVerifiedChangeEndsWithItsSockets) {
  Verify();
  Report({}, {Stands(v1::Order::STATE_ENDED)});
  EXPECT_EQ(State(), "STATE_ENDED");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
  EXPECT_THAT(Precondition(Rollback().status()), HasSubstr("is over"));
}

// ---- Silence, late and lost messages.

TEST_F(OrdersTest, ASilentAgentMakesTheOrderUnknownUntilItIsHeard) {
  ApproveAndApply();
  BeSilentFor(30);
  EXPECT_EQ(State(), "STATE_UNKNOWN");
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  // It undid the change by itself meanwhile.
  Report({Pinned()}, {Stands(v1::Order::STATE_ROLLED_BACK)});
  EXPECT_EQ(State(), "STATE_ROLLED_BACK");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
}

TEST_F(OrdersTest, AnAgentThatIsHeardAgainInTimeIsJudged) {
  ApproveAndApply();
  coordinator_->OnDisconnected(session_);
  BeSilentFor(30);
  EXPECT_EQ(State(), "STATE_UNKNOWN");
  Connect();
  Report({}, {Stands(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(State(), "STATE_COMMITTING");
  EXPECT_THAT(Wishes(), ElementsAre("WISH_COMMIT STATE_APPLIED"));
}

TEST_F(OrdersTest, ADispatchThatWasLostIsSentAgainWithTheNextStream) {
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve().ok());
  coordinator_->OnDisconnected(session_);
  Connect();
  EXPECT_THAT(Wishes(), ElementsAre("WISH_APPLY STATE_UNSPECIFIED"));
}

TEST_F(OrdersTest, ADispatchToAHostThatIsGoneIsUnknownWhenItExpires) {
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve().ok());
  coordinator_->OnDisconnected(session_);
  BeSilentFor(30);
  EXPECT_EQ(State(), "STATE_UNKNOWN");
}

TEST_F(OrdersTest, AnOrderThatItsAgentNeverMentionsIsGivenUp) {
  Connect();
  Report({Pinned()});
  ASSERT_TRUE(Approve().ok());
  ReportFor(59, {Pinned()});
  EXPECT_EQ(State(), "STATE_DISPATCHED");
  ReportFor(1, {Pinned()});
  EXPECT_EQ(State(), "STATE_REFUSED");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
  // It had begun after all: undone, because nobody waits for it any more.
  ApplyNow();
  EXPECT_THAT(Wishes(), ElementsAre("WISH_ROLL_BACK STATE_APPLIED"));
}

TEST_F(OrdersTest, NobodySpeaksForAnotherHostsOrder) {
  ApproveAndApply();
  const uint64_t other = ConnectAs("web2");
  const absl::Status stored =
      coordinator_->OnReport(other, ReportNow({}, {Stands(v1::Order::STATE_ROLLED_BACK)}));
  EXPECT_TRUE(stored.ok()) << stored;
  EXPECT_EQ(State(), "STATE_APPLIED");
}

TEST_F(OrdersTest, AReportThatCannotBeStoredDecidesNothing) {
  ApproveAndApply();
  StandsAppliedFor(19, 66e6);
  clock_.Advance(absl::Seconds(1));
  store_.full = true;
  EXPECT_FALSE(
      coordinator_->OnReport(session_, ReportNow({}, {Stands(v1::Order::STATE_APPLIED)})).ok());
  EXPECT_EQ(State(), "STATE_APPLIED");
  EXPECT_THAT(Wishes(), ElementsAre("WISH_APPLY STATE_APPLIED"));
  store_.full = false;
  Report({}, {Stands(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(State(), "STATE_COMMITTING");
}

// ---- The controller is killed between any two steps.

TEST_F(OrdersTest, ARestartBetweenAnyTwoStepsChangesNothing) {
  const std::vector<std::function<void()>> steps = {
      [&] { ReportFor(15, {Pinned()}); },
      [&] { EXPECT_TRUE(Approve().ok()); },
      [&] { ApplyNow(); },
      [&] { StandsAppliedFor(10, 66e6, {Pinned()}); },
      [&] { StandsAppliedFor(10, 66e6, {Pinned()}); },
      [&] { Report({Pinned()}, {Stands(v1::Order::STATE_COMMITTED)}); },
      [&] { Report({Pinned()}); },
      [&] { EXPECT_TRUE(Rollback().ok()); },
      [&] { Report({Pinned()}, {Stands(v1::Order::STATE_ROLLED_BACK)}); },
  };
  Connect();
  for (const auto& step : steps) {
    step();
    const std::string before = TheOne().DebugString();
    const std::vector<std::string> wished = Wishes();
    Restart();
    EXPECT_EQ(TheOne().DebugString(), before);
    Connect();
    // Only what answers a repetition has to wait for the next one.
    const bool answers = !wished.empty() && wished.front() == "WISH_UNSPECIFIED STATE_ROLLED_BACK";
    EXPECT_EQ(Wishes(), answers ? std::vector<std::string>() : wished);
  }
  EXPECT_THAT(Timeline(),
              ElementsAre("opened", "decided", "proposed", "approved", "dispatched", "applied",
                          "judged", "verified", "remedied", "rolling_back", "rolled_back"));
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
}

TEST_F(OrdersTest, AVerdictThatTheRestartCameBeforeIsNotWaitedFor) {
  ApproveAndApply();
  StandsAppliedFor(10, 66e6);
  Restart();
  clock_.Advance(absl::Minutes(1));  // past the deadline of the host
  Connect();
  Report({Pinned()}, {Stands(v1::Order::STATE_ROLLED_BACK)});
  EXPECT_EQ(State(), "STATE_ROLLED_BACK");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
}

TEST_F(OrdersTest, ANewRevisionDoesNotDisturbAnOrderUnderWay) {
  ApproveAndApply();
  policies_ = PinnedPolicies("d2");
  ASSERT_TRUE(coordinator_->ReplacePolicies(policies_).ok());
  StandsAppliedFor(20, 66e6);
  EXPECT_EQ(State(), "STATE_COMMITTING");
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
}

// ---- Later sockets of the same selector.

TEST_F(OrdersTest, AnApprovalCoversLaterSockets) {
  Verify();
  ReportFor(30, {});
  ReportFor(1, {Pinned({7})});
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);  // that one has been tried
  ReportFor(1, {Pinned({7, 8})});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  ASSERT_THAT(TheOne().orders(), SizeIs(2));
  EXPECT_EQ(Newest().state(), v1::Order::STATE_DISPATCHED);
  EXPECT_EQ(Newest().proposal_id(), TheOne().proposals(0).id());
  EXPECT_EQ(Newest().targets_max(), 199);
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
  // One at a time.
  ReportFor(3, {Pinned({7, 8, 9})});
  EXPECT_THAT(TheOne().orders(), SizeIs(2));
  applied_at_ = clock_.Now().wall;
  for (int i = 0; i <= 20; ++i) {
    clock_.Advance(absl::Seconds(1));
    Report({}, {Stands(v1::Order::STATE_APPLIED, 66e6, 8)});
  }
  Report({}, {Stands(v1::Order::STATE_COMMITTED, 66e6, 8)});
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
}

TEST_F(OrdersTest, ACoveredOrderWaitsForTheCooldown) {
  PolicySet slow = PinnedPolicies();
  slow.policies[0].mutable_limits()->mutable_cooldown()->set_seconds(600);
  Restart(slow);
  Verify();
  ReportFor(60, {Pinned({8})});
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
  ReportFor(600, {Pinned({8})});
  EXPECT_THAT(TheOne().orders(), SizeIs(2));
}

TEST_F(OrdersTest, WhatNoApprovalCoversIsProposedAnew) {
  PolicySet once = PinnedPolicies();
  once.policies[0].mutable_approval()->clear_covers();
  Restart(once);
  Verify();
  ReportFor(1, {Pinned({8})});
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  ASSERT_THAT(TheOne().proposals(), SizeIs(2));
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
}

TEST_F(OrdersTest, ARollbackEndsTheCover) {
  Verify();
  ASSERT_TRUE(Rollback().ok());
  Report({}, {Stands(v1::Order::STATE_ROLLED_BACK)});
  ReportFor(30, {Pinned({8})});
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
}

TEST_F(OrdersTest, ARemediedIncidentIsKeptUntilItsOrderIsOver) {
  Verify();
  ReportFor(1, {});
  clock_.Advance(absl::Hours(24 * 91));
  Report({});
  ASSERT_TRUE(coordinator_->Tick().ok());
  EXPECT_TRUE(Rollback().ok());
}

// ---- Automatic approval.

PolicySet Automatic() {
  PolicySet set = PinnedPolicies();
  set.policies[0].mutable_approval()->set_mode(v1::Approval::MODE_AUTO);
  return set;
}

TEST_F(OrdersTest, AnAutomaticPolicyApprovesWhatIsCertain) {
  Restart(Automatic());
  Connect();
  Report({Pinned()});
  EXPECT_EQ(State(), "STATE_DISPATCHED");
  EXPECT_EQ(TheOne().proposals(0).decided_by(), "policy to-bbr");
  EXPECT_THAT(Wishes(), ElementsAre("WISH_APPLY STATE_UNSPECIFIED"));
}

TEST_F(OrdersTest, WhatIsOnlyLikelyIsNeverApprovedAutomatically) {
  Restart(Automatic());
  Connect();
  v1::Finding likely = Pinned();
  likely.set_confidence(v1::CONFIDENCE_LIKELY);
  ReportFor(5, {likely});
  EXPECT_THAT(TheOne().orders(), IsEmpty());
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
}

TEST_F(OrdersTest, AnAutomaticApprovalWaitsForTheLimits) {
  PolicySet set = Automatic();
  set.policies[0].mutable_limits()->set_per_host_per_hour(1);
  Restart(set);
  Connect();
  Report({Pinned({7}, "a"), Pinned({8}, "b")});
  const v1::ListIncidentsResponse both = *coordinator_->ListIncidents({});
  ASSERT_THAT(both.incidents(), SizeIs(2));
  EXPECT_EQ(both.incidents(0).orders_size() + both.incidents(1).orders_size(), 1);
}

}  // namespace
}  // namespace tcpmedic
