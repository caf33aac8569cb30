#include "controller/order/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "controller/order/story.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
absl::Time At(int seconds) { return kStart + absl::Seconds(seconds); }

v1::Proposal ApprovedProposal() {
  v1::Proposal proposal;
  proposal.set_id("p-1");
  proposal.set_incident_id("i-1");
  proposal.set_policy("to-bbr");
  proposal.mutable_selector()->set_host("web1");
  proposal.mutable_selector()->set_netns_cookie(42);
  proposal.mutable_action()->mutable_set_congestion_control()->set_algorithm("bbr");
  proposal.set_targets_max(200);
  proposal.set_holdback_ratio(0.1);
  proposal.mutable_verify()->mutable_after()->set_seconds(20);
  return proposal;
}

v1::OrderReport Report(v1::Order::State state, int measured_until = 0) {
  v1::OrderReport report;
  report.set_order_id("o-1");
  report.set_state(state);
  *report.mutable_applied_at() = ToProto(At(1));
  v1::Target* target = report.add_targets();
  target->mutable_socket()->set_cookie(7);
  target->set_state(state == v1::Order::STATE_ROLLED_BACK ? v1::Target::STATE_UNDONE
                                                          : v1::Target::STATE_APPLIED);
  if (measured_until > 0) {
    *report.mutable_measured()->mutable_after()->mutable_end() = ToProto(At(measured_until));
  }
  return report;
}

v1::Verification Verdict(v1::Verification::Result result) {
  v1::Verification verdict;
  verdict.set_result(result);
  verdict.set_reason("the arithmetic");
  return verdict;
}

const OrderEvent kDispatch = OrderDispatched{11, At(30)};
const OrderEvent kImproved = OrderJudged{Verdict(v1::Verification::RESULT_IMPROVED)};
const OrderEvent kNotImproved = OrderJudged{Verdict(v1::Verification::RESULT_NOT_IMPROVED)};
const OrderEvent kAnnWantsItBack = RollbackAsked{"ann", "backup runs"};
OrderEvent Told(v1::Order::State state) { return OrderReported{Report(state)}; }

v1::Order After(std::vector<OrderEvent> events) {
  v1::Order order = MakeOrder(ApprovedProposal(), "o-1", 100, kStart);
  for (const OrderEvent& event : events) {
    absl::StatusOr<v1::Order> next = Advance(order, event, At(100));
    EXPECT_TRUE(next.ok()) << next.status();
    order = *next;
  }
  return order;
}

v1::Order Pending() { return After({}); }
v1::Order Dispatched() { return After({kDispatch}); }
v1::Order Applied() { return After({kDispatch, Told(v1::Order::STATE_APPLIED)}); }
v1::Order Committing() { return After({kDispatch, Told(v1::Order::STATE_APPLIED), kImproved}); }
v1::Order Committed() {
  return After(
      {kDispatch, Told(v1::Order::STATE_APPLIED), kImproved, Told(v1::Order::STATE_COMMITTED)});
}
v1::Order RollingBack() { return After({kDispatch, Told(v1::Order::STATE_APPLIED), kNotImproved}); }
v1::Order RolledBack() {
  return After({kDispatch, Told(v1::Order::STATE_APPLIED), kNotImproved,
                Told(v1::Order::STATE_ROLLED_BACK)});
}
v1::Order SilentWhileApplied() {
  return After({kDispatch, Told(v1::Order::STATE_APPLIED), OrderHostSilent{}});
}
v1::Order GivenUp() { return After({kDispatch, OrderNeverBegun{}}); }

TEST(MakeOrder, TakesWhatWasApproved) {
  const v1::Order order = Pending();
  EXPECT_EQ(order.state(), v1::Order::STATE_PENDING);
  EXPECT_EQ(order.proposal_id(), "p-1");
  EXPECT_EQ(order.incident_id(), "i-1");
  EXPECT_EQ(order.policy(), "to-bbr");
  EXPECT_EQ(order.action().set_congestion_control().algorithm(), "bbr");
  EXPECT_EQ(order.targets_max(), 100);
  EXPECT_EQ(order.holdback_ratio(), 0.1);
  EXPECT_EQ(order.verify_after().seconds(), 20);
  EXPECT_EQ(order.confirm_within().seconds(), 35);
}

