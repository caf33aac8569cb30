#include "agent/act/order_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/agent/act/order_bench.h"

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
    bench.AddSockets(2);
    bench.Start();
    order = bench.Order("o-1");
    ASSERT_TRUE(bench.Wish(kApply, order));
    ASSERT_EQ(bench.Reports(), "o-1 APPLIED: 1=APPLIED 2=APPLIED\n");
    ASSERT_EQ(bench.host.Show(), "1 bbr 2 bbr");
  }

  OrderBench bench;
  v1::Order order;
};

TEST_F(OrderBookTest, AnOrderIsAppliedOnceHoweverOftenItIsWished) {
  ApplyToTwo();
  EXPECT_FALSE(bench.Wish(kApply, order));
  EXPECT_FALSE(bench.Step());
  EXPECT_EQ(bench.host.exchanges, 2);
  const v1::OrderReport report = bench.book->Reports().at(0);
  EXPECT_EQ(report.targets(0).value_before(), "cubic");
  EXPECT_EQ(report.targets(0).value_after(), "bbr");
  EXPECT_EQ(report.targets(0).socket().remote().ip(), "203.0.113.20");
  EXPECT_EQ(report.rolls_back_at().seconds() - report.applied_at().seconds(), 35);
  EXPECT_EQ(bench.book->NextDeadline(), bench.clock.Now().uptime + absl::Seconds(35));
  // The candidates' processes were known: nothing else was looked through.
  EXPECT_EQ(bench.host.full_searches, 0);
}

TEST_F(OrderBookTest, WithoutACommitItUndoesItselfAtItsDeadline) {
  ApplyToTwo();
  bench.clock.Advance(absl::Seconds(34));
  EXPECT_FALSE(bench.Step());
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr");
  bench.clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(bench.Reports(), "o-1 ROLLED_BACK no commit came in time: 1=UNDONE 2=UNDONE\n");
  EXPECT_EQ(bench.book->NextDeadline(), absl::InfiniteDuration());
}

TEST_F(OrderBookTest, ACommitAfterTheDeadlineIsTooLate) {
  ApplyToTwo();
  bench.clock.Advance(absl::Seconds(35));
  EXPECT_TRUE(bench.Wish(kCommit, order));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(bench.Reports(), "o-1 ROLLED_BACK no commit came in time: 1=UNDONE 2=UNDONE\n");
}

TEST_F(OrderBookTest, ACommitStaysAndIsReportedUntilItIsStored) {
  ApplyToTwo();
  EXPECT_TRUE(bench.Wish(kCommit, order));
  EXPECT_EQ(bench.Reports(), "o-1 COMMITTED: 1=APPLIED 2=APPLIED\n");
  EXPECT_FALSE(bench.Wish(kCommit, order, "", v1::Order::STATE_APPLIED));
  EXPECT_EQ(bench.Reports(), "o-1 COMMITTED: 1=APPLIED 2=APPLIED\n");
  EXPECT_FALSE(bench.Wish(kCommit, order, "", v1::Order::STATE_COMMITTED));
  EXPECT_EQ(bench.Reports(), "");
  bench.clock.Advance(absl::Hours(5));
  EXPECT_FALSE(bench.Step());
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr");
}

TEST_F(OrderBookTest, ACommitThatCannotBeRecordedIsNone) {
  ApplyToTwo();
  bench.disk.full = true;
  EXPECT_FALSE(bench.Wish(kCommit, order));
  EXPECT_EQ(bench.Reports(), "o-1 APPLIED: 1=APPLIED 2=APPLIED\n");
  bench.disk.full = false;
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.Reports(), "o-1 COMMITTED: 1=APPLIED 2=APPLIED\n");
}

TEST_F(OrderBookTest, ItIsRolledBackOnWishBeforeAndAfterCommit) {
  ApplyToTwo();
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(bench.Reports(), "o-1 ROLLED_BACK not improved: 1=UNDONE 2=UNDONE\n");

  bench.AddSockets(0);
  bench.host.sockets[3] = {};
  const v1::Order second = bench.Order("o-2");
  EXPECT_TRUE(bench.Wish(kApply, second));
  EXPECT_TRUE(bench.Wish(kCommit, second));
  EXPECT_TRUE(bench.Wish(kRollBack, second, "asked for by ops"));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic 3 cubic");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-2 ROLLED_BACK asked for by ops:"));
}

