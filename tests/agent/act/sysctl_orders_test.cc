// Orders that set a namespace's settings, by the same protocol as all orders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "agent/act/order_book.h"
#include "tests/agent/act/order_bench.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kApply = v1::OrderWish::WISH_APPLY;
constexpr auto kCommit = v1::OrderWish::WISH_COMMIT;
constexpr auto kRollBack = v1::OrderWish::WISH_ROLL_BACK;
constexpr char kCookies[] = "net.ipv4.tcp_syncookies";
constexpr char kSomaxconn[] = "net.core.somaxconn";

class SysctlOrders : public ::testing::Test {
 protected:
  SysctlOrders() {
    bench.AddNamespaces();
    bench.Start();
    order = bench.SysctlOrder("o-1");
  }

  std::string& Value(const std::string& name) {
    return bench.host.namespaces.at(FakeHost::kNetns).sysctls.at(name);
  }
  void Apply() {
    ASSERT_TRUE(bench.Wish(kApply, order));
    ASSERT_EQ(bench.Reports(), "o-1 APPLIED: net.ipv4.tcp_syncookies=APPLIED\n");
    ASSERT_EQ(Value(kCookies), "1");
  }
  void Commit() {
    Apply();
    ASSERT_TRUE(bench.Wish(kCommit, order));
    ASSERT_EQ(bench.Reports(), "o-1 COMMITTED: net.ipv4.tcp_syncookies=APPLIED\n");
    // As stored by the controller from here on.
    bench.Wish(kCommit, order, "", v1::Order::STATE_COMMITTED);
  }
  // Steps once a minute, as long as `holds`.
  void Live(absl::Duration time, std::optional<bool> holds) {
    bench.view.holds = holds;
    for (absl::Duration lived; lived < time; lived += absl::Minutes(1)) {
      bench.clock.Advance(absl::Minutes(1));
      bench.Step();
    }
  }
  std::string Refusal() {
    EXPECT_TRUE(bench.Wish(kApply, order));
    const v1::OrderReport report = bench.book->Reports().at(0);
    EXPECT_EQ(report.state(), v1::Order::STATE_REFUSED) << report.DebugString();
    EXPECT_EQ(bench.host.exchanges, 0);
    EXPECT_EQ(bench.disk.file, "");
    return report.reason();
  }

  OrderBench bench;
  v1::Order order;
};

TEST_F(SysctlOrders, AreAppliedInTheFindingsNamespaceAndNowhereElse) {
  OrderBench::AddSetting(kSomaxconn, "16384", &order);
  ASSERT_TRUE(bench.Wish(kApply, order));
  EXPECT_EQ(bench.host.ShowSysctls(),
            "net.core.somaxconn=16384 net.ipv4.tcp_syncookies=1 "
            "net.core.somaxconn=4096 net.ipv4.tcp_syncookies=0");
  const v1::OrderReport report = bench.book->Reports().at(0);
  EXPECT_EQ(report.state(), v1::Order::STATE_APPLIED);
  ASSERT_EQ(report.targets_size(), 2);
  EXPECT_EQ(report.targets(0).sysctl(), kCookies);
  EXPECT_EQ(report.targets(0).value_before(), "0");
  EXPECT_EQ(report.targets(0).value_after(), "1");
  EXPECT_EQ(report.targets(1).value_before(), "4096");
  EXPECT_EQ(report.targets(1).value_after(), "16384");
  EXPECT_FALSE(report.has_lease_until());

  ASSERT_EQ(bench.book->followed().size(), 1u);
  const OrderBook::Followed followed = bench.book->followed()[0];
  EXPECT_EQ(followed.netns_cookie, FakeHost::kNetns);
  EXPECT_THAT(followed.targets, IsEmpty());
  EXPECT_EQ(bench.book->NextDeadline(), bench.clock.Now().uptime + absl::Seconds(35));
  EXPECT_FALSE(bench.Wish(kApply, order));
  EXPECT_EQ(bench.host.exchanges, 2);
}

