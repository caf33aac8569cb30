#include "agent/act/order_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/agent/act/order_desk.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kApply = v1::OrderWish::WISH_APPLY;
constexpr auto kCommit = v1::OrderWish::WISH_COMMIT;
constexpr auto kRollBack = v1::OrderWish::WISH_ROLL_BACK;

class OrderBookTest : public ::testing::Test {
 protected:
  // Two sockets, and an order of which both are targets.
  void ApplyToTwo() {
    desk.AddSockets(2);
    desk.Start();
    order = desk.Order("o-1");
    ASSERT_TRUE(desk.Wish(kApply, order));
    ASSERT_EQ(desk.Reports(), "o-1 APPLIED: 1=APPLIED 2=APPLIED\n");
    ASSERT_EQ(desk.host.Show(), "1 bbr 2 bbr");
  }

  OrderDesk desk;
  v1::Order order;
};

TEST_F(OrderBookTest, AnOrderIsAppliedOnceHoweverOftenItIsWished) {
  ApplyToTwo();
  EXPECT_FALSE(desk.Wish(kApply, order));
  EXPECT_FALSE(desk.Step());
  EXPECT_EQ(desk.host.exchanges, 2);
  const v1::OrderReport report = desk.book->Reports().at(0);
  EXPECT_EQ(report.targets(0).value_before(), "cubic");
  EXPECT_EQ(report.targets(0).value_after(), "bbr");
  EXPECT_EQ(report.targets(0).socket().remote().ip(), "203.0.113.20");
  EXPECT_EQ(report.rolls_back_at().seconds() - report.applied_at().seconds(), 35);
  EXPECT_EQ(desk.book->NextDeadline(), desk.clock.Now().uptime + absl::Seconds(35));
  // The candidates' processes were known: nothing else was looked through.
  EXPECT_EQ(desk.host.full_searches, 0);
}

TEST_F(OrderBookTest, WithoutACommitItUndoesItselfAtItsDeadline) {
  ApplyToTwo();
  desk.clock.Advance(absl::Seconds(34));
  EXPECT_FALSE(desk.Step());
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr");
  desk.clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(desk.Step());
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(desk.Reports(), "o-1 ROLLED_BACK no commit came in time: 1=UNDONE 2=UNDONE\n");
  EXPECT_EQ(desk.book->NextDeadline(), absl::InfiniteDuration());
}

TEST_F(OrderBookTest, ACommitAfterTheDeadlineIsTooLate) {
  ApplyToTwo();
  desk.clock.Advance(absl::Seconds(35));
  EXPECT_TRUE(desk.Wish(kCommit, order));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(desk.Reports(), "o-1 ROLLED_BACK no commit came in time: 1=UNDONE 2=UNDONE\n");
}

TEST_F(OrderBookTest, ACommitStaysAndIsReportedUntilItIsStored) {
  ApplyToTwo();
  EXPECT_TRUE(desk.Wish(kCommit, order));
  EXPECT_EQ(desk.Reports(), "o-1 COMMITTED: 1=APPLIED 2=APPLIED\n");
  EXPECT_FALSE(desk.Wish(kCommit, order, "", v1::Order::STATE_APPLIED));
  EXPECT_EQ(desk.Reports(), "o-1 COMMITTED: 1=APPLIED 2=APPLIED\n");
  EXPECT_FALSE(desk.Wish(kCommit, order, "", v1::Order::STATE_COMMITTED));
  EXPECT_EQ(desk.Reports(), "");
  desk.clock.Advance(absl::Hours(5));
  EXPECT_FALSE(desk.Step());
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr");
}

TEST_F(OrderBookTest, ACommitThatCannotBeRecordedIsNone) {
  ApplyToTwo();
  desk.disk.full = true;
  EXPECT_FALSE(desk.Wish(kCommit, order));
  EXPECT_EQ(desk.Reports(), "o-1 APPLIED: 1=APPLIED 2=APPLIED\n");
  desk.disk.full = false;
  EXPECT_TRUE(desk.Step());
  EXPECT_EQ(desk.Reports(), "o-1 COMMITTED: 1=APPLIED 2=APPLIED\n");
}