TEST_F(OrderBookTest, TheSameActionIsNeverTriedTwiceOnOneSocketAlsoAfterARestart) {
  ApplyToTwo();
  ASSERT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  bench.Start();
  bench.host.sockets[3] = {};
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-2")));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic 3 bbr");
  EXPECT_THAT(bench.Reports(),
              HasSubstr("o-2 APPLIED: "
                        "1=REFUSED(order o-1 has tried bbr on this socket before) "
                        "2=REFUSED(order o-1 has tried bbr on this socket before) 3=APPLIED\n"));
}

TEST_F(OrderBookTest, ASecondOrderForALiveTargetIsBusy) {
  bench.AddSockets(4);
  bench.Start();
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  ASSERT_EQ(bench.host.Show(), "1 bbr 2 bbr 3 cubic 4 bbr");
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-2")));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr 3 cubic 4 bbr");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-2 REFUSED busy: order o-1 holds this socket: "
                                         "3=REFUSED(busy: order o-1 holds this socket)\n"));
}

TEST_F(OrderBookTest, HeldBackSocketsAreFollowedThenFollowAfterCommit) {
  bench.AddSockets(8);
  bench.Start();
  const v1::Order eight = bench.Order("o-1");
  ASSERT_TRUE(bench.Wish(kApply, eight));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr 3 bbr 4 bbr 5 cubic 6 bbr 7 bbr 8 bbr");
  const auto followed = bench.book->followed();
  ASSERT_EQ(followed.size(), 1u);
  EXPECT_EQ(followed[0].order_id, "o-1");
  EXPECT_EQ(followed[0].targets.size(), 7u);
  EXPECT_THAT(followed[0].held_back,
              ElementsAre(SocketKey{.cookie = 5, .netns_cookie = FakeHost::kNetns}));
  EXPECT_EQ(followed[0].applied.uptime, bench.clock.Now().uptime);

  EXPECT_TRUE(bench.Wish(kCommit, eight));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr 3 bbr 4 bbr 5 bbr 6 bbr 7 bbr 8 bbr");
  EXPECT_THAT(bench.Reports(), HasSubstr(" 5=APPLIED/held "));
  EXPECT_THAT(bench.book->followed(), IsEmpty());

  EXPECT_TRUE(bench.Wish(kRollBack, eight, "asked for by ops"));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic 3 cubic 4 cubic 5 cubic 6 cubic 7 cubic 8 cubic");
}

TEST_F(OrderBookTest, ARollbackLeavesHeldBackSocketsUntouched) {
  bench.AddSockets(4);
  bench.Start();
  const v1::Order four = bench.Order("o-1");
  ASSERT_TRUE(bench.Wish(kApply, four));
  ASSERT_TRUE(bench.Wish(kRollBack, four, "not improved"));
  EXPECT_EQ(bench.host.exchanges, 3 + 3);
  EXPECT_EQ(bench.Reports(),
            "o-1 ROLLED_BACK not improved: 1=UNDONE 2=UNDONE 3=UNSPECIFIED/held 4=UNDONE\n");
}

TEST_F(OrderBookTest, HeldBackSocketsDoNotFollowWhereTheGuardNoLongerAllowsIt) {
  bench.AddSockets(4);
  bench.Start();
  const v1::Order four = bench.Order("o-1");
  ASSERT_TRUE(bench.Wish(kApply, four));
  bench.WriteGuard("any", "[]");
  ASSERT_TRUE(bench.Wish(kCommit, four));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr 3 cubic 4 bbr");
  EXPECT_THAT(bench.Reports(), HasSubstr("3=REFUSED/held(the guard file does not allow algorithm "
                                         "bbr; it allows nothing)"));
}

