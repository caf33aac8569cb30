#include "controller/incident/proposal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
const absl::Time kDeadline = kStart + absl::Hours(1);

v1::Proposal In(v1::Proposal::State state) {
  v1::Proposal proposal;
  proposal.set_id("p-1");
  proposal.set_digest("d");
  proposal.set_state(state);
  *proposal.mutable_expires_at() = ToProto(kDeadline);
  return proposal;
}

constexpr auto kPending = v1::Proposal::STATE_PENDING;
constexpr auto kApproved = v1::Proposal::STATE_APPROVED;
constexpr auto kRejected = v1::Proposal::STATE_REJECTED;
constexpr auto kExpired = v1::Proposal::STATE_EXPIRED;
constexpr auto kVoid = v1::Proposal::STATE_VOID;
constexpr auto kUnset = v1::Proposal::STATE_UNSPECIFIED;

TEST(Proposal, PendingEndsWithWhoWhenAndWhy) {
  struct Case {
    ProposalEnding ending;
    absl::Time at;
  };
  for (const Case& c :
       {Case{{kApproved, "ann", ""}, kStart}, Case{{kRejected, "ann", "backup"}, kStart},
        Case{{kRejected, "ann", "late, but said"}, kDeadline},
        Case{{kExpired, "controller", "nobody answered"}, kDeadline},
        Case{{kVoid, "controller", "the finding has gone"}, kStart}}) {
    SCOPED_TRACE(v1::Proposal::State_Name(c.ending.how));
    absl::StatusOr<v1::Proposal> ended = End(In(kPending), c.ending, c.at);
    ASSERT_TRUE(ended.ok()) << ended.status();
    v1::Proposal expected = In(c.ending.how);
    *expected.mutable_decided_at() = ToProto(c.at);
    expected.set_decided_by(c.ending.by);
    expected.set_reason(c.ending.reason);
    EXPECT_EQ(ended->DebugString(), expected.DebugString());
  }
}

TEST(Proposal, IllegalEndingsAreRefused) {
  struct Case {
    std::string name;
    v1::Proposal::State state;
    ProposalEnding ending;
    absl::Time at;
    absl::StatusCode code;
    std::string message;
  };
  constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
  constexpr auto kArgument = absl::StatusCode::kInvalidArgument;
  for (const Case& c : {
           Case{"approved at the deadline",
                kPending,
                {kApproved, "ann", ""},
                kDeadline,
                kPrecondition,
                "has expired"},
           Case{"expired early",
                kPending,
                {kExpired, "controller", ""},
                kStart,
                kPrecondition,
                "not reached its deadline"},
           Case{"approved by nobody", kPending, {kApproved, "", ""}, kStart, kArgument, "name"},
           Case{"rejected by nobody", kPending, {kRejected, " ", "x"}, kStart, kArgument, "name"},
           Case{"rejected without reason",
                kPending,
                {kRejected, "ann", " "},
                kStart,
                kArgument,
                "reason"},
           Case{"void without reason",
                kPending,
                {kVoid, "controller", ""},
                kStart,
                kArgument,
                "reason"},
           Case{"ended pending",
                kPending,
                {kPending, "ann", "x"},
                kStart,
                kArgument,
                "does not end pending"},
           Case{"ended unset", kPending, {kUnset, "ann", "x"}, kStart, kArgument, "does not end"},
           Case{"approved after approval",
                kApproved,
                {kApproved, "bob", ""},
                kStart,
                kPrecondition,
                "p-1 is approved"},
           Case{"approved after rejection",
                kRejected,
                {kApproved, "bob", ""},
                kStart,
                kPrecondition,
                "p-1 is rejected"},
           Case{"approved after void",
                kVoid,
                {kApproved, "bob", ""},
                kStart,
                kPrecondition,
                "p-1 is void"},
           Case{"rejected after expiry",
                kExpired,
                {kRejected, "bob", "x"},
                kDeadline,
                kPrecondition,
                "p-1 is expired"},
           Case{"void after approval",
                kApproved,
                {kVoid, "controller", "x"},
                kStart,
                kPrecondition,
                "p-1 is approved"},
           Case{"ended in no state",
                kUnset,
                {kVoid, "controller", "x"},
                kStart,
                kPrecondition,
                "not pending"},
       }) {
    SCOPED_TRACE(c.name);
    absl::StatusOr<v1::Proposal> ended = End(In(c.state), c.ending, c.at);
    EXPECT_EQ(ended.status().code(), c.code) << ended.status();
    EXPECT_THAT(std::string(ended.status().message()), HasSubstr(c.message));
  }
}

TEST(Proposal, OnlyAPendingOneIsOverdueFromItsDeadlineOn) {
  EXPECT_FALSE(IsOverdue(In(kPending), kDeadline - absl::Nanoseconds(1)));
  EXPECT_TRUE(IsOverdue(In(kPending), kDeadline));
  EXPECT_FALSE(IsOverdue(In(kApproved), kDeadline));
}

}  // namespace
}  // namespace tcpmedic
