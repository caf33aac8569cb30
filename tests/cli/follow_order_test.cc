#include "cli/follow_order.h"

#include <gtest/gtest.h>

#include "tests/cli/flood_examples.h"
#include "tests/cli/order_examples.h"

namespace tcpmedic::cli {
namespace {

using End = OrderStep::End;

OrderStep Step(const v1::IncidentView& view, absl::Time now = kNow) {
  return StepOf(view, "p-51c09d", now);
}

TEST(FollowOrder, BeforeTheAgentAnswersItIsWaitedFor) {
  v1::IncidentView view = PinnedCwndSent();
  EXPECT_EQ(Step(view).doing, "Waiting for the agent of web-1");
  EXPECT_EQ(Step(view).end, std::nullopt);
  view.clear_orders();
  EXPECT_EQ(Step(view).doing, "Waiting for the agent of web-1");
  EXPECT_EQ(Step(view).end, std::nullopt);
}

TEST(FollowOrder, VerifyingSaysHowFarAndHowMuch) {
  const OrderStep step = Step(PinnedCwndVerifying());
  EXPECT_EQ(step.doing, "Verifying: 3 sockets moved from cubic to bbr");
  EXPECT_EQ(step.detail, "12 of 20 s, now 64 Mbit/s (before 780 kbit/s)");
  EXPECT_EQ(step.end, std::nullopt);
}

TEST(FollowOrder, ASettingIsFollowedByWhatIsDropped) {
  const OrderStep step = StepOf(FloodVerifying(), "p-3d20f6", kNow);
  EXPECT_EQ(step.doing, "Verifying: net.ipv4.tcp_syncookies 0 → 1");
  EXPECT_EQ(step.detail, "12 of 20 s, now SYN drops 0/s (before 1,980/s)");
}

TEST(FollowOrder, ItIsNotOverBeforeTheAgentHasConfirmed) {
  v1::IncidentView view = PinnedCwndVerified();
  view.mutable_orders(0)->set_state(v1::Order::STATE_COMMITTING);
  EXPECT_EQ(Step(view).doing, "It helped: telling the agent to keep it");
  EXPECT_EQ(Step(view).end, std::nullopt);
}

TEST(FollowOrder, OnlyVerifiedIsAGoodEnd) {
  EXPECT_EQ(Step(PinnedCwndVerified()).end, End::kGood);
  EXPECT_EQ(Step(PinnedCwndRolledBack()).end, End::kBad);
  EXPECT_EQ(Step(PinnedCwndRefused()).end, End::kBad);
  EXPECT_EQ(Step(PinnedCwndDrifted()).end, End::kBad);
  EXPECT_EQ(Step(PinnedCwndInconclusive()).end, End::kBad);
}

TEST(FollowOrder, AnOrderThatEndedIsGoodOnlyIfItHadHelped) {
  v1::IncidentView view = PinnedCwndVerified();
  view.mutable_orders(0)->set_state(v1::Order::STATE_ENDED);
  EXPECT_EQ(Step(view).end, End::kGood);
  view.mutable_orders(0)->mutable_verification()->set_result(v1::Verification::RESULT_INCONCLUSIVE);
  EXPECT_EQ(Step(view).end, End::kBad);
}

TEST(FollowOrder, WhatIsBeingRolledBackIsNotOver) {
  v1::IncidentView view = PinnedCwndVerifying();
  view.mutable_orders(0)->set_roll_back_by("controller");
  view.mutable_orders(0)->set_roll_back_reason("it did not help");
  EXPECT_EQ(Step(view).doing, "Rolling back");
  EXPECT_EQ(Step(view).detail, "it did not help");
  EXPECT_EQ(Step(view).end, std::nullopt);
}

TEST(FollowOrder, ASilentAgentIsGivenUpAfterItsOwnDeadline) {
  const v1::IncidentView view = PinnedCwndSilent();
  const absl::Time rolls_back = absl::FromUnixSeconds(1795317113 + 35);
  EXPECT_EQ(Step(view).doing, "The agent of web-1 is silent");
  EXPECT_EQ(Step(view, rolls_back + kPatience).end, std::nullopt);
  EXPECT_EQ(Step(view, rolls_back + kPatience + absl::Seconds(1)).end, End::kBad);
}

TEST(FollowOrder, ASilentAgentThatNeverAppliedIsGivenUpAfterTheOrderExpired) {
  v1::IncidentView view = PinnedCwndSent();
  view.mutable_orders(0)->set_state(v1::Order::STATE_UNKNOWN);
  const absl::Time expires = absl::FromUnixSeconds(1795317123 + 30);
  EXPECT_EQ(Step(view, expires).end, std::nullopt);
  EXPECT_EQ(Step(view, expires + kPatience + absl::Seconds(1)).end, End::kBad);
}

TEST(FollowOrder, AProposalThatBecameVoidIsAnEnd) {
  v1::IncidentView view = PinnedCwndProposed();
  view.mutable_proposals(0)->set_state(v1::Proposal::STATE_VOID);
  view.mutable_proposals(0)->set_reason("the symptom has gone");
  EXPECT_EQ(Step(view).doing, "The proposal is void: the symptom has gone");
  EXPECT_EQ(Step(view).end, End::kBad);
}

TEST(FollowOrder, TheOrderIsTheFirstOfItsApproval) {
  v1::IncidentView view = PinnedCwndSent();
  *view.add_orders() = PinnedCwndVerified().orders(0);  // the older one
  v1::Order& another = *view.add_orders();
  another.set_proposal_id("p-other");
  EXPECT_EQ(OrderOf(view, "p-51c09d"), &view.orders(1));
  EXPECT_EQ(OrderOf(view, "p-none"), nullptr);
}

}  // namespace
}  // namespace tcpmedic::cli