TEST_F(SysctlOrders, WithoutACommitTheyUndoThemselvesAtTheirDeadline) {
  Apply();
  bench.clock.Advance(absl::Seconds(35));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_EQ(bench.Reports(),
            "o-1 ROLLED_BACK no commit came in time: net.ipv4.tcp_syncookies=UNDONE\n");
}

TEST_F(SysctlOrders, AreRolledBackOnWishAfterTheCommitToo) {
  Commit();
  EXPECT_TRUE(bench.Wish(kRollBack, order, "asked for by ops"));
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_EQ(bench.Reports(), "o-1 ROLLED_BACK asked for by ops: net.ipv4.tcp_syncookies=UNDONE\n");
  EXPECT_EQ(bench.book->NextDeadline(), absl::InfiniteDuration());
}

TEST_F(SysctlOrders, AFindingThatHasGoneIsNotActedOn) {
  bench.view.finding.reset();
  EXPECT_EQ(Refusal(),
            "the finding has gone: syn-flood-unprotected is not seen in namespace cookie:4097");
}

TEST_F(SysctlOrders, AnotherNamespaceThanTheFindingsIsNotActedOn) {
  order.mutable_selector()->set_netns_cookie(FakeHost::kNetns + 1);
  EXPECT_EQ(Refusal(),
            "the finding has gone: syn-flood-unprotected is not seen in namespace cookie:4098");
}

TEST_F(SysctlOrders, ANamespaceThatEndedAfterTheScanIsGone) {
  bench.host.namespaces.erase(FakeHost::kNetns);
  EXPECT_EQ(Refusal(), "the namespace is gone");
  EXPECT_THAT(bench.Reports(), HasSubstr("tcp_syncookies=GONE(the namespace is gone)"));
}

TEST_F(SysctlOrders, WhatTheGuardFileDoesNotAllowIsRefused) {
  bench.WriteGuard(
      "mode: observe\nactions: [set_sysctl]\nnamespaces: [any]\n"
      "sysctls: {net.ipv4.tcp_syncookies: {}}\n");
  EXPECT_EQ(Refusal(), "this host only observes: its guard file says mode: observe");
  order.set_id("o-2");
  bench.WriteGuard(
      "actions: [set_sysctl]\nnamespaces: [host, cookie:4098]\n"
      "sysctls: {net.ipv4.tcp_syncookies: {}}\n");
  EXPECT_EQ(Refusal(),
            "the guard file does not allow namespace cookie:4097; it allows host, cookie:4098");
  order.set_id("o-3");
  bench.WriteGuard(
      "actions: [set_sysctl]\nnamespaces: [any]\n"
      "sysctls: {net.ipv4.tcp_syncookies: {min: 2}}\n");
  EXPECT_EQ(Refusal(), "the guard file does not allow net.ipv4.tcp_syncookies = 1; it allows 2");
  order.set_id("o-4");
  bench.WriteGuard("actions: [set_congestion_control]\nalgorithms: [bbr]\nnamespaces: [any]\n");
  EXPECT_EQ(Refusal(),
            "the guard file does not allow set_sysctl; it allows set_congestion_control");
}

TEST_F(SysctlOrders, WhatTheCatalogueDoesNotAllowIsRefusedWhateverTheGuardFileSays) {
  order.mutable_action()->mutable_set_sysctl()->mutable_settings(0)->set_value("0");
  EXPECT_EQ(Refusal(), "net.ipv4.tcp_syncookies = 0 is out of bounds: an order may set 1 to 2");
}

TEST_F(SysctlOrders, NoOrderLowersWhatMustNotBeLowered) {
  Value(kCookies) = "2";
  EXPECT_EQ(Refusal(),
            "net.ipv4.tcp_syncookies is 2 now, and no order sets it lower (1 was asked for)");
}

TEST_F(SysctlOrders, AValueThatIsInForceAlreadyIsNotSetAgain) {
  Value(kCookies) = "1";
  EXPECT_EQ(Refusal(), "net.ipv4.tcp_syncookies is 1 already");
}