TEST_F(OrderBookTest, ItIsRolledBackOnWishBeforeAndAfterCommit) {
  ApplyToTwo();
  EXPECT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(desk.Reports(), "o-1 ROLLED_BACK not improved: 1=UNDONE 2=UNDONE\n");

  desk.AddSockets(0);
  desk.host.sockets[3] = {};
  const v1::Order second = desk.Order("o-2");
  EXPECT_TRUE(desk.Wish(kApply, second));
  EXPECT_TRUE(desk.Wish(kCommit, second));
  EXPECT_TRUE(desk.Wish(kRollBack, second, "asked for by ops"));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic 3 cubic");
  EXPECT_THAT(desk.Reports(), HasSubstr("o-2 ROLLED_BACK asked for by ops:"));
}

TEST_F(OrderBookTest, TheSameActionIsNeverTriedTwiceOnOneSocketAlsoAfterARestart) {
  ApplyToTwo();
  ASSERT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  desk.Start();
  desk.host.sockets[3] = {};
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-2")));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic 3 bbr");
  EXPECT_THAT(desk.Reports(),
              HasSubstr("o-2 APPLIED: "
                        "1=REFUSED(order o-1 has tried bbr on this socket before) "
                        "2=REFUSED(order o-1 has tried bbr on this socket before) 3=APPLIED\n"));
}

TEST_F(OrderBookTest, ASecondOrderForALiveTargetIsBusy) {
  desk.AddSockets(4);
  desk.Start();
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-1")));
  ASSERT_EQ(desk.host.Show(), "1 bbr 2 bbr 3 cubic 4 bbr");
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-2")));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr 3 cubic 4 bbr");
  EXPECT_THAT(desk.Reports(), HasSubstr("o-2 REFUSED busy: order o-1 holds this socket: "
                                        "3=REFUSED(busy: order o-1 holds this socket)\n"));
}

TEST_F(OrderBookTest, HeldBackSocketsAreFollowedThenFollowAfterCommit) {
  desk.AddSockets(8);
  desk.Start();
  const v1::Order eight = desk.Order("o-1");
  ASSERT_TRUE(desk.Wish(kApply, eight));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr 3 bbr 4 bbr 5 cubic 6 bbr 7 bbr 8 bbr");
  const auto followed = desk.book->followed();
  ASSERT_EQ(followed.size(), 1u);
  EXPECT_EQ(followed[0].order_id, "o-1");
  EXPECT_EQ(followed[0].targets.size(), 7u);
  EXPECT_THAT(followed[0].held_back,
              ElementsAre(SocketKey{.cookie = 5, .netns_cookie = FakeHost::kNetns}));
  EXPECT_EQ(followed[0].applied.uptime, desk.clock.Now().uptime);

  EXPECT_TRUE(desk.Wish(kCommit, eight));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr 3 bbr 4 bbr 5 bbr 6 bbr 7 bbr 8 bbr");
  EXPECT_THAT(desk.Reports(), HasSubstr(" 5=APPLIED/held "));
  EXPECT_THAT(desk.book->followed(), IsEmpty());

  EXPECT_TRUE(desk.Wish(kRollBack, eight, "asked for by ops"));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic 3 cubic 4 cubic 5 cubic 6 cubic 7 cubic 8 cubic");
}

TEST_F(OrderBookTest, ARollbackLeavesHeldBackSocketsUntouched) {
  desk.AddSockets(4);
  desk.Start();
  const v1::Order four = desk.Order("o-1");
  ASSERT_TRUE(desk.Wish(kApply, four));
  ASSERT_TRUE(desk.Wish(kRollBack, four, "not improved"));
  EXPECT_EQ(desk.host.exchanges, 3 + 3);
  EXPECT_EQ(desk.Reports(),
            "o-1 ROLLED_BACK not improved: 1=UNDONE 2=UNDONE 3=UNSPECIFIED/held 4=UNDONE\n");
}

TEST_F(OrderBookTest, HeldBackSocketsDoNotFollowWhereTheGuardNoLongerAllowsIt) {
  desk.AddSockets(4);
  desk.Start();
  const v1::Order four = desk.Order("o-1");
  ASSERT_TRUE(desk.Wish(kApply, four));
  desk.WriteGuard("any", "[]");
  ASSERT_TRUE(desk.Wish(kCommit, four));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr 3 cubic 4 bbr");
  EXPECT_THAT(desk.Reports(), HasSubstr("3=REFUSED/held(the guard file does not allow algorithm "
                                        "bbr; it allows nothing)"));
}

