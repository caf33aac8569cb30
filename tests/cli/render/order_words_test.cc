#include "cli/render/order_words.h"

#include <gtest/gtest.h>

#include "tests/cli/flood_examples.h"
#include "tests/cli/order_examples.h"

namespace tcpmedic::cli {
namespace {

std::string Words(const v1::IncidentView& view) { return OrderWords(view.orders(0), kNow); }
std::string Targets(const std::string& text) { return TargetsText(FromText<v1::Order>(text)); }

TEST(OrderWords, EveryStateIsToldInASentence) {
  EXPECT_EQ(Words(PinnedCwndSent()), "sent; the agent applies it by 03:12:33 UTC or not at all");
  EXPECT_EQ(Words(PinnedCwndVerifying()),
            "applied and being verified, 12 of 20 s; rolls back by itself at 03:12:28 UTC unless "
            "confirmed");
  EXPECT_EQ(Words(PinnedCwndVerified()),
            "verified 45 s ago: goodput 4.68 Mbit/s → 88.4 Mbit/s, 19 times as much");
  EXPECT_EQ(Words(PinnedCwndRolledBack()),
            "rolled back 45 s ago because after.goodput_bps is 812 kbit/s, not at least 3 × 780 "
            "kbit/s");
  EXPECT_EQ(Words(PinnedCwndRefused()),
            "refused: /etc/tcpmedic/guard.yaml does not allow set_congestion_control on this host; "
            "nothing was changed");
  EXPECT_EQ(Words(PinnedCwndDrifted()),
            "drifted: what someone else has changed since is left alone");
  EXPECT_EQ(
      Words(PinnedCwndInconclusive()),
      "inconclusive, so rolled back 55 s ago because every target closed before 10 s could be "
      "measured");
  EXPECT_EQ(Words(PinnedCwndSilent()),
            "unknown: the agent is silent since 03:11:58 UTC; rolls back by itself at 03:12:28 UTC "
            "unless confirmed");
}

TEST(OrderWords, VerifiedIsSaidOnlyOnceTheAgentHasConfirmed) {
  v1::IncidentView view = PinnedCwndVerified();
  view.mutable_orders(0)->set_state(v1::Order::STATE_COMMITTING);
  EXPECT_EQ(
      Words(view),
      "it helped, and the agent is being told to keep it; rolls back by itself at 03:11:35 UTC "
      "unless confirmed");
  EXPECT_EQ(OrderWord(view.orders(0)), "confirming");
  EXPECT_FALSE(IsSettled(view.orders(0)));
}

TEST(OrderWords, ARollbackOfSomethingVerifiedNamesThePersonAndTheReason) {
  v1::IncidentView view = PinnedCwndVerified();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_ROLLED_BACK);
  order.set_roll_back_by("alice");
  EXPECT_EQ(Words(view), "rolled back 45 s ago by alice");
  order.set_roll_back_reason("the link is being replaced");
  order.set_reason("the controller wanted it");
  EXPECT_EQ(Words(view), "rolled back 45 s ago by alice because the link is being replaced");
}

TEST(OrderWords, ARollbackByTheAgentItselfGivesItsReason) {
  v1::IncidentView view = PinnedCwndSilent();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_ROLLED_BACK);
  order.set_reason("no commit came within 35 s");
  EXPECT_EQ(Words(view), "rolled back because no commit came within 35 s");
}

TEST(OrderWords, WhatIsBeingUndoneIsNotUndoneYet) {
  v1::IncidentView view = PinnedCwndVerified();
  v1::Order& order = *view.mutable_orders(0);
  order.set_roll_back_by("alice");
  order.set_roll_back_reason("the link is being replaced");
  EXPECT_EQ(Words(view), "being rolled back by alice because the link is being replaced");
  EXPECT_EQ(OrderWord(order), "rolling back");
  EXPECT_FALSE(IsSettled(order));
  EXPECT_FALSE(CanBeTakenBack(order));
}

TEST(OrderWords, ASilentAgentKeepsWhatItHasConfirmed) {
  v1::IncidentView view = PinnedCwndVerified();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_UNKNOWN);
  order.set_reported(v1::Order::STATE_COMMITTED);
  order.set_roll_back_by("alice");
  EXPECT_EQ(
      Words(view),
      "unknown: the agent is silent since 03:11:20 UTC; what it has confirmed stays until it is "
      "heard");
}