TEST_F(SysctlOrders, OneSettingThatMayNotBeSetRefusesThemAll) {
  OrderBench::AddSetting(kSomaxconn, "4000", &order);
  EXPECT_EQ(Refusal(),
            "net.core.somaxconn is 4096 now, and no order sets it lower (4000 was asked for)");
  EXPECT_EQ(Value(kCookies), "0");
}

TEST_F(SysctlOrders, WhatIsOneForTheWholeMachineIsSetFromTheHostsNamespaceOnly) {
  constexpr char kBacklog[] = "net.core.netdev_max_backlog";
  bench.WriteGuard(
      "actions: [set_sysctl]\nnamespaces: [any]\n"
      "sysctls: {net.core.netdev_max_backlog: {}}\n");
  FakeHost::Netns& netns = bench.host.namespaces.at(FakeHost::kNetns);
  netns.sysctls[kBacklog] = "1000";
  order.mutable_action()->mutable_set_sysctl()->clear_settings();
  OrderBench::AddSetting(kBacklog, "2000", &order);
  EXPECT_EQ(Refusal(),
            "net.core.netdev_max_backlog is one for the whole machine, and is set from the host's "
            "own namespace only");
  netns.in_host_netns = true;
  order.set_id("o-2");
  EXPECT_TRUE(bench.Wish(kApply, order));
  EXPECT_EQ(Value(kBacklog), "2000");
}

TEST_F(SysctlOrders, ASecondOrderForALiveSettingIsBusyAndOneForAnotherSettingIsNot) {
  Commit();
  ASSERT_TRUE(bench.Wish(kApply, bench.SysctlOrder("o-2")));
  EXPECT_EQ(bench.Reports(),
            "o-2 REFUSED busy: order o-1 holds net.ipv4.tcp_syncookies there: "
            "net.ipv4.tcp_syncookies=REFUSED(busy: order o-1 holds net.ipv4.tcp_syncookies "
            "there)\n");
  v1::Order other = bench.SysctlOrder("o-3");
  other.clear_action();
  OrderBench::AddSetting(kSomaxconn, "8192", &other);
  ASSERT_TRUE(bench.Wish(kApply, other));
  EXPECT_EQ(Value(kSomaxconn), "8192");
}

TEST_F(SysctlOrders, AnotherNamespacesOrderIsNoConflict) {
  Commit();
  bench.WriteGuard(
      "actions: [set_sysctl]\nnamespaces: [any]\n"
      "sysctls: {net.ipv4.tcp_syncookies: {}}\n");
  bench.view.finding->set_cookie(FakeHost::kNetns + 1);
  v1::Order other = bench.SysctlOrder("o-2");
  other.mutable_selector()->set_netns_cookie(FakeHost::kNetns + 1);
  ASSERT_TRUE(bench.Wish(kApply, other));
  EXPECT_THAT(bench.Reports(), HasSubstr("o-2 APPLIED"));
}

TEST_F(SysctlOrders, WhatWasTriedAndTakenBackMayBeTriedAgain) {
  Apply();
  ASSERT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  ASSERT_TRUE(bench.Wish(kApply, bench.SysctlOrder("o-2")));
  EXPECT_THAT(bench.Reports(), HasSubstr("o-2 APPLIED"));
  EXPECT_EQ(Value(kCookies), "1");
}