TEST_F(OrderBookTest, NoMoreSocketsThanTheMaximumAreTouchedEvenAfterCommit) {
  bench.AddSockets(9);
  bench.Start();
  v1::Order few = bench.Order("o-1");
  few.set_targets_max(4);
  ASSERT_TRUE(bench.Wish(kApply, few));
  ASSERT_TRUE(bench.Wish(kCommit, few));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr 3 bbr 4 bbr 5 cubic 6 cubic 7 cubic 8 cubic 9 cubic");
}

TEST_F(OrderBookTest, WhatSomeoneElseHasSetIsLeftAloneAndReported) {
  ApplyToTwo();
  bench.host.sockets[2].algorithm = "reno";
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 reno");
  EXPECT_EQ(bench.Reports(),
            "o-1 DRIFTED not improved: 1=UNDONE "
            "2=DRIFTED(reno is set now, and not by this agent)\n");
}

TEST_F(OrderBookTest, ASocketThatEndsDuringVerificationIsGone) {
  ApplyToTwo();
  bench.host.sockets.erase(1);
  bench.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.Reports(),
            "o-1 APPLIED: 1=GONE(no process holds the socket any more) 2=APPLIED\n");
  EXPECT_TRUE(bench.Wish(kRollBack, order, "inconclusive"));
  EXPECT_EQ(bench.Reports(),
            "o-1 ROLLED_BACK inconclusive: 1=GONE(no process holds the socket any more) "
            "2=UNDONE\n");
}

TEST_F(OrderBookTest, ASocketThatChangedHandsIsFoundAgainToUndoIt) {
  ApplyToTwo();
  bench.host.sockets[1].pids = {555};
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(bench.host.full_searches, 1);
}

TEST_F(OrderBookTest, WhatCannotBeUndoneNowStaysOursIsReportedAndTriedAgain) {
  ApplyToTwo();
  bench.host.sockets[1].refuses = absl::PermissionDeniedError("setsockopt: EPERM");
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 cubic");
  EXPECT_EQ(bench.Reports(), "o-1 APPLIED not improved: 1=APPLIED(setsockopt: EPERM) 2=UNDONE\n");
  EXPECT_EQ(bench.book->NextDeadline(), bench.clock.Now().uptime + absl::Seconds(5));
  // Not even a commit takes a rollback back.
  EXPECT_FALSE(bench.Wish(kCommit, order));
  bench.host.sockets[1].refuses = absl::OkStatus();
  bench.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(bench.Reports(), "o-1 ROLLED_BACK not improved: 1=UNDONE 2=UNDONE\n");
}

TEST_F(OrderBookTest, ASocketThatMayNotBeSeenIsNotTakenForGone) {
  ApplyToTwo();
  bench.host.sockets[1].pids = {};
  bench.host.all_visible = false;
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 APPLIED not improved: 1=APPLIED(no process that may "
                                         "be looked at holds the socket"));
}

TEST_F(OrderBookTest, OneSocketsRefusalDoesNotStopTheOthers) {
  bench.AddSockets(3);
  bench.host.sockets[2].refuses = absl::UnavailableError("setsockopt TCP_CONGESTION bbr: ENOMEM");
  bench.Start();
  EXPECT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 cubic 3 bbr");
  EXPECT_EQ(bench.Reports(),
            "o-1 APPLIED: 1=APPLIED 2=REFUSED(setsockopt TCP_CONGESTION bbr: ENOMEM) 3=APPLIED\n");
}

TEST_F(OrderBookTest, AnOrderThatNoSocketTakesIsRefusedAndForgotten) {
  bench.AddSockets(1);
  bench.host.sockets[1].refuses = absl::FailedPreconditionError("no such algorithm");
  bench.Start();
  EXPECT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  EXPECT_EQ(bench.Reports(), "o-1 REFUSED no such algorithm: 1=REFUSED(no such algorithm)\n");
  EXPECT_EQ(bench.disk.file, "");
  EXPECT_FALSE(bench.Wish(kApply, bench.Order("o-1"), "", v1::Order::STATE_REFUSED));
  EXPECT_EQ(bench.Reports(), "");
}