TEST(OrderWords, ASilentAgentThatHasNotBegunMayStillBegin) {
  v1::IncidentView view = PinnedCwndSent();
  view.mutable_orders(0)->set_state(v1::Order::STATE_UNKNOWN);
  EXPECT_EQ(Words(view),
            "unknown: the agent is silent; the agent applies it by 03:12:33 UTC or not at all");
}

TEST(OrderWords, WhatIsVerifiedAndGoneIsOver) {
  v1::IncidentView view = PinnedCwndVerified();
  view.mutable_orders(0)->set_state(v1::Order::STATE_ENDED);
  view.mutable_orders(0)->set_reason("all its sockets have closed");
  EXPECT_EQ(
      Words(view),
      "verified 45 s ago: goodput 4.68 Mbit/s → 88.4 Mbit/s, 19 times as much; over since: all "
      "its sockets have closed");
  EXPECT_FALSE(CanBeTakenBack(view.orders(0)));
}

TEST(OrderWords, AStateOfANewerControllerIsSaid) {
  EXPECT_EQ(OrderWords(v1::Order(), kNow),
            "in a state that this tcpmedic does not know: update it");
}

TEST(OrderWords, OnlyWhatIsAppliedCanBeTakenBack) {
  EXPECT_FALSE(CanBeTakenBack(PinnedCwndSent().orders(0)));
  EXPECT_TRUE(CanBeTakenBack(PinnedCwndVerifying().orders(0)));
  EXPECT_TRUE(CanBeTakenBack(PinnedCwndVerified().orders(0)));
  EXPECT_TRUE(CanBeTakenBack(PinnedCwndSilent().orders(0)));
  EXPECT_FALSE(CanBeTakenBack(PinnedCwndRolledBack().orders(0)));
  EXPECT_FALSE(CanBeTakenBack(PinnedCwndRefused().orders(0)));
}

TEST(TargetsText, CountsEachFateWithTheFirstReason) {
  EXPECT_EQ(Targets(""), "");
  EXPECT_EQ(Targets("targets { socket {} state: STATE_APPLIED value_before: 'cubic' value_after: "
                    "'bbr' }"),
            "1 socket moved from cubic to bbr");
  EXPECT_EQ(TargetsText(PinnedCwndVerified().orders(0)),
            "6 sockets moved from cubic to bbr, 1 held back and moved after, 1 gone (closed "
            "before it could be changed)");
  EXPECT_EQ(TargetsText(PinnedCwndDrifted().orders(0)),
            "2 sockets back on cubic, 1 drifted (it is on reno now, not on our bbr)");
  EXPECT_EQ(Targets("targets { held_back: true } targets { state: STATE_APPLIED value_before: "
                    "'cubic' value_after: 'bbr' } targets { state: STATE_REFUSED reason: 'busy' } "
                    "targets { state: STATE_REFUSED reason: 'not established' }"),
            "1 socket moved from cubic to bbr, 1 held back, 2 refused (busy)");
  EXPECT_EQ(Targets("targets { state: STATE_GONE } targets { state: STATE_GONE reason: 'closed' }"),
            "2 sockets gone (closed)");
}

TEST(TargetsText, WhatDiffersIsNotNamed) {
  EXPECT_EQ(Targets("targets { state: STATE_APPLIED value_before: 'cubic' value_after: 'bbr' } "
                    "targets { state: STATE_APPLIED value_before: 'reno' value_after: 'bbr' }"),
            "2 sockets moved to bbr");
}

TEST(TargetsText, OtherThingsThanSocketsHaveTheirName) {
  EXPECT_EQ(
      Targets("targets { sysctl: 'net.ipv4.tcp_syncookies' state: STATE_APPLIED value_before: "
              "'0' value_after: '1' }"),
      "net.ipv4.tcp_syncookies 0 → 1");
  EXPECT_EQ(Targets("targets { pid: 7 state: STATE_GONE } targets { pid: 8 state: STATE_GONE }"),
            "2 processes gone");
}

