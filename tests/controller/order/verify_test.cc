#include "controller/order/verify.h"

#include <gtest/gtest.h>

#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

const absl::Time kApplied = absl::FromUnixSeconds(1'700'000'000);
absl::Time At(double seconds) { return kApplied + absl::Seconds(seconds); }

constexpr char kShipped[] =
    "after.goodput_bps >= 3.0 * before.goodput_bps && after.retrans_ratio < 0.15";

v1::Verify Expect(const std::string& expression = kShipped) {
  v1::Verify verify;
  verify.mutable_after()->set_seconds(20);
  verify.set_expect(expression);
  return verify;
}

v1::Measurement Measured(double start, double end, double goodput_bps,
                         double retrans_ratio = 0.01) {
  v1::Measurement measurement;
  *measurement.mutable_start() = ToProto(At(start));
  *measurement.mutable_end() = ToProto(At(end));
  const auto add = [&](const char* name) {
    v1::Evidence* value = measurement.add_values();
    value->set_name(name);
    return value->mutable_value();
  };
  add("goodput_bps")->set_double_value(goodput_bps);
  add("retrans_ratio")->set_double_value(retrans_ratio);
  add("cwnd_segments")->set_int_value(11);
  add("rtt_us")->set_int_value(148'000);
  add("congestion_control")->set_string_value("bbr");
  return measurement;
}

v1::Order AppliedOrder(double before_bps, double after_bps) {
  v1::Order order;
  order.set_id("o-1");
  *order.mutable_applied_at() = ToProto(kApplied);
  order.add_targets()->set_state(v1::Target::STATE_APPLIED);
  *order.mutable_verification()->mutable_before() = Measured(-10, 0, before_bps);
  *order.mutable_verification()->mutable_after() = Measured(10, 20, after_bps);
  return order;
}

struct Said {
  v1::Verification::Result result;
  std::string reason;
};
Said JudgeNow(const v1::Order& order, const v1::Verify& verify = Expect(), double now = 20) {
  const auto verdict = Judge(verify, order, At(now));
  if (!verdict.has_value()) return {v1::Verification::RESULT_UNSPECIFIED, "too early"};
  EXPECT_EQ(verdict->expect(), verify.expect());
  EXPECT_EQ(verdict->order_id(), "o-1");
  return {verdict->result(), verdict->reason()};
}

TEST(Judge, ImprovedWithTheArithmetic) {
  const Said said = JudgeNow(AppliedOrder(0.8e6, 66.2e6));
  EXPECT_EQ(said.result, v1::Verification::RESULT_IMPROVED);
  EXPECT_EQ(said.reason,
            "after.goodput_bps 66.2 Mbit/s >= 3.0 * before.goodput_bps 800 kbit/s, "
            "after.retrans_ratio 1 % < 0.15");
}

TEST(Judge, NotImprovedNamesWhatDoesNotHold) {
  const Said said = JudgeNow(AppliedOrder(0.8e6, 0.9e6));
  EXPECT_EQ(said.result, v1::Verification::RESULT_NOT_IMPROVED);
  EXPECT_EQ(said.reason,
            "after.goodput_bps 900 kbit/s >= 3.0 * before.goodput_bps 800 kbit/s does not hold");
}

TEST(Judge, ValuesOfEveryKindAreReadAndShown) {
  const Said said =
      JudgeNow(AppliedOrder(1, 2),
               Expect("after.congestion_control == \"bbr\" && after.cwnd_segments > 10 && "
                      "after.rtt_us < 200000"));
  EXPECT_EQ(said.result, v1::Verification::RESULT_IMPROVED);
  EXPECT_EQ(said.reason,
            "after.congestion_control \"bbr\" == \"bbr\", after.cwnd_segments 11 > 10, "
            "after.rtt_us 148 ms < 200000");
}

TEST(Judge, WaitsUntilTheMeasurementIsDue) {
  v1::Order order = AppliedOrder(0.8e6, 66e6);
  *order.mutable_verification()->mutable_after() = Measured(9, 19, 66e6);
  EXPECT_EQ(JudgeNow(order, Expect(), 19).reason, "too early");
  EXPECT_EQ(JudgeNow(order, Expect(), 27.9).reason, "too early");
  const Said late = JudgeNow(order, Expect(), 28);
  EXPECT_EQ(late.result, v1::Verification::RESULT_INCONCLUSIVE);
  EXPECT_EQ(late.reason, "nothing was measured after the change in time");
}

TEST(Judge, AShortMeasurementIsWaitedForAndThenInconclusive) {
  v1::Order order = AppliedOrder(0.8e6, 66e6);
  *order.mutable_verification()->mutable_after() = Measured(16, 20, 66e6);
  EXPECT_EQ(JudgeNow(order).reason, "too early");
  const Said late = JudgeNow(order, Expect(), 28);
  EXPECT_EQ(late.result, v1::Verification::RESULT_INCONCLUSIVE);
  EXPECT_EQ(late.reason, "only 4 s were measured after the change, at least 5 s are needed");
  *order.mutable_verification()->mutable_after() = Measured(15, 20, 66e6);
  EXPECT_EQ(JudgeNow(order).result, v1::Verification::RESULT_IMPROVED);
}

TEST(Judge, ClosedTargetsAreInconclusiveAtOnce) {
  v1::Order order = AppliedOrder(0.8e6, 66e6);
  order.mutable_targets(0)->set_state(v1::Target::STATE_GONE);
  const Said said = JudgeNow(order, Expect(), 3);
  EXPECT_EQ(said.result, v1::Verification::RESULT_INCONCLUSIVE);
  EXPECT_EQ(said.reason, "every socket that was changed has closed");
  // What was held back is no target of the change.
  order.add_targets()->set_held_back(true);
  EXPECT_EQ(JudgeNow(order, Expect(), 3).result, v1::Verification::RESULT_INCONCLUSIVE);
  order.add_targets()->set_state(v1::Target::STATE_APPLIED);
  EXPECT_EQ(JudgeNow(order).result, v1::Verification::RESULT_IMPROVED);
}

TEST(Judge, ANamespaceThatIsGoneIsInconclusiveAtOnce) {
  v1::Order order = AppliedOrder(1, 2);
  order.mutable_action()->mutable_set_sysctl();
  order.mutable_targets(0)->set_state(v1::Target::STATE_GONE);
  EXPECT_EQ(JudgeNow(order, Expect("true"), 1).reason, "the namespace that was changed is gone");
  order.mutable_targets(0)->set_state(v1::Target::STATE_DRIFTED);
  EXPECT_EQ(JudgeNow(order, Expect("true"), 1).reason, "no setting is changed any more");
}

TEST(Judge, AValueThatWasNotMeasuredIsInconclusiveAndNamed) {
  v1::Order order = AppliedOrder(0.8e6, 66e6);
  order.mutable_verification()->mutable_after()->mutable_values()->DeleteSubrange(1, 1);
  const Said said = JudgeNow(order);
  EXPECT_EQ(said.result, v1::Verification::RESULT_INCONCLUSIVE);
  EXPECT_EQ(said.reason, "after.retrans_ratio is not known");
}

TEST(Judge, AKnownFalsePartDecidesThoughAnotherIsUnknown) {
  v1::Order order = AppliedOrder(0.8e6, 0.8e6);
  order.mutable_verification()->mutable_after()->mutable_values()->DeleteSubrange(1, 1);
  EXPECT_EQ(JudgeNow(order).result, v1::Verification::RESULT_NOT_IMPROVED);
}

TEST(Judge, AnExpectationThatCannotBeReadIsInconclusive) {
  EXPECT_EQ(JudgeNow(AppliedOrder(1, 9), Expect("after.speed > 1")).result,
            v1::Verification::RESULT_INCONCLUSIVE);
}

v1::Order WithHeldBack(v1::Order order, double before_bps, double after_bps) {
  *order.mutable_verification()->mutable_held_back_before() = Measured(-10, 0, before_bps);
  *order.mutable_verification()->mutable_held_back_after() = Measured(10, 20, after_bps);
  return order;
}

TEST(Judge, WhatWasHeldBackIsNamedWhereItContradictsAndNeverDecides) {
  const Said alone = JudgeNow(WithHeldBack(AppliedOrder(0.8e6, 8e6), 0.8e6, 7.8e6),
                              Expect("after.goodput_bps >= 3.0 * before.goodput_bps"));
  EXPECT_EQ(alone.result, v1::Verification::RESULT_IMPROVED);
  EXPECT_EQ(alone.reason,
            "after.goodput_bps 8 Mbit/s >= 3.0 * before.goodput_bps 800 kbit/s; but what was held "
            "back did as well without the change (800 kbit/s to 7.8 Mbit/s): it may not be the "
            "cause");
  const Said worse = JudgeNow(WithHeldBack(AppliedOrder(0.8e6, 0.8e6), 0.8e6, 0.1e6));
  EXPECT_EQ(worse.result, v1::Verification::RESULT_NOT_IMPROVED);
  EXPECT_EQ(
      worse.reason,
      "after.goodput_bps 800 kbit/s >= 3.0 * before.goodput_bps 800 kbit/s does not hold; but "
      "what was held back fell from 800 kbit/s to 100 kbit/s: the path itself got worse");
  const Said agrees = JudgeNow(WithHeldBack(AppliedOrder(0.8e6, 8e6), 0.8e6, 0.9e6),
                               Expect("after.goodput_bps >= 3.0 * before.goodput_bps"));
  EXPECT_EQ(agrees.reason, "after.goodput_bps 8 Mbit/s >= 3.0 * before.goodput_bps 800 kbit/s");
}

}  // namespace
}  // namespace tcpmedic