TEST_F(SysctlOrders, IfOneCannotBeSetThoseThatWereAreUndoneAtOnce) {
  OrderBench::AddSetting(kSomaxconn, "8192", &order);
  OrderBench::AddSetting("net.ipv4.tcp_synack_retries", "3", &order);
  bench.WriteGuard(
      "actions: [set_sysctl]\nnamespaces: [any]\nsysctls: {net.ipv4.tcp_syncookies: "
      "{}, net.core.somaxconn: {}, net.ipv4.tcp_synack_retries: {}}\n");
  FakeHost::Netns& netns = bench.host.namespaces.at(FakeHost::kNetns);
  netns.sysctls["net.ipv4.tcp_synack_retries"] = "5";
  netns.refuses[kSomaxconn] = absl::PermissionDeniedError("write: EACCES");
  ASSERT_TRUE(bench.Wish(kApply, order));
  EXPECT_EQ(bench.Reports(),
            "o-1 REFUSED net.core.somaxconn: write: EACCES: "
            "net.ipv4.tcp_syncookies=UNDONE "
            "net.core.somaxconn=UNDONE(it was 4096 already) "
            "net.ipv4.tcp_synack_retries=REFUSED(not tried: an earlier one could not be set)\n");
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_EQ(Value(kSomaxconn), "4096");
  EXPECT_EQ(bench.disk.file, "");
}

TEST_F(SysctlOrders, WhatCannotBeUndoneAtOnceStaysOursUntilItIs) {
  OrderBench::AddSetting(kSomaxconn, "8192", &order);
  FakeHost::Netns& netns = bench.host.namespaces.at(FakeHost::kNetns);
  netns.refuses[kSomaxconn] = absl::PermissionDeniedError("write: EACCES");
  bench.host.before_exchange = [&] {
    if (bench.host.exchanges == 1) netns.refuses[kCookies] = absl::UnavailableError("write: EIO");
  };
  ASSERT_TRUE(bench.Wish(kApply, order));
  EXPECT_EQ(bench.Reports(),
            "o-1 APPLIED net.core.somaxconn: write: EACCES: "
            "net.ipv4.tcp_syncookies=APPLIED(write: EIO) "
            "net.core.somaxconn=UNDONE(it was 4096 already)\n");
  EXPECT_FALSE(bench.Wish(kCommit, order));  // it does not stand, whatever the controller thinks
  netns.refuses.clear();
  bench.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 ROLLED_BACK net.core.somaxconn: write: EACCES"));
}

TEST_F(SysctlOrders, AWriteThatWasMadeAndThenFailedIsUndoneToo) {
  bench.host.namespaces.at(FakeHost::kNetns).read_back_fails = true;
  ASSERT_TRUE(bench.Wish(kApply, order));
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_THAT(bench.Reports(),
              HasSubstr("o-1 ROLLED_BACK net.ipv4.tcp_syncookies: read back: EIO"));
}

TEST_F(SysctlOrders, ASettingThatSomeoneChangesBetweenTheCheckAndTheWriteIsLeftAlone) {
  bench.host.before_exchange = [&] { Value(kCookies) = "2"; };
  ASSERT_TRUE(bench.Wish(kApply, order));
  EXPECT_EQ(Value(kCookies), "2");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 REFUSED net.ipv4.tcp_syncookies: 2 is set now, and "
                                         "not by this agent"));
}

TEST_F(SysctlOrders, AnAdministratorsLaterValueSurvivesTheRollbackAndIsReported) {
  Apply();
  Value(kCookies) = "2";
  bench.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.Reports(),
            "o-1 APPLIED: net.ipv4.tcp_syncookies=DRIFTED(2 is set now, and not "
            "by this agent)\n");
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(Value(kCookies), "2");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 DRIFTED not improved"));
}

TEST_F(SysctlOrders, ACommittedOneEndsWhereAnAdministratorHasTakenOver) {
  Commit();
  Value(kCookies) = "2";
  bench.clock.Advance(absl::Seconds(30));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED its namespace is gone, or others have changed its settings since: "
            "net.ipv4.tcp_syncookies=DRIFTED(2 is set now, and not by this agent)\n");
  EXPECT_EQ(bench.book->NextDeadline(), absl::InfiniteDuration());
  // And is forgotten once that is known: nothing keeps the next order from the same setting.
  bench.Wish(kCommit, order, "", v1::Order::STATE_ENDED);
  bench.clock.Advance(absl::Minutes(1));
  bench.Step();
  EXPECT_EQ(bench.disk.file, "");
}

