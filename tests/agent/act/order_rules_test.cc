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