std::string WishName(const v1::Order& order) {
  const auto wish = WishFor(order);
  if (!wish.has_value()) return "none";
  return absl::StrCat(v1::OrderWish::Wish_Name(wish->wish()), " ",
                      v1::Order::State_Name(wish->stored()));
}
std::vector<std::string> Lines(const v1::Order& was, const v1::Order& now) {
  std::vector<std::string> lines;
  for (const OrderLine& line : Story(was, now)) lines.push_back(line.what + " by " + line.actor);
  return lines;
}

struct LifeCase {
  std::string name;
  v1::Order before;
  OrderEvent event;
  v1::Order::State state;
  std::string wish;
  std::vector<std::string> told;
};
class OrderLife : public ::testing::TestWithParam<LifeCase> {};

TEST_P(OrderLife, LeadsTo) {
  const LifeCase& life = GetParam();
  absl::StatusOr<v1::Order> next = Advance(life.before, life.event, At(101));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(v1::Order::State_Name(next->state()), v1::Order::State_Name(life.state));
  EXPECT_EQ(WishName(*next), life.wish);
  EXPECT_EQ(Lines(life.before, *next), life.told);
}

constexpr auto kRefused = v1::Order::STATE_REFUSED;
constexpr auto kApplied = v1::Order::STATE_APPLIED;
constexpr auto kCommitted = v1::Order::STATE_COMMITTED;
constexpr auto kEnded = v1::Order::STATE_ENDED;
constexpr auto kRolledBack = v1::Order::STATE_ROLLED_BACK;
constexpr auto kDrifted = v1::Order::STATE_DRIFTED;
constexpr auto kUnknown = v1::Order::STATE_UNKNOWN;

const char kApplyNew[] = "WISH_APPLY STATE_UNSPECIFIED";
const char kApplySeen[] = "WISH_APPLY STATE_APPLIED";
const char kCommitWish[] = "WISH_COMMIT STATE_APPLIED";
const char kCommitSeen[] = "WISH_COMMIT STATE_COMMITTED";
const char kUndoApplied[] = "WISH_ROLL_BACK STATE_APPLIED";
const char kUndoCommitted[] = "WISH_ROLL_BACK STATE_COMMITTED";