TEST_F(SysctlOrders, ACommittedOneEndsWithItsNamespace) {
  Commit();
  bench.host.namespaces.erase(FakeHost::kNetns);
  bench.clock.Advance(absl::Seconds(30));
  EXPECT_TRUE(bench.Step());
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 ENDED its namespace is gone"));
  EXPECT_THAT(bench.Reports(), HasSubstr("tcp_syncookies=GONE(the namespace is gone)"));
}

TEST_F(SysctlOrders, ANamespaceThatMayNotBeLookedAtIsNotTakenForGone) {
  Apply();
  bench.host.namespaces.at(FakeHost::kNetns).hidden = absl::PermissionDeniedError("setns: EPERM");
  EXPECT_TRUE(bench.Wish(kRollBack, order, "not improved"));
  EXPECT_EQ(bench.Reports(),
            "o-1 APPLIED not improved: net.ipv4.tcp_syncookies=APPLIED(setns: EPERM)\n");
  bench.host.namespaces.at(FakeHost::kNetns).hidden = absl::OkStatus();
  bench.clock.Advance(absl::Seconds(5));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(Value(kCookies), "0");
}

TEST_F(SysctlOrders, AfterARebootTheBootsOwnValuesHold) {
  Commit();
  bench.host.exchanges = 0;
  bench.Start("boot-2");
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED the host has restarted: "
            "net.ipv4.tcp_syncookies=GONE(the host has restarted)\n");
  EXPECT_EQ(bench.host.exchanges, 0);
}

TEST_F(SysctlOrders, UndoAllTakesThemBackAndSaysWhere) {
  Commit();
  bench.Start();
  EXPECT_THAT(bench.book->UndoAll(bench.clock.Now()).lines,
              ElementsAre("order o-1: net.ipv4.tcp_syncookies in netns of pid 812 (nginx): 0 "
                          "again"));
  EXPECT_EQ(Value(kCookies), "0");
}

TEST_F(SysctlOrders, TheLeaseRunsFromTheCommitAndEndsTheOrder) {
  Commit();
  EXPECT_EQ(bench.book->NextDeadline(), bench.clock.Now().uptime + absl::Hours(2));
  Live(absl::Minutes(119), /*holds=*/false);
  EXPECT_EQ(Value(kCookies), "1");
  EXPECT_EQ(bench.view.asked, "netns.syncookies_sent_per_s > 1.0 in cookie:4097");
  Live(absl::Minutes(1), /*holds=*/false);
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED the lease ran out: for 2h it was not seen that "
            "netns.syncookies_sent_per_s > 1.0: net.ipv4.tcp_syncookies=UNDONE\n");
  EXPECT_EQ(bench.book->NextDeadline(), absl::InfiniteDuration());
}

TEST_F(SysctlOrders, TheLeaseIsRenewedWhileItsConditionIsSeenToHold) {
  Commit();
  Live(absl::Hours(9), /*holds=*/true);
  EXPECT_EQ(Value(kCookies), "1");
  EXPECT_EQ(bench.book->NextDeadline(), bench.clock.Now().uptime + absl::Hours(2));
  Live(absl::Minutes(119), /*holds=*/false);
  EXPECT_EQ(Value(kCookies), "1");
  Live(absl::Minutes(1), /*holds=*/false);
  EXPECT_EQ(Value(kCookies), "0");
}

TEST_F(SysctlOrders, WhatIsNotKnownDoesNotRenewTheLease) {
  Commit();
  Live(absl::Hours(2), /*holds=*/std::nullopt);
  EXPECT_EQ(Value(kCookies), "0");
}

TEST_F(SysctlOrders, AnExpressionlessLeaseIsNeverRenewed) {
  order.mutable_lease()->clear_renew_while();
  Commit();
  Live(absl::Hours(2), /*holds=*/true);
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 ENDED the lease ran out: it was for 2h: "));
}