TEST_F(OrderBookTest, PreconditionsAreCheckedAtTheLastMoment) {
  bench.AddSockets(5);
  bench.Start();
  bench.view.candidates = bench.Candidates();
  bench.host.sockets[1].algorithm = "reno";
  bench.host.sockets[2].state = TcpState::kFinWait1;
  bench.host.sockets[3].restorable = false;
  bench.host.sockets.erase(4);
  bench.host.sockets[5].in_host_netns = false;
  EXPECT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  EXPECT_EQ(bench.host.Show(), "1 reno 2 cubic 3 cubic 5 cubic");
  EXPECT_EQ(bench.host.exchanges, 0);
  EXPECT_EQ(bench.Reports(),
            "o-1 REFUSED it uses reno now, not cubic: 1=REFUSED(it uses reno now, not cubic) "
            "2=REFUSED(it is fin-wait-1 now) "
            "3=REFUSED(cubic could not be set again: it is not in "
            "tcp_allowed_congestion_control (needs CAP_NET_ADMIN)) "
            "4=GONE(no process holds the socket any more) "
            "5=REFUSED(the guard file does not allow namespace cookie:4097; it allows host)\n");
}

TEST_F(OrderBookTest, WithoutAGuardFileOrWithAnUnsafeOneNothingIsTouched) {
  bench.AddSockets(1);
  bench.Start();
  ASSERT_EQ(chmod(bench.guard_path().c_str(), 0664), 0);
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  EXPECT_EQ(bench.Reports(), "o-1 REFUSED this host only observes: the guard file " +
                                 bench.guard_path() + " is writable by group or others:\n");
  ASSERT_EQ(remove(bench.guard_path().c_str()), 0);
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-2")));
  EXPECT_THAT(bench.Reports(), HasSubstr("does not exist"));
  bench.WriteGuard("nginx", "[bbr]");
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-3")));
  EXPECT_THAT(bench.Reports(), HasSubstr("does not allow process iperf3 (pid 100)"));
  bench.WriteGuard("any", "[reno]");
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-4")));
  EXPECT_THAT(bench.Reports(), HasSubstr("does not allow algorithm bbr; it allows reno"));
  EXPECT_EQ(bench.host.exchanges, 0);
}

TEST_F(OrderBookTest, OrdersForAnotherSessionOrTooLateAreRefused) {
  bench.AddSockets(1);
  bench.Start();
  const v1::Order late = bench.Order("o-1");
  bench.clock.Advance(absl::Seconds(30));
  ASSERT_TRUE(bench.Wish(kApply, late));
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 REFUSED the order expired at "));
  bench.Start("boot-1", 43);
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-2")));
  EXPECT_THAT(bench.Reports(), HasSubstr("o-2 REFUSED the order is meant for another session"));
  EXPECT_EQ(bench.host.exchanges, 0);
}

TEST_F(OrderBookTest, AnOrderThatMatchesNothingAnyMoreIsRefused) {
  bench.Start();
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  EXPECT_EQ(bench.Reports(), "o-1 REFUSED no socket matches any more:\n");
}

TEST_F(OrderBookTest, WithAFullDiskNothingIsChanged) {
  bench.AddSockets(2);
  bench.Start();
  bench.disk.full = true;
  ASSERT_TRUE(bench.Wish(kApply, bench.Order("o-1")));
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
  EXPECT_EQ(bench.host.exchanges, 0);
  EXPECT_EQ(bench.Reports(),
            "o-1 REFUSED nothing was changed, as it could not be recorded: "
            "write journal: ENOSPC:\n");
}

TEST_F(OrderBookTest, AFullDiskDoesNotKeepItFromUndoing) {
  ApplyToTwo();
  bench.disk.full = true;
  bench.clock.Advance(absl::Seconds(35));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 cubic");
}

TEST_F(OrderBookTest, WishesForOrdersThatThisHostNeverSawAreAnswered) {
  bench.Start();
  EXPECT_TRUE(bench.Wish(kRollBack, bench.Order("o-9"), "asked for by ops"));
  EXPECT_EQ(bench.Reports(), "o-9 REFUSED this host knows no such order:\n");
  // Nor may it arrive afterwards.
  bench.AddSockets(1);
  EXPECT_FALSE(bench.Wish(kApply, bench.Order("o-9")));
  EXPECT_EQ(bench.host.Show(), "1 cubic");
  EXPECT_FALSE(bench.Wish(kCommit, bench.Order("o-8"), "", v1::Order::STATE_ENDED));
  EXPECT_EQ(bench.Reports(), "");
}