INSTANTIATE_TEST_SUITE_P(
    Order, OrderLife,
    ::testing::Values(
        LifeCase{"Dispatch",
                 Pending(),
                 kDispatch,
                 v1::Order::STATE_DISPATCHED,
                 kApplyNew,
                 {"dispatched by controller"}},
        LifeCase{"Refused", Dispatched(), Told(kRefused), kRefused, "none", {"refused by agent"}},
        LifeCase{
            "Applied", Dispatched(), Told(kApplied), kApplied, kApplySeen, {"applied by agent"}},
        LifeCase{"AppliedAgainIsNotTold", Applied(), Told(kApplied), kApplied, kApplySeen, {}},
        LifeCase{"Improved",
                 Applied(),
                 kImproved,
                 v1::Order::STATE_COMMITTING,
                 kCommitWish,
                 {"judged by controller"}},
        LifeCase{"NotImproved",
                 Applied(),
                 kNotImproved,
                 kApplied,
                 kUndoApplied,
                 {"judged by controller"}},
        LifeCase{"ALateAppliedDoesNotStopTheCommit",
                 Committing(),
                 Told(kApplied),
                 v1::Order::STATE_COMMITTING,
                 kCommitWish,
                 {}},
        LifeCase{"CommitAcknowledged",
                 Committing(),
                 Told(kCommitted),
                 kCommitted,
                 kCommitSeen,
                 {"verified by agent"}},
        LifeCase{"ALateAppliedDoesNotUncommit",
                 Committed(),
                 Told(kApplied),
                 kCommitted,
                 kCommitSeen,
                 {}},
        LifeCase{"TheHostWasFaster",
                 Committing(),
                 Told(kRolledBack),
                 kRolledBack,
                 "none",
                 {"rolled_back by agent"}},
        LifeCase{"UndoneByItselfBeforeAVerdict",
                 Applied(),
                 Told(kRolledBack),
                 kRolledBack,
                 "none",
                 {"rolled_back by agent"}},
        LifeCase{"RolledBackAsWished",
                 RollingBack(),
                 Told(kRolledBack),
                 kRolledBack,
                 "none",
                 {"rolled_back by agent"}},
        LifeCase{"DriftedInstead",
                 RollingBack(),
                 Told(kDrifted),
                 kDrifted,
                 "none",
                 {"drifted by agent"}},
        LifeCase{"CommittedWhenItShouldGo",
                 RollingBack(),
                 Told(kCommitted),
                 kCommitted,
                 kUndoCommitted,
                 {"verified by agent"}},
        LifeCase{"AHostThatForgotWhatItAppliedEndsIt",
                 Applied(),
                 Told(kRefused),
                 kEnded,
                 "none",
                 {"ended by agent"}},
        LifeCase{"AHostThatForgotWhatItCommittedEndsIt",
                 Committed(),
                 Told(kRefused),
                 kEnded,
                 "none",
                 {"ended by agent"}},
        LifeCase{"RolledBackStaysSo", RolledBack(), Told(kDrifted), kRolledBack, "none", {}},
        LifeCase{"EverythingMissedButTheEnd",
                 Dispatched(),
                 Told(kEnded),
                 kEnded,
                 "none",
                 {"ended by agent"}},
        LifeCase{"CommittedEnds", Committed(), Told(kEnded), kEnded, "none", {"ended by agent"}},
        LifeCase{"RollbackBeforeTheVerdict",
                 Applied(),
                 kAnnWantsItBack,
                 kApplied,
                 kUndoApplied,
                 {"rolling_back by ann"}},
        LifeCase{"RollbackOfACommitOnItsWay",
                 Committing(),
                 kAnnWantsItBack,
                 kApplied,
                 kUndoApplied,
                 {"rolling_back by ann"}},
        LifeCase{"RollbackAfterTheCommit",
                 Committed(),
                 kAnnWantsItBack,
                 kCommitted,
                 kUndoCommitted,
                 {"rolling_back by ann"}},
        LifeCase{"RollbackBeforeTheFirstReport",
                 Dispatched(),
                 kAnnWantsItBack,
                 v1::Order::STATE_DISPATCHED,
                 "WISH_ROLL_BACK STATE_UNSPECIFIED",
                 {"rolling_back by ann"}},
        LifeCase{"SilentBeforeTheFirstReport",
                 Dispatched(),
                 OrderHostSilent{},
                 kUnknown,
                 kApplyNew,
                 {"unknown by controller"}},
        LifeCase{"SilentWhileApplied",
                 Applied(),
                 OrderHostSilent{},
                 kUnknown,
                 kApplySeen,
                 {"unknown by controller"}},
        LifeCase{"SilentWhileCommitting",
                 Committing(),
                 OrderHostSilent{},
                 kUnknown,
                 kCommitWish,
                 {"unknown by controller"}},
        LifeCase{"HeardAgain",
                 SilentWhileApplied(),
                 OrderHostHeard{},
                 kApplied,
                 kApplySeen,
                 {"known by controller"}},
        LifeCase{"HeardAgainWithTheEnd",
                 SilentWhileApplied(),
                 Told(kRolledBack),
                 kRolledBack,
                 "none",
                 {"rolled_back by agent"}},
        LifeCase{"NeverBegun",
                 Dispatched(),
                 OrderNeverBegun{},
                 kRefused,
                 "none",
                 {"refused by controller"}},
        LifeCase{"BegunAfterItWasGivenUpIsUndone",
                 GivenUp(),
                 Told(kApplied),
                 kApplied,
                 kUndoApplied,
                 {"applied by agent", "rolling_back by controller"}}),
    [](const auto& test) { return test.param.name; });

struct IllegalCase {
  std::string name;
  v1::Order before;
  OrderEvent event;
  absl::StatusCode code;
};
class IllegalOrderStep : public ::testing::TestWithParam<IllegalCase> {};