TEST_F(OrderBookTest, NoMoreSocketsThanTheMaximumAreTouchedEvenAfterCommit) {
  desk.AddSockets(9);
  desk.Start();
  v1::Order few = desk.Order("o-1");
  few.set_targets_max(4);
  ASSERT_TRUE(desk.Wish(kApply, few));
  ASSERT_TRUE(desk.Wish(kCommit, few));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr 3 bbr 4 bbr 5 cubic 6 cubic 7 cubic 8 cubic 9 cubic");
}

TEST_F(OrderBookTest, WhatSomeoneElseHasSetIsLeftAloneAndReported) {
  ApplyToTwo();
  desk.host.sockets[2].algorithm = "reno";
  EXPECT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 reno");
  EXPECT_EQ(desk.Reports(),
            "o-1 DRIFTED not improved: 1=UNDONE "
            "2=DRIFTED(reno is set now, and not by this agent)\n");
}

TEST_F(OrderBookTest, ASocketThatEndsDuringVerificationIsGone) {
  ApplyToTwo();
  desk.host.sockets.erase(1);
  desk.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(desk.Step());
  EXPECT_EQ(desk.Reports(),
            "o-1 APPLIED: 1=GONE(no process holds the socket any more) 2=APPLIED\n");
  EXPECT_TRUE(desk.Wish(kRollBack, order, "inconclusive"));
  EXPECT_EQ(desk.Reports(),
            "o-1 ROLLED_BACK inconclusive: 1=GONE(no process holds the socket any more) "
            "2=UNDONE\n");
}

TEST_F(OrderBookTest, ASocketThatChangedHandsIsFoundAgainToUndoIt) {
  ApplyToTwo();
  desk.host.sockets[1].pids = {555};
  EXPECT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(desk.host.full_searches, 1);
}

TEST_F(OrderBookTest, WhatCannotBeUndoneNowStaysOursIsReportedAndTriedAgain) {
  ApplyToTwo();
  desk.host.sockets[1].refuses = absl::PermissionDeniedError("setsockopt: EPERM");
  EXPECT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 cubic");
  EXPECT_EQ(desk.Reports(), "o-1 APPLIED not improved: 1=APPLIED(setsockopt: EPERM) 2=UNDONE\n");
  EXPECT_EQ(desk.book->NextDeadline(), desk.clock.Now().uptime + absl::Seconds(5));
  // Not even a commit takes a rollback back.
  EXPECT_FALSE(desk.Wish(kCommit, order));
  desk.host.sockets[1].refuses = absl::OkStatus();
  desk.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(desk.Step());
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(desk.Reports(), "o-1 ROLLED_BACK not improved: 1=UNDONE 2=UNDONE\n");
}

TEST_F(OrderBookTest, ASocketThatMayNotBeSeenIsNotTakenForGone) {
  ApplyToTwo();
  desk.host.sockets[1].pids = {};
  desk.host.all_visible = false;
  EXPECT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  EXPECT_THAT(desk.Reports(), HasSubstr("o-1 APPLIED not improved: 1=APPLIED(no process that may "
                                        "be looked at holds the socket"));
}

TEST_F(OrderBookTest, OneSocketsRefusalDoesNotStopTheOthers) {
  desk.AddSockets(3);
  desk.host.sockets[2].refuses = absl::UnavailableError("setsockopt TCP_CONGESTION bbr: ENOMEM");
  desk.Start();
  EXPECT_TRUE(desk.Wish(kApply, desk.Order("o-1")));
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 cubic 3 bbr");
  EXPECT_EQ(desk.Reports(),
            "o-1 APPLIED: 1=APPLIED 2=REFUSED(setsockopt TCP_CONGESTION bbr: ENOMEM) 3=APPLIED\n");
}

TEST_F(OrderBookTest, AnOrderThatNoSocketTakesIsRefusedAndForgotten) {
  desk.AddSockets(1);
  desk.host.sockets[1].refuses = absl::FailedPreconditionError("no such algorithm");
  desk.Start();
  EXPECT_TRUE(desk.Wish(kApply, desk.Order("o-1")));
  EXPECT_EQ(desk.Reports(), "o-1 REFUSED no such algorithm: 1=REFUSED(no such algorithm)\n");
  EXPECT_EQ(desk.disk.file, "");
  EXPECT_FALSE(desk.Wish(kApply, desk.Order("o-1"), "", v1::Order::STATE_REFUSED));
  EXPECT_EQ(desk.Reports(), "");
}

