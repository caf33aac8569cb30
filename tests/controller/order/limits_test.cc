#include "controller/order/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);  // 22:13:20Z

v1::Proposal On(const std::string& host, uint64_t netns = 42) {
  v1::Proposal proposal;
  proposal.set_policy("to-bbr");
  proposal.mutable_selector()->set_host(host);
  proposal.mutable_selector()->set_netns_cookie(netns);
  proposal.set_targets_max(200);
  return proposal;
}

v1::Order Made(const std::string& host, int minutes_ago, v1::Order::State state,
               uint64_t netns = 42) {
  v1::Order order;
  order.set_id(absl::StrCat("o-", host, "-", minutes_ago));
  order.set_policy("to-bbr");
  *order.mutable_selector() = On(host, netns).selector();
  order.set_targets_max(200);
  order.set_state(state);
  *order.mutable_created_at() = ToProto(kNow - absl::Minutes(minutes_ago));
  return order;
}

v1::Order Changing(int sockets, v1::Order order) {
  for (int i = 0; i < sockets; ++i) order.add_targets()->set_state(v1::Target::STATE_APPLIED);
  return order;
}

v1::Limits Shipped() {
  v1::Limits limits;
  limits.set_hosts_at_once_ratio(0.05);
  limits.set_targets_per_host(200);
  limits.set_per_host_per_hour(4);
  limits.mutable_cooldown()->set_seconds(600);
  return limits;
}

// The number allowed, or why not.
std::string Allowed(const std::vector<v1::Order>& orders, int hosts = 1,
                    const v1::Proposal& proposal = On("web1"),
                    const v1::Limits& limits = Shipped()) {
  FleetOrders fleet;
  fleet.hosts = hosts;
  for (const v1::Order& order : orders) fleet.orders.push_back(&order);
  const auto allowed = TargetsAllowed(proposal, limits, fleet, kNow);
  if (allowed.ok()) return absl::StrCat(*allowed);
  EXPECT_EQ(allowed.status().code(), absl::StatusCode::kFailedPrecondition);
  return std::string(allowed.status().message());
}

TEST(TargetsAllowed, NothingGoingOnAllowsWhatWasApproved) { EXPECT_EQ(Allowed({}), "200"); }

TEST(TargetsAllowed, APercentageOfHostsIsRoundedUp) {
  const std::vector<v1::Order> one = {Made("web2", 1, v1::Order::STATE_APPLIED)};
  EXPECT_EQ(Allowed(one, 20),
            "policy to-bbr acts on at most 1 of 20 hosts at once, and is at work on web2: wait for "
            "the verdict there");
  EXPECT_EQ(Allowed(one, 21), "200");
  EXPECT_EQ(Allowed({Made("web2", 1, v1::Order::STATE_COMMITTED)}, 20), "200");
  EXPECT_THAT(Allowed({Made("web2", 1, v1::Order::STATE_UNKNOWN)}, 20), HasSubstr("web2"));
}

TEST(TargetsAllowed, OtherPoliciesOrdersDoNotCount) {
  v1::Order other = Made("web1", 1, v1::Order::STATE_APPLIED);
  other.set_policy("to-reno");
  EXPECT_EQ(Allowed({other}), "200");
}

TEST(TargetsAllowed, CooldownIsForTheSameSelector) {
  EXPECT_EQ(Allowed({Made("web1", 9, v1::Order::STATE_ROLLED_BACK)}),
            "policy to-bbr has acted on the same sockets at 22:04:20Z (order o-web1-9), and its "
            "cooldown is 10m: possible again at 22:14:20Z");
  EXPECT_EQ(Allowed({Made("web1", 10, v1::Order::STATE_ROLLED_BACK)}), "200");
  EXPECT_EQ(Allowed({Made("web1", 9, v1::Order::STATE_ROLLED_BACK, 43)}), "200");
}

TEST(TargetsAllowed, ARefusalUsesNothingUp) {
  EXPECT_EQ(Allowed({Made("web1", 1, v1::Order::STATE_REFUSED)}), "200");
}

TEST(TargetsAllowed, OrdersPerHourAreCounted) {
  std::vector<v1::Order> orders;
  for (const int ago : {59, 40, 30, 20})
    orders.push_back(Made("web1", ago, v1::Order::STATE_ENDED));
  EXPECT_EQ(Allowed(orders),
            "policy to-bbr acts on web1 at most 4 times per hour: possible again at 22:14:20Z");
  orders.front() = Made("web1", 60, v1::Order::STATE_ENDED);
  EXPECT_EQ(Allowed(orders), "200");
}

TEST(TargetsAllowed, SocketsThatAreChangedLeaveLessForTheNextOrder) {
  EXPECT_EQ(Allowed({Changing(150, Made("web1", 30, v1::Order::STATE_COMMITTED))}), "50");
  EXPECT_EQ(Allowed({Changing(150, Made("web1", 30, v1::Order::STATE_ROLLED_BACK))}), "200");
  EXPECT_THAT(Allowed({Changing(200, Made("web1", 30, v1::Order::STATE_COMMITTED))}),
              HasSubstr("already holds 200 sockets of web1 changed"));
  // Sent, and not yet answered: it may take all that it was allowed.
  EXPECT_THAT(Allowed({Made("web1", 1, v1::Order::STATE_DISPATCHED, 43)}),
              HasSubstr("already holds 200"));
}

v1::Proposal Setting(int settings) {
  v1::Proposal proposal = On("web1");
  for (int i = 0; i < settings; ++i)
    proposal.mutable_action()->mutable_set_sysctl()->add_settings();
  proposal.set_targets_max(settings);
  return proposal;
}

TEST(TargetsAllowed, SettingsAreSetTogetherOrNotAtAll) {
  v1::Limits three;
  three.set_targets_per_host(3);
  const auto holding = [](int settings) {
    return std::vector<v1::Order>{
        Changing(settings, Made("web1", 30, v1::Order::STATE_COMMITTED, 43))};
  };
  EXPECT_EQ(Allowed(holding(1), 1, Setting(2), three), "2");
  EXPECT_THAT(Allowed(holding(2), 1, Setting(2), three),
              HasSubstr("already holds 2 settings of web1 changed, and may hold 3"));
}

TEST(TargetsAllowed, WhatIsNotLimitedIsNotCounted) {
  v1::Limits limits;
  limits.set_targets_per_host(200);
  std::vector<v1::Order> orders;
  for (int i = 0; i < 50; ++i) orders.push_back(Made("web1", i, v1::Order::STATE_ENDED));
  for (int i = 0; i < 50; ++i) {
    orders.push_back(Made(absl::StrCat("web", i + 2), 0, v1::Order::STATE_APPLIED));
  }
  EXPECT_EQ(Allowed(orders, 51, On("web1"), limits), "200");
}

}  // namespace
}  // namespace tcpmedic