TEST_P(IllegalOrderStep, IsRefused) {
  const absl::Status status = Advance(GetParam().before, GetParam().event, At(59)).status();
  EXPECT_EQ(status.code(), GetParam().code) << status;
}

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    Order, IllegalOrderStep,
    ::testing::Values(
        IllegalCase{"DispatchTwice", Dispatched(), kDispatch, kPrecondition},
        IllegalCase{"ReportOfWhatWasNeverSent", Pending(), Told(kApplied), kPrecondition},
        IllegalCase{"JudgedBeforeApply", Dispatched(), kImproved, kPrecondition},
        IllegalCase{"JudgedTwice", Committing(), kNotImproved, kPrecondition},
        IllegalCase{"JudgedWhileRollingBack", RollingBack(), kImproved, kPrecondition},
        IllegalCase{"JudgedByNothing", Applied(), OrderJudged{}, kInvalid},
        IllegalCase{"RollbackTwice", RollingBack(), kAnnWantsItBack, kPrecondition},
        IllegalCase{"RollbackWhenOver", RolledBack(), kAnnWantsItBack, kPrecondition},
        IllegalCase{"RollbackOfWhatWasNeverSent", Pending(), kAnnWantsItBack, kPrecondition},
        IllegalCase{"RollbackByNobody", Committed(), RollbackAsked{" ", ""}, kInvalid},
        IllegalCase{"SilenceAboutWhatIsSettled", Committed(), OrderHostSilent{}, kPrecondition},
        IllegalCase{"HeardThoughNeverSilent", Applied(), OrderHostHeard{}, kPrecondition},
        IllegalCase{"GivenUpTooSoon", Dispatched(), OrderNeverBegun{}, kPrecondition},
        IllegalCase{"GivenUpThoughApplied", Applied(), OrderNeverBegun{}, kPrecondition},
        IllegalCase{"AStateThatNoAgentReports", Applied(), Told(v1::Order::STATE_COMMITTING),
                    kInvalid},
        IllegalCase{"AnotherOrdersReport", Applied(), OrderReported{v1::OrderReport()}, kInvalid}),
    [](const auto& test) { return test.param.name; });

TEST(OrderReportedTest, ARepeatedReportChangesNothing) {
  for (const v1::Order& order : {Applied(), Committing(), Committed(), RolledBack()}) {
    const auto again = Advance(order, Told(order.reported()), At(200));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->DebugString(), order.DebugString());
  }
}

TEST(OrderReportedTest, AnOlderMeasurementDoesNotReplaceANewerOne) {
  v1::Order order = After({kDispatch, OrderReported{Report(kApplied, 20)}});
  order = *Advance(order, OrderReported{Report(kApplied, 10)}, At(101));
  EXPECT_EQ(FromProtoOrInfinitePast(order.verification().after().end()), At(20));
  order = *Advance(order, OrderReported{Report(kApplied, 21)}, At(101));
  EXPECT_EQ(FromProtoOrInfinitePast(order.verification().after().end()), At(21));
}

TEST(OrderReportedTest, WhatWasDecidedByIsKept) {
  const v1::Order decided = Committing();
  const v1::Order later = *Advance(decided, OrderReported{Report(kApplied, 99)}, At(101));
  EXPECT_EQ(later.verification().DebugString(), decided.verification().DebugString());
}

TEST(OrderReportedTest, AnAgentDoesNotJudgeItself) {
  v1::OrderReport report = Report(kApplied, 20);
  report.mutable_measured()->set_result(v1::Verification::RESULT_IMPROVED);
  const v1::Order order = After({kDispatch, OrderReported{report}});
  EXPECT_EQ(order.state(), v1::Order::STATE_APPLIED);
  EXPECT_EQ(order.verification().result(), v1::Verification::RESULT_UNSPECIFIED);
}

TEST(OrderReportedTest, WhatIsKeptOfItIsBounded) {
  v1::OrderReport report = Report(kApplied, 20);
  for (int i = 0; i < 3000; ++i) {
    report.add_targets();
    *report.mutable_measured()->add_course()->mutable_at() = ToProto(At(i));
  }
  const v1::Order order = After({kDispatch, OrderReported{report}});
  EXPECT_EQ(order.targets_size(), kMaxTargetsReported);
  ASSERT_EQ(order.verification().course_size(), kMaxCoursePoints);
  EXPECT_EQ(FromProtoOrInfinitePast(order.verification().course(kMaxCoursePoints - 1).at()),
            At(2999));
}

