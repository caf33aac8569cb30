#include "cli/render/sampling_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/follow_order.h"
#include "cli/render/order_words.h"
#include "tests/cli/flood_examples.h"
#include "tests/cli/leak_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Words(const v1::IncidentView& view) {
  return SamplingWords(*SamplingOrder(view), kNow);
}

TEST(SamplingWords, EveryStateIsToldInALine) {
  EXPECT_EQ(Words(LeakSampling()), "sampling, 12 of 60 s; it only reads");
  EXPECT_EQ(Words(LeakSampled()),
            "sampled: 412 of 500 leaked descriptors: read returned 0 in Handle (leak.cc:42); and 1 "
            "other place");
  EXPECT_EQ(Words(LeakNotSampled()),
            "not sampled: refused: /etc/tcpmedic/guard.yaml does not allow sample_call_sites on "
            "this host");
  v1::IncidentView view = LeakSampling();
  view.mutable_orders(0)->set_state(v1::Order::STATE_DISPATCHED);
  EXPECT_EQ(Words(view), "sent; waits for the agent");
  view.mutable_orders(0)->set_state(v1::Order::STATE_UNKNOWN);
  EXPECT_EQ(Words(view), "not known: the agent is silent");
}

TEST(SamplingWords, EndedWithoutASiteIsNotSampled) {
  v1::IncidentView view = LeakSampled();
  view.mutable_orders(0)->mutable_call_sites()->clear_sites();
  view.mutable_orders(0)->mutable_call_sites()->add_degraded("perf_event_paranoid is 4");
  EXPECT_EQ(Words(view), "not sampled: no call site was seen: perf_event_paranoid is 4");
}

TEST(SamplingWords, TheOrderThatFoundSomethingIsShownBeforeANewerOneThatDidNot) {
  v1::IncidentView view = LeakNotSampled();
  *view.add_orders() = LeakSampled().orders(0);
  EXPECT_EQ(SamplingOrder(view), &view.orders(1));
  EXPECT_EQ(SamplingOrder(FloodVerified()), nullptr);
}

TEST(SamplingWords, TheSitesComeWithTheirCallers) {
  const v1::IncidentView view = LeakSampled();
  EXPECT_THAT(
      CallSiteLines(view.orders(0), 1, kNow),
      ElementsAre("412 of 500: read returned 0 in Handle (leak.cc:42), called by Serve "
                  "(leak.cc:97), by main (main.cc:12)",
                  "1 more place", StartsWith("last used while calls were recorded: 415 of 500")));
}

TEST(SamplingWords, WhatOnlyReadsCannotBeTakenBackNorVerified) {
  for (const v1::IncidentView& view : {LeakSampling(), LeakSampled(), LeakNotSampled()}) {
    EXPECT_FALSE(CanBeTakenBack(view.orders(0)));
    EXPECT_FALSE(IsVerified(view.orders(0)));
    EXPECT_EQ(OrderWords(view.orders(0), kNow), Words(view));
  }
  EXPECT_EQ(TargetsText(LeakSampling().orders(0)), "pid 812");
}

TEST(SamplingWords, WhoeverApprovedItSeesItToItsEnd) {
  OrderStep step = StepOf(LeakSampling(), "p-77c1d2", kNow);
  EXPECT_EQ(step.doing, "Sampling the calls of pid 812");
  EXPECT_EQ(step.detail, "12 of 60 s");
  EXPECT_FALSE(step.end.has_value());
  step = StepOf(LeakSampled(), "p-77c1d2", kNow);
  EXPECT_THAT(step.doing, HasSubstr("Handle (leak.cc:42)"));
  EXPECT_EQ(step.end, OrderStep::End::kGood);
  EXPECT_EQ(StepOf(LeakNotSampled(), "p-77c1d2", kNow).end, OrderStep::End::kBad);
}

}  // namespace
}  // namespace tcpmedic::cli