TEST_F(OrderBookTest, PreconditionsAreCheckedAtTheLastMoment) {
  desk.AddSockets(5);
  desk.Start();
  std::vector<Candidate> seen = desk.Candidates();
  desk.host.sockets[1].algorithm = "reno";
  desk.host.sockets[2].state = TcpState::kFinWait1;
  desk.host.sockets[3].restorable = false;
  desk.host.sockets.erase(4);
  desk.host.sockets[5].in_host_netns = false;
  v1::OrderSet set;
  set.add_wishes()->set_wish(kApply);
  *set.mutable_wishes(0)->mutable_order() = desk.Order("o-1");
  desk.book->SetWishes(set);
  EXPECT_TRUE(desk.book->Step(desk.clock.Now(), [&](const v1::Selector&) { return seen; }));
  EXPECT_EQ(desk.host.Show(), "1 reno 2 cubic 3 cubic 5 cubic");
  EXPECT_EQ(desk.host.exchanges, 0);
  EXPECT_EQ(desk.Reports(),
            "o-1 REFUSED it uses reno now, not cubic: 1=REFUSED(it uses reno now, not cubic) "
            "2=REFUSED(it is fin-wait-1 now) "
            "3=REFUSED(cubic could not be set again: it is not in "
            "tcp_allowed_congestion_control (needs CAP_NET_ADMIN)) "
            "4=GONE(no process holds the socket any more) "
            "5=REFUSED(the guard file does not allow namespace cookie:4097; it allows host)\n");
}

TEST_F(OrderBookTest, WithoutAGuardFileOrWithAnUnsafeOneNothingIsTouched) {
  desk.AddSockets(1);
  desk.Start();
  ASSERT_EQ(chmod(desk.guard_path().c_str(), 0664), 0);
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-1")));
  EXPECT_EQ(desk.Reports(), "o-1 REFUSED this host only observes: the guard file " +
                                desk.guard_path() + " is writable by group or others:\n");
  ASSERT_EQ(remove(desk.guard_path().c_str()), 0);
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-2")));
  EXPECT_THAT(desk.Reports(), HasSubstr("does not exist"));
  desk.WriteGuard("nginx", "[bbr]");
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-3")));
  EXPECT_THAT(desk.Reports(), HasSubstr("does not allow process iperf3 (pid 100)"));
  desk.WriteGuard("any", "[reno]");
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-4")));
  EXPECT_THAT(desk.Reports(), HasSubstr("does not allow algorithm bbr; it allows reno"));
  EXPECT_EQ(desk.host.exchanges, 0);
}

TEST_F(OrderBookTest, OrdersForAnotherSessionOrTooLateAreRefused) {
  desk.AddSockets(1);
  desk.Start();
  const v1::Order late = desk.Order("o-1");
  desk.clock.Advance(absl::Seconds(30));
  ASSERT_TRUE(desk.Wish(kApply, late));
  EXPECT_THAT(desk.Reports(), HasSubstr("o-1 REFUSED the order expired at "));
  desk.Start("boot-1", 43);
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-2")));
  EXPECT_THAT(desk.Reports(), HasSubstr("o-2 REFUSED the order is meant for another session"));
  EXPECT_EQ(desk.host.exchanges, 0);
}

TEST_F(OrderBookTest, AnOrderThatMatchesNothingAnyMoreIsRefused) {
  desk.Start();
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-1")));
  EXPECT_EQ(desk.Reports(), "o-1 REFUSED no socket matches any more:\n");
}

TEST_F(OrderBookTest, WithAFullDiskNothingIsChanged) {
  desk.AddSockets(2);
  desk.Start();
  desk.disk.full = true;
  ASSERT_TRUE(desk.Wish(kApply, desk.Order("o-1")));
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(desk.host.exchanges, 0);
  EXPECT_EQ(desk.Reports(),
            "o-1 REFUSED nothing was changed, as it could not be recorded: "
            "write journal: ENOSPC:\n");
}

TEST_F(OrderBookTest, AFullDiskDoesNotKeepItFromUndoing) {
  ApplyToTwo();
  desk.disk.full = true;
  desk.clock.Advance(absl::Seconds(35));
  EXPECT_TRUE(desk.Step());
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 cubic");
}