TEST_F(OrderBookTest, ACommittedOrderEndsWithItsSocketsAndIsThenForgotten) {
  ApplyToTwo();
  ASSERT_TRUE(bench.Wish(kCommit, order));
  bench.host.sockets.erase(1);
  bench.clock.Advance(absl::Seconds(30));
  EXPECT_TRUE(bench.Step());
  bench.host.sockets.erase(2);
  bench.clock.Advance(absl::Seconds(30));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED its sockets have ended, or others have changed them since: "
            "1=GONE(no process holds the socket any more) "
            "2=GONE(no process holds the socket any more)\n");
  EXPECT_FALSE(bench.Wish(kCommit, order, "", v1::Order::STATE_ENDED));
  bench.clock.Advance(absl::Seconds(60));
  EXPECT_FALSE(bench.Step());
  EXPECT_EQ(bench.disk.file, "");
  EXPECT_FALSE(bench.Step());  // the wish is still there
  EXPECT_EQ(bench.Reports(), "");
}

TEST_F(OrderBookTest, ADecidedOrderIsRememberedWhileItsSocketsExist) {
  ApplyToTwo();
  ASSERT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  ASSERT_FALSE(bench.Wish(kRollBack, order, "", v1::Order::STATE_ROLLED_BACK));
  bench.clock.Advance(absl::Hours(30));
  EXPECT_FALSE(bench.Step());
  EXPECT_NE(bench.disk.file, "");
  bench.host.sockets.clear();
  bench.clock.Advance(absl::Minutes(1));
  EXPECT_FALSE(bench.Step());
  EXPECT_EQ(bench.disk.file, "");
}

TEST_F(OrderBookTest, AfterARebootNothingOfItExists) {
  ApplyToTwo();
  bench.host.exchanges = 0;
  bench.Start("boot-2");
  EXPECT_EQ(bench.Reports(),
            "o-1 ROLLED_BACK the host has restarted: 1=GONE(the host has restarted) "
            "2=GONE(the host has restarted)\n");
  // The cookies are others' now.
  EXPECT_EQ(bench.host.exchanges, 0);
  EXPECT_EQ(bench.host.Show(), "1 bbr 2 bbr");
}

TEST_F(OrderBookTest, UndoAllTakesBackWhatIsCommittedToo) {
  ApplyToTwo();
  ASSERT_TRUE(bench.Wish(kCommit, order));
  bench.Start();
  bench.host.sockets[2].algorithm = "reno";
  const OrderBook::Undone undone = bench.book->UndoAll(bench.clock.Now());
  EXPECT_THAT(undone.lines,
              ElementsAre("order o-1: 10.0.0.5:40001 → 203.0.113.20:443 (cookie 1): cubic again",
                          "order o-1: 10.0.0.5:40002 → 203.0.113.20:443 (cookie 2): left alone: "
                          "reno is set now, and not by this agent"));
  EXPECT_TRUE(undone.complete);
  EXPECT_EQ(bench.host.Show(), "1 cubic 2 reno");
}

TEST_F(OrderBookTest, UndoAllTellsWhatOpeningHasAlreadyUndone) {
  ApplyToTwo();
  bench.clock.Advance(absl::Minutes(1));
  bench.host.sockets[2].refuses = absl::PermissionDeniedError("EPERM");
  bench.Start();
  const OrderBook::Undone undone = bench.book->UndoAll(bench.clock.Now());
  EXPECT_THAT(undone.lines,
              ElementsAre("order o-1: 10.0.0.5:40001 → 203.0.113.20:443 (cookie 1): cubic again",
                          "order o-1: 10.0.0.5:40002 → 203.0.113.20:443 (cookie 2): NOT undone: "
                          "EPERM"));
  EXPECT_FALSE(undone.complete);
}

}  // namespace
}  // namespace tcpmedic