TEST_F(SysctlOrders, WithoutALeaseACommitStays) {
  order.clear_lease();
  Commit();
  EXPECT_EQ(bench.book->NextDeadline(), absl::InfiniteDuration());
  Live(absl::Hours(30), /*holds=*/false);
  EXPECT_EQ(Value(kCookies), "1");
}

TEST_F(SysctlOrders, ARenewalIsJournalledAndToldOnceAQuarterOfTheLease) {
  Commit();
  const int writes = bench.disk.writes;
  Live(absl::Minutes(30), /*holds=*/true);
  EXPECT_EQ(bench.disk.writes, writes);
  EXPECT_EQ(bench.Reports(), "");
  Live(absl::Minutes(1), /*holds=*/true);
  EXPECT_EQ(bench.disk.writes, writes + 1);
  const v1::OrderReport told = bench.book->Reports().at(0);
  EXPECT_EQ(FromProto(told.lease_until()), bench.clock.Now().wall + absl::Hours(2));
  bench.Wish(kCommit, order, "", v1::Order::STATE_COMMITTED);
  EXPECT_EQ(bench.Reports(), "");
  Live(absl::Hours(8), /*holds=*/true);
  EXPECT_LE(bench.disk.writes, writes + 2 + 16);
}

TEST_F(SysctlOrders, ARestartLosesNoMoreThanAQuarterOfTheLease) {
  Commit();
  Live(absl::Minutes(100), /*holds=*/true);
  const absl::Duration exact = bench.book->NextDeadline();
  bench.Start("boot-1", OrderBench::kNonce + 1);
  EXPECT_LE(bench.book->NextDeadline(), exact);
  EXPECT_GE(bench.book->NextDeadline(), exact - absl::Minutes(30));
  // And goes on being renewed.
  Live(absl::Hours(5), /*holds=*/true);
  EXPECT_EQ(Value(kCookies), "1");
}

TEST_F(SysctlOrders, ALeaseThatRanOutWhileTheAgentWasAwayEndsAtItsNextStart) {
  Commit();
  bench.clock.Advance(absl::Hours(3));
  bench.Start("boot-1", OrderBench::kNonce + 1);
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED the lease ran out: for 2h it was not seen that "
            "netns.syncookies_sent_per_s > 1.0, while the agent was not running: "
            "net.ipv4.tcp_syncookies=UNDONE\n");
}

TEST_F(SysctlOrders, AtTheLeasesEndAnAdministratorsValueIsLeftAlone) {
  Commit();
  bench.clock.Advance(absl::Hours(2) - absl::Seconds(31));
  bench.Step();
  Value(kCookies) = "2";
  bench.clock.Advance(absl::Seconds(31));
  EXPECT_TRUE(bench.Step());
  EXPECT_EQ(Value(kCookies), "2");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 ENDED the lease ran out"));
  EXPECT_THAT(bench.Reports(), HasSubstr("tcp_syncookies=DRIFTED(2 is set now, and not by this "
                                         "agent)"));
}

TEST_F(SysctlOrders, AnUndoAtTheLeasesEndThatCannotBeDoneIsTriedAgainAlsoAfterARestart) {
  Commit();
  bench.host.namespaces.at(FakeHost::kNetns).refuses[kCookies] =
      absl::PermissionDeniedError("write: EROFS");
  Live(absl::Hours(2), /*holds=*/false);
  EXPECT_EQ(bench.Reports(),
            "o-1 COMMITTED the lease ran out: for 2h it was not seen that "
            "netns.syncookies_sent_per_s > 1.0: "
            "net.ipv4.tcp_syncookies=APPLIED(write: EROFS)\n");
  // The flood's return does not change what is decided.
  Live(absl::Minutes(1), /*holds=*/true);
  bench.host.namespaces.at(FakeHost::kNetns).refuses.clear();
  bench.Start("boot-1", OrderBench::kNonce + 1);
  EXPECT_EQ(Value(kCookies), "0");
  EXPECT_THAT(bench.Reports(), HasSubstr("o-1 ENDED the lease ran out"));
}

}  // namespace
}  // namespace tcpmedic
