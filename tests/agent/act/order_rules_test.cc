#include "agent/act/order_rules.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr uint64_t kNonce = 42;
const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

v1::Order Good() {
  v1::Order order;
  order.set_id("o-1");
  order.mutable_selector()->set_signature("pinned-cwnd");
  order.mutable_selector()->add_group_by()->set_attribute("netns");
  auto* action = order.mutable_action()->mutable_set_congestion_control();
  action->set_algorithm("bbr");
  action->set_scope(v1::SetCongestionControl::SCOPE_SOCKETS);
  order.set_targets_max(200);
  order.set_session_nonce(kNonce);
  *order.mutable_expires_at() = ToProto(kNow + absl::Seconds(30));
  *order.mutable_confirm_within() = ToProto(absl::Seconds(35));
  order.set_holdback_ratio(0.1);
  return order;
}

TEST(CheckOrder, AGoodOrderPasses) { EXPECT_TRUE(CheckOrder(Good(), kNonce, kNow).ok()); }

TEST(CheckOrder, WhatIsWrongIsSaid) {
  struct Case {
    std::function<void(v1::Order*)> spoil;
    std::string problem;
  };
  const Case cases[] = {
      {[](v1::Order* o) { o->set_id(std::string(129, 'o')); },
       "INVALID_ARGUMENT: its id is longer than 128 bytes"},
      {[](v1::Order* o) { o->clear_action(); },
       "INVALID_ARGUMENT: this agent knows no such action"},
      {[](v1::Order* o) { o->mutable_action()->mutable_note(); },
       "INVALID_ARGUMENT: this agent knows no such action"},
      {[](v1::Order* o) { o->mutable_action()->mutable_set_congestion_control()->clear_scope(); },
       "INVALID_ARGUMENT: set_congestion_control: this agent knows only the scope sockets"},
      {[](v1::Order* o) {
         o->mutable_action()->mutable_set_congestion_control()->clear_algorithm();
       },
       "INVALID_ARGUMENT: set_congestion_control: no algorithm is named"},
      {[](v1::Order* o) { o->clear_selector(); },
       "INVALID_ARGUMENT: an empty selector selects nothing"},
      {[](v1::Order* o) { o->mutable_selector()->clear_group_by(); },
       "INVALID_ARGUMENT: an empty selector selects nothing"},
      {[](v1::Order* o) { o->clear_targets_max(); }, "INVALID_ARGUMENT: targets_max is 0"},
      {[](v1::Order* o) { o->set_holdback_ratio(1); }, "INVALID_ARGUMENT: holdback_ratio is 1"},
      {[](v1::Order* o) { o->set_holdback_ratio(std::nan("")); },
       "INVALID_ARGUMENT: holdback_ratio is nan"},
      {[](v1::Order* o) { o->clear_confirm_within(); },
       "INVALID_ARGUMENT: confirm_within is 0, not between 0 and 1h"},
      {[](v1::Order* o) { *o->mutable_confirm_within() = ToProto(absl::Hours(2)); },
       "INVALID_ARGUMENT: confirm_within is 2h, not between 0 and 1h"},
      {[](v1::Order* o) { o->set_session_nonce(41); },
       "FAILED_PRECONDITION: the order is meant for another session of this agent"},
      {[](v1::Order* o) { *o->mutable_expires_at() = ToProto(kNow); },
       "FAILED_PRECONDITION: the order expired at 2026-09-21T14:13:20+00:00"},
      {[](v1::Order* o) { o->clear_expires_at(); },
       "FAILED_PRECONDITION: the order expired at 1970-01-01T00:00:00+00:00"},
  };
  for (const Case& c : cases) {
    v1::Order order = Good();
    c.spoil(&order);
    EXPECT_EQ(CheckOrder(order, kNonce, kNow).ToString(), c.problem);
  }
}

v1::Order GoodSysctl() {
  v1::Order order = Good();
  order.clear_targets_max();
  order.mutable_selector()->set_netns_cookie(4097);
  v1::SetSysctl::Setting* const setting =
      order.mutable_action()->mutable_set_sysctl()->add_settings();
  setting->set_name("net.ipv4.tcp_syncookies");
  setting->set_value("1");
  *order.mutable_lease()->mutable_for_() = ToProto(absl::Hours(2));
  order.mutable_lease()->set_renew_while("netns.syncookies_sent_per_s > 1.0");
  return order;
}

TEST(CheckOrder, AGoodSysctlOrderPassesWithAndWithoutALease) {
  EXPECT_EQ(CheckOrder(GoodSysctl(), kNonce, kNow).ToString(), "OK");
  v1::Order without = GoodSysctl();
  without.clear_lease();
  EXPECT_EQ(CheckOrder(without, kNonce, kNow).ToString(), "OK");
}