TEST_F(OrderBookTest, WishesForOrdersThatThisHostNeverSawAreAnswered) {
  desk.Start();
  EXPECT_TRUE(desk.Wish(kRollBack, desk.Order("o-9"), "asked for by ops"));
  EXPECT_EQ(desk.Reports(), "o-9 REFUSED this host knows no such order:\n");
  // Nor may it arrive afterwards.
  desk.AddSockets(1);
  EXPECT_FALSE(desk.Wish(kApply, desk.Order("o-9")));
  EXPECT_EQ(desk.host.Show(), "1 cubic");
  EXPECT_FALSE(desk.Wish(kCommit, desk.Order("o-8"), "", v1::Order::STATE_ENDED));
  EXPECT_EQ(desk.Reports(), "");
}

TEST_F(OrderBookTest, ACommittedOrderEndsWithItsSocketsAndIsThenForgotten) {
  ApplyToTwo();
  ASSERT_TRUE(desk.Wish(kCommit, order));
  desk.host.sockets.erase(1);
  desk.clock.Advance(absl::Seconds(30));
  EXPECT_TRUE(desk.Step());
  desk.host.sockets.erase(2);
  desk.clock.Advance(absl::Seconds(30));
  EXPECT_TRUE(desk.Step());
  EXPECT_EQ(desk.Reports(),
            "o-1 ENDED its sockets have ended, or others have changed them since: "
            "1=GONE(no process holds the socket any more) "
            "2=GONE(no process holds the socket any more)\n");
  EXPECT_FALSE(desk.Wish(kCommit, order, "", v1::Order::STATE_ENDED));
  desk.clock.Advance(absl::Seconds(60));
  EXPECT_FALSE(desk.Step());
  EXPECT_EQ(desk.disk.file, "");
  EXPECT_FALSE(desk.Step());  // the wish is still there
  EXPECT_EQ(desk.Reports(), "");
}

TEST_F(OrderBookTest, ADecidedOrderIsRememberedWhileItsSocketsExist) {
  ApplyToTwo();
  ASSERT_TRUE(desk.Wish(kRollBack, order, "not improved"));
  ASSERT_FALSE(desk.Wish(kRollBack, order, "", v1::Order::STATE_ROLLED_BACK));
  desk.clock.Advance(absl::Hours(30));
  EXPECT_FALSE(desk.Step());
  EXPECT_NE(desk.disk.file, "");
  desk.host.sockets.clear();
  desk.clock.Advance(absl::Minutes(1));
  EXPECT_FALSE(desk.Step());
  EXPECT_EQ(desk.disk.file, "");
}

TEST_F(OrderBookTest, AfterARebootNothingOfItExists) {
  ApplyToTwo();
  desk.host.exchanges = 0;
  desk.Start("boot-2");
  EXPECT_EQ(desk.Reports(),
            "o-1 ROLLED_BACK the host has restarted: 1=GONE(the host has restarted) "
            "2=GONE(the host has restarted)\n");
  // The cookies are others' now.
  EXPECT_EQ(desk.host.exchanges, 0);
  EXPECT_EQ(desk.host.Show(), "1 bbr 2 bbr");
}

TEST_F(OrderBookTest, UndoAllTakesBackWhatIsCommittedToo) {
  ApplyToTwo();
  ASSERT_TRUE(desk.Wish(kCommit, order));
  desk.Start();
  desk.host.sockets[2].algorithm = "reno";
  const OrderBook::Undone undone = desk.book->UndoAll(desk.clock.Now());
  EXPECT_THAT(undone.lines,
              ElementsAre("order o-1: 10.0.0.5:40001 → 203.0.113.20:443 (cookie 1): cubic again",
                          "order o-1: 10.0.0.5:40002 → 203.0.113.20:443 (cookie 2): left alone: "
                          "reno is set now, and not by this agent"));
  EXPECT_TRUE(undone.complete);
  EXPECT_EQ(desk.host.Show(), "1 cubic 2 reno");
}

TEST_F(OrderBookTest, UndoAllTellsWhatOpeningHasAlreadyUndone) {
  ApplyToTwo();
  desk.clock.Advance(absl::Minutes(1));
  desk.host.sockets[2].refuses = absl::PermissionDeniedError("EPERM");
  desk.Start();
  const OrderBook::Undone undone = desk.book->UndoAll(desk.clock.Now());
  EXPECT_THAT(undone.lines,
              ElementsAre("order o-1: 10.0.0.5:40001 → 203.0.113.20:443 (cookie 1): cubic again",
                          "order o-1: 10.0.0.5:40002 → 203.0.113.20:443 (cookie 2): NOT undone: "
                          "EPERM"));
  EXPECT_FALSE(undone.complete);
}

}  // namespace
}  // namespace tcpmedic