TEST(VerifiedSoFar, StaysWithinItsTime) {
  v1::Order order = PinnedCwndVerifying().orders(0);
  EXPECT_EQ(VerifiedSoFar(order, kNow), "12 of 20 s");
  EXPECT_EQ(VerifiedSoFar(order, kNow + absl::Hours(1)), "20 of 20 s");
  EXPECT_EQ(VerifiedSoFar(order, kNow - absl::Hours(1)), "0 of 20 s");
  order.clear_applied_at();
  EXPECT_EQ(VerifiedSoFar(order, kNow), "");
}

v1::Verification Goodputs(double before, double after) {
  v1::Verification verification;
  const auto set = [](v1::Measurement* side, double goodput) {
    *side = FromText<v1::Measurement>("values { name: 'goodput_bps' value { double_value: 0 } }");
    side->mutable_values(0)->mutable_value()->set_double_value(goodput);
    side->set_sockets(2);
  };
  set(verification.mutable_before(), before);
  set(verification.mutable_after(), after);
  *verification.mutable_held_back_before() = verification.before();
  *verification.mutable_held_back_after() = verification.after();
  return verification;
}

TEST(GoodputChange, SaysHowManyTimesOnlyWhereItIsMuchMore) {
  EXPECT_EQ(ChangeText(Goodputs(800e3, 61.2e6)),
            "goodput 800 kbit/s → 61.2 Mbit/s, 77 times as much");
  EXPECT_EQ(ChangeText(Goodputs(1e6, 3.24e6)), "goodput 1 Mbit/s → 3.24 Mbit/s, 3.2 times as much");
  EXPECT_EQ(ChangeText(Goodputs(1e6, 1.2e6)), "goodput 1 Mbit/s → 1.2 Mbit/s");
  EXPECT_EQ(ChangeText(Goodputs(0, 5e6)), "goodput 0 bit/s → 5 Mbit/s");
  EXPECT_EQ(ChangeText(v1::Verification()), "");
}

TEST(SettingsText, EachIsNamedWithItsFate) {
  EXPECT_EQ(
      Targets("targets { sysctl: 'net.ipv4.tcp_syncookies' state: STATE_UNDONE value_before: "
              "'0' value_after: '1' } "
              "targets { sysctl: 'net.core.somaxconn' state: STATE_DRIFTED reason: 'it is 9' }"),
      "net.ipv4.tcp_syncookies back to 0, net.core.somaxconn drifted (it is 9)");
}

TEST(DropsChange, NamesDropsAndCookies) {
  EXPECT_EQ(ChangeText(FloodVerified().orders(0).verification()),
            "SYN drops 1,980/s → 0/s, cookies 0/s → 1,974/s");
}

TEST(LeaseText, SaysHowLongAndUntilWhen) {
  const v1::Order order = FloodVerified().orders(0);
  EXPECT_EQ(LeaseText(order.lease()),
            "stays while netns.syncookies_sent_per_s > 1.0, checked by the host; taken back 2 h "
            "after that ends");
  EXPECT_EQ(LeaseText(order, kNow),
            "until 05:12:04 UTC, and longer while netns.syncookies_sent_per_s > 1.0");
  EXPECT_EQ(LeaseText(FloodVerifying().orders(0), kNow), LeaseText(order.lease()));
  EXPECT_EQ(LeaseText(FloodLeaseOver().orders(0), kNow), "");
  EXPECT_EQ(LeaseText(PinnedCwndVerified().orders(0), kNow), "");
  EXPECT_EQ(LeaseText(FromText<v1::Lease>("for { seconds: 300 }")),
            "taken back by the host after 5 m");
}

TEST(HeldBack, IsComparedWithItself) {
  EXPECT_EQ(HeldBackText(PinnedCwndVerified().orders(0).verification()),
            "1 socket on cubic stayed at 800 kbit/s");
  EXPECT_EQ(HeldBackText(Goodputs(1e6, 9e6)), "2 sockets went from 1 Mbit/s to 9 Mbit/s");
  v1::Verification without_before = Goodputs(1e6, 9e6);
  without_before.clear_held_back_before();
  EXPECT_EQ(HeldBackText(without_before), "2 sockets had 9 Mbit/s");
  EXPECT_EQ(HeldBackText(v1::Verification()), "");
}

}  // namespace
}  // namespace tcpmedic::cli