TEST(WishForTest, CarriesWhatToDoAndNothingOfHowItStands) {
  const v1::OrderWish wish = *WishFor(Applied());
  EXPECT_EQ(wish.order().id(), "o-1");
  EXPECT_EQ(wish.order().session_nonce(), 11u);
  EXPECT_EQ(FromProtoOrInfinitePast(wish.order().expires_at()), At(30));
  EXPECT_EQ(wish.order().selector().netns_cookie(), 42u);
  EXPECT_EQ(wish.order().confirm_within().seconds(), 35);
  EXPECT_THAT(wish.order().targets(), IsEmpty());
  EXPECT_FALSE(wish.order().has_verification());
  EXPECT_EQ(WishFor(RollingBack())->reason(), "the arithmetic");
}

TEST(StoryTest, SaysHowManySocketsWereChanged) {
  v1::OrderReport report = Report(kApplied);
  report.mutable_targets(0)->set_state(v1::Target::STATE_APPLIED);
  report.add_targets()->set_held_back(true);
  report.add_targets()->set_state(v1::Target::STATE_REFUSED);
  const v1::Order was = Dispatched();
  const auto lines = Story(was, *Advance(was, OrderReported{report}, At(101)));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].text,
            "Order o-1 is applied to 1 of 3 sockets, 1 held back, 1 refused; judged after 20s, and "
            "undone by the host itself after 35s if nobody confirms");
}

// ---- Orders of sysctls.

v1::Proposal CookiesOn() {
  v1::Proposal proposal = ApprovedProposal();
  v1::SetSysctl::Setting* setting = proposal.mutable_action()->mutable_set_sysctl()->add_settings();
  setting->set_name("net.ipv4.tcp_syncookies");
  setting->set_value("1");
  proposal.set_targets_max(1);
  proposal.set_holdback_ratio(0);
  proposal.mutable_lease()->mutable_for_()->set_seconds(7200);
  proposal.mutable_lease()->set_renew_while("netns.syncookies_sent_per_s > 1.0");
  return proposal;
}

v1::Order CookiesAfter(std::vector<OrderEvent> events) {
  v1::Order order = MakeOrder(CookiesOn(), "o-1", 1, kStart);
  for (const OrderEvent& event : events) order = *Advance(order, event, At(100));
  return order;
}

OrderEvent CookiesTold(v1::Order::State state, v1::Target::State target_state,
                       const std::string& reason = "") {
  OrderReported told{Report(state)};
  told.report.set_reason(reason);
  v1::Target* target = told.report.mutable_targets(0);
  target->set_sysctl("net.ipv4.tcp_syncookies");
  target->set_state(target_state);
  target->set_value_before("0");
  target->set_value_after("1");
  if (state == v1::Order::STATE_COMMITTED) {
    *told.report.mutable_lease_until() = ToProto(At(7300));
  }
  return told;
}

const OrderEvent kCookiesApplied = CookiesTold(kApplied, v1::Target::STATE_APPLIED);
const OrderEvent kCookiesCommitted = CookiesTold(kCommitted, v1::Target::STATE_APPLIED);

TEST(SysctlOrder, CarriesItsLeaseToTheAgentAndTakesItsEndFromThere) {
  const v1::Order order = CookiesAfter({kDispatch, kCookiesApplied, kImproved});
  EXPECT_EQ(WishFor(order)->order().lease().for_().seconds(), 7200);
  EXPECT_EQ(WishFor(order)->order().lease().renew_while(), "netns.syncookies_sent_per_s > 1.0");
  EXPECT_FALSE(order.has_lease_until());
  const v1::Order committed = *Advance(order, kCookiesCommitted, At(101));
  EXPECT_EQ(FromProtoOrInfinitePast(committed.lease_until()), At(7300));
  EXPECT_FALSE(Dispatched().has_lease());
  EXPECT_FALSE(WishFor(Dispatched())->order().has_lease());
}