TEST(CheckOrder, WhatIsWrongWithASysctlOrderIsSaid) {
  struct Case {
    std::function<void(v1::Order*)> spoil;
    std::string problem;
  };
  const auto add = [](const std::string& name, const std::string& value) {
    return [=](v1::Order* o) {
      v1::SetSysctl::Setting* const setting =
          o->mutable_action()->mutable_set_sysctl()->add_settings();
      setting->set_name(name);
      setting->set_value(value);
    };
  };
  const Case cases[] = {
      {[](v1::Order* o) { o->mutable_action()->mutable_set_sysctl()->clear_settings(); },
       "INVALID_ARGUMENT: set_sysctl: no setting is named"},
      {add("net.ipv4.tcp_syncookies", "2"),
       "INVALID_ARGUMENT: set_sysctl: net.ipv4.tcp_syncookies is named twice"},
      {[&](v1::Order* o) {
         for (int i = 0; i < 8; ++i) add("net.core.somaxconn", "4096")(o);
       },
       "INVALID_ARGUMENT: set_sysctl: more than 8 settings"},
      {add("kernel.panic", "1"),
       "INVALID_ARGUMENT: kernel.panic is not on the list of sysctls that an order may set"},
      {add("net.core.somaxconn", "70000"),
       "INVALID_ARGUMENT: net.core.somaxconn = 70000 is out of bounds: an order may set 128 to "
       "65535"},
      {add("net.core.somaxconn", "4096; reboot"),
       "INVALID_ARGUMENT: net.core.somaxconn: '4096; reboot' is no integer"},
      {[](v1::Order* o) {
         o->mutable_action()->mutable_set_sysctl()->mutable_settings(0)->set_value("0");
       },
       "INVALID_ARGUMENT: net.ipv4.tcp_syncookies = 0 is out of bounds: an order may set 1 to 2"},
      {[](v1::Order* o) { o->mutable_selector()->clear_netns_cookie(); },
       "INVALID_ARGUMENT: set_sysctl: the selector names no namespace"},
      {[](v1::Order* o) { o->mutable_lease()->mutable_for_()->set_seconds(4); },
       "INVALID_ARGUMENT: the lease is for 4s, not between 5s and 24h"},
      {[](v1::Order* o) { o->mutable_lease()->mutable_for_()->set_seconds(86'401); },
       "INVALID_ARGUMENT: the lease is for 24h1s, not between 5s and 24h"},
      {[](v1::Order* o) { o->mutable_lease()->set_renew_while(std::string(4097, 'x')); },
       "INVALID_ARGUMENT: the lease's renew_while is longer than 4096 bytes"},
  };
  for (const Case& c : cases) {
    v1::Order order = GoodSysctl();
    c.spoil(&order);
    EXPECT_EQ(CheckOrder(order, kNonce, kNow).ToString(), c.problem);
  }
  v1::Order of_sockets = Good();
  *of_sockets.mutable_lease() = GoodSysctl().lease();
  EXPECT_EQ(CheckOrder(of_sockets, kNonce, kNow).ToString(),
            "INVALID_ARGUMENT: set_congestion_control: this agent knows no lease for it");
}

TEST(ReportOf, TellsUntilWhenTheLeaseOfACommittedOrderRuns) {
  v1::JournalledOrder record =
      RecordOf(GoodSysctl(), "boot-1", {.wall = kNow, .uptime = absl::Seconds(1000)});
  EXPECT_FALSE(ReportOf(record).has_lease_until());
  EXPECT_EQ(LeaseUntil(record), absl::InfiniteDuration());
  record.set_state(v1::Order::STATE_COMMITTED);
  *record.mutable_lease_until_uptime() = ToProto(absl::Seconds(8225));
  EXPECT_EQ(FromProto(ReportOf(record).lease_until()), kNow + absl::Seconds(7225));
  EXPECT_EQ(LeaseUntil(record), absl::Seconds(8225));
  record.set_state(v1::Order::STATE_ENDED);
  EXPECT_FALSE(ReportOf(record).has_lease_until());
}

TEST(Bounded, KeepsWholeCharactersOnly) {
  EXPECT_EQ(Bounded("not improved"), "not improved");
  EXPECT_EQ(Bounded(std::string(600, 'x')), std::string(512, 'x'));
  EXPECT_EQ(Bounded(std::string(511, 'x') + "→ and more"), std::string(511, 'x'));
  EXPECT_EQ(Bounded(std::string(509, 'x') + "→ and more"), std::string(509, 'x') + "→");
}

std::string HeldBack(size_t count, double ratio) {
  std::string shown;
  for (const bool held : ChooseHeldBack(count, ratio)) shown += held ? 'h' : '.';
  return shown;
}

TEST(ChooseHeldBack, FewerThanFourAreAllChanged) {
  EXPECT_EQ(HeldBack(0, 0.1), "");
  EXPECT_EQ(HeldBack(3, 0.5), "...");
}

TEST(ChooseHeldBack, OneAtLeastAndOneInTenSpreadEvenly) {
  EXPECT_EQ(HeldBack(4, 0.1), "..h.");
  EXPECT_EQ(HeldBack(8, 0.1), "....h...");
  EXPECT_EQ(HeldBack(15, 0.1), "...h.......h...");
  EXPECT_EQ(HeldBack(24, 0.1), "......h...........h.....");
  EXPECT_EQ(HeldBack(25, 0.1), "....h.......h.......h....");
}

TEST(ChooseHeldBack, NoRatioHoldsNoneAndNoRatioHoldsAll) {
  EXPECT_EQ(HeldBack(8, 0), "........");
  EXPECT_EQ(HeldBack(4, 0.99), "h.hh");
}

}  // namespace
}  // namespace tcpmedic
