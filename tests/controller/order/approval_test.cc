#include "controller/order/approval.h"

#include <gtest/gtest.h>

#include "controller/wire_time.h"

namespace tcpmedic {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);  // 22:13:20Z

v1::IncidentView Proposed(v1::Proposal::State state = v1::Proposal::STATE_PENDING) {
  v1::IncidentView view;
  view.mutable_incident()->set_id("i-1");
  view.mutable_incident()->set_proposal_id("p-1");
  v1::Proposal* proposal = view.add_proposals();
  proposal->set_id("p-1");
  proposal->set_state(state);
  proposal->set_digest("d");
  *proposal->mutable_expires_at() = ToWire(kStart + absl::Hours(1));
  if (state != v1::Proposal::STATE_PENDING) {
    *proposal->mutable_decided_at() = ToWire(kStart + absl::Minutes(1));
    proposal->set_decided_by("ann");
    proposal->set_reason("the finding has gone");
  }
  return view;
}

absl::Status Check(const v1::IncidentView& view, const std::string& actor = "bob",
                   const std::string& digest = "", absl::Duration later = absl::Minutes(2)) {
  v1::ApproveRequest request;
  request.set_id("i-1");
  request.set_actor(actor);
  request.set_digest(digest);
  return CheckApproval(view, request, kStart + later);
}

std::string Precondition(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  return std::string(status.message());
}

TEST(CheckApproval, WhatIsPendingMayBeApproved) {
  EXPECT_TRUE(Check(Proposed()).ok());
  EXPECT_TRUE(Check(Proposed(), "bob", "d").ok());
}

TEST(CheckApproval, WhatHasChangedSinceItWasSeenIsAborted) {
  EXPECT_EQ(Check(Proposed(), "bob", "e").code(), absl::StatusCode::kAborted);
}

TEST(CheckApproval, NobodyMayNotApprove) {
  EXPECT_EQ(Check(Proposed(), " ").code(), absl::StatusCode::kInvalidArgument);
}

TEST(CheckApproval, EachWayOfComingTooLateHasItsAnswer) {
  v1::IncidentView approved = Proposed(v1::Proposal::STATE_APPROVED);
  approved.add_orders()->set_id("o-1");
  approved.mutable_orders(0)->set_proposal_id("p-1");
  EXPECT_EQ(Precondition(Check(approved)),
            "proposal p-1 of i-1 has been approved already, by ann at 22:14:20Z; order o-1 is its "
            "answer: `tcpmedic show i-1` says how it stands");
  EXPECT_EQ(Precondition(Check(Proposed(), "bob", "", absl::Hours(1))),
            "proposal p-1 of i-1 expired at 23:13:20Z: `tcpmedic propose i-1` asks for a new "
            "proposal");
  EXPECT_EQ(Precondition(Check(Proposed(v1::Proposal::STATE_EXPIRED))),
            "proposal p-1 of i-1 expired at 23:13:20Z: `tcpmedic propose i-1` asks for a new "
            "proposal");
  EXPECT_EQ(Precondition(Check(Proposed(v1::Proposal::STATE_VOID))),
            "proposal p-1 of i-1 is void since the finding has gone: there is nothing left to act "
            "on");
  EXPECT_EQ(Precondition(Check(Proposed(v1::Proposal::STATE_REJECTED))),
            "proposal p-1 of i-1 was rejected by ann at 22:14:20Z (the finding has gone): "
            "`tcpmedic propose i-1` asks for a new proposal");
  v1::IncidentView none;
  none.mutable_incident()->set_id("i-1");
  EXPECT_EQ(Precondition(Check(none)), "i-1 has no proposal to approve");
}

v1::IncidentView WithOrders() {
  v1::IncidentView view = Proposed(v1::Proposal::STATE_APPROVED);
  for (const auto& [id, state] : std::vector<std::pair<std::string, v1::Order::State>>{
           {"o-abd", v1::Order::STATE_ROLLED_BACK},
           {"o-abc", v1::Order::STATE_COMMITTED},
           {"o-x", v1::Order::STATE_COMMITTED}}) {
    v1::Order* order = view.add_orders();
    order->set_id(id);
    order->set_state(state);
    order->set_reason("not improved");
  }
  return view;
}

TEST(OrderToRollBack, IsTheNewestOfWhichSomethingMayBeOnTheHost) {
  EXPECT_EQ(OrderToRollBack(WithOrders(), "")->id(), "o-abc");
}

TEST(OrderToRollBack, MayBeNamedByItsBeginning) {
  EXPECT_EQ(OrderToRollBack(WithOrders(), "X")->id(), "o-x");
  EXPECT_EQ(OrderToRollBack(WithOrders(), "o-abd")->id(), "o-abd");
  EXPECT_EQ(OrderToRollBack(WithOrders(), "ab").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OrderToRollBack(WithOrders(), "q").status().code(), absl::StatusCode::kNotFound);
}

TEST(OrderToRollBack, NothingAppliedIsSaidSo) {
  v1::IncidentView view = WithOrders();
  view.mutable_orders()->DeleteSubrange(1, 2);
  EXPECT_EQ(Precondition(OrderToRollBack(view, "").status()),
            "i-1 has no order of which anything is applied; its newest, o-abd, is over: not "
            "improved");
}

}  // namespace
}  // namespace tcpmedic