TEST(SysctlOrder, StoryNamesTheSettingAndItsValues) {
  const std::vector<OrderEvent> begun = {kDispatch, kCookiesApplied};
  std::vector<OrderEvent> confirmed = begun;
  confirmed.insert(confirmed.end(), {kImproved, kCookiesCommitted});
  struct StoryCase {
    std::vector<OrderEvent> before;
    OrderEvent event;
    std::string text;
  };
  const StoryCase cases[] = {
      {{}, kDispatch, "Order o-1 is sent to web1: set net.ipv4.tcp_syncookies = 1"},
      {{kDispatch},
       kCookiesApplied,
       "Order o-1 is applied: net.ipv4.tcp_syncookies 0 → 1; judged after 20s, and undone by the "
       "host itself after 35s if nobody confirms"},
      {{kDispatch, kCookiesApplied, kImproved},
       kCookiesCommitted,
       "Order o-1 is confirmed and is taken back by the host itself 2h after the last moment with "
       "netns.syncookies_sent_per_s > 1.0: the arithmetic"},
      {{kDispatch, kCookiesApplied, kNotImproved},
       CookiesTold(kRolledBack, v1::Target::STATE_UNDONE),
       "Order o-1 is rolled back: net.ipv4.tcp_syncookies is 0 again: the arithmetic"},
      {confirmed, CookiesTold(kDrifted, v1::Target::STATE_DRIFTED, "it is 2 now"),
       "Order o-1 has drifted: somebody else has changed net.ipv4.tcp_syncookies, which is "
       "left alone: it is 2 now"},
      {confirmed, CookiesTold(kEnded, v1::Target::STATE_UNDONE, "the lease ran out"),
       "Order o-1 has ended: the lease ran out: net.ipv4.tcp_syncookies is 0 again"},
      {confirmed, CookiesTold(kEnded, v1::Target::STATE_DRIFTED, "the lease ran out"),
       "Order o-1 has ended: the lease ran out: net.ipv4.tcp_syncookies was changed by somebody "
       "else and is left alone"},
      {confirmed, CookiesTold(kEnded, v1::Target::STATE_GONE),
       "Order o-1 has ended with its namespace"},
  };
  for (const StoryCase& test : cases) {
    const v1::Order was = CookiesAfter(test.before);
    const auto lines = Story(was, *Advance(was, test.event, At(101)));
    ASSERT_EQ(lines.size(), 1u) << test.text;
    EXPECT_EQ(lines[0].text, test.text);
  }
}

// Whatever comes in whatever order: what is over stays over, with nothing wished of it, unless it
// was given up and had begun after all; the agent's newest word is never replaced by an older one.
TEST(OrderProperties, HoldForEverySequenceOfEvents) {
  std::mt19937 random(7);
  const std::vector<OrderEvent> events = {
      kDispatch,        kImproved,         kNotImproved,   kAnnWantsItBack, OrderHostSilent{},
      OrderHostHeard{}, OrderNeverBegun{}, Told(kRefused), Told(kApplied),  Told(kCommitted),
      Told(kEnded),     Told(kRolledBack), Told(kDrifted)};
  for (int life = 0; life < 3000; ++life) {
    v1::Order order = Pending();
    for (int step = 0; step < 12; ++step) {
      const auto next = Advance(order, events[random() % events.size()], At(100 + step));
      if (!next.ok()) continue;
      if (IsOver(order) && order.reported() != v1::Order::STATE_UNSPECIFIED) {
        ASSERT_EQ(next->state(), order.state());
      }
      if (IsOver(*next)) {
        ASSERT_FALSE(WishFor(*next).has_value());
        ASSERT_FALSE(IsUnderWay(*next));
      }
      if (order.reported() == kCommitted) {
        ASSERT_NE(next->reported(), kApplied);
      }
      // Once somebody wants it undone, nothing else is wished.
      if (!order.roll_back_by().empty() && WishFor(*next).has_value()) {
        ASSERT_EQ(WishFor(*next)->wish(), v1::OrderWish::WISH_ROLL_BACK);
      }
      order = *next;
    }
  }
}

}  // namespace
}  // namespace tcpmedic
