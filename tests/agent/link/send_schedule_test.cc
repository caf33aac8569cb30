#include "agent/link/send_schedule.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

constexpr absl::Duration kNow = -absl::InfiniteDuration();

v1::Report ReportWith(const std::string& group, v1::Confidence confidence, uint64_t sequence = 1) {
  v1::Report report;
  report.set_sequence(sequence);
  v1::Finding* finding = report.add_findings();
  finding->set_signature("pinned-cwnd");
  finding->set_group(group);
  finding->set_confidence(confidence);
  return report;
}

TEST(SendScheduleTest, FirstReportOfAStreamIsDueAtOnce) {
  EXPECT_EQ(SendSchedule(absl::Seconds(2)).DueAt(v1::Report()), kNow);
}

TEST(SendScheduleTest, NewReadingsOfTheSameFindingsWait) {
  SendSchedule schedule(absl::Seconds(2));
  schedule.Sent(ReportWith("a", v1::CONFIDENCE_CERTAIN, 1), absl::Seconds(100));
  EXPECT_EQ(schedule.DueAt(ReportWith("a", v1::CONFIDENCE_CERTAIN, 2)), absl::Seconds(102));
}

TEST(SendScheduleTest, ChangedSetIsDueAtOnce) {
  const v1::Report sent = ReportWith("a", v1::CONFIDENCE_LIKELY);
  v1::Report omitted = sent;
  omitted.set_findings_omitted(3);
  v1::Report other_signatures = sent;
  other_signatures.set_signatures_digest("d2");
  const struct {
    const char* name;
    v1::Report newest;
  } cases[] = {
      {"another group", ReportWith("b", v1::CONFIDENCE_LIKELY)},
      {"surer", ReportWith("a", v1::CONFIDENCE_CERTAIN)},
      {"all clear", v1::Report()},
      {"some left out", omitted},
      {"other signatures in force", other_signatures},
  };
  for (const auto& c : cases) {
    SendSchedule schedule(absl::Seconds(2));
    schedule.Sent(sent, absl::Seconds(100));
    EXPECT_EQ(schedule.DueAt(c.newest), kNow) << c.name;
  }
}

v1::Report OrderAt(v1::Order::State state, int at) {
  v1::Report report;
  report.mutable_at()->set_seconds(at);
  v1::OrderReport* order = report.add_orders();
  order->set_order_id("o-1");
  order->set_state(state);
  order->add_targets()->set_state(v1::Target::STATE_APPLIED);
  return report;
}

TEST(SendScheduleTest, ChangedOrderIsDueAtOnce) {
  v1::Report target_gone = OrderAt(v1::Order::STATE_COMMITTED, 100);
  target_gone.mutable_orders(0)->mutable_targets(0)->set_state(v1::Target::STATE_GONE);
  const struct {
    const char* name;
    v1::Report newest;
    absl::Duration due;
  } cases[] = {
      {"as it was", OrderAt(v1::Order::STATE_COMMITTED, 101), absl::Seconds(102)},
      {"rolled back", OrderAt(v1::Order::STATE_ROLLED_BACK, 100), kNow},
      {"a target is gone", target_gone, kNow},
      {"not reported any more", v1::Report(), kNow},
  };
  for (const auto& c : cases) {
    SendSchedule schedule(absl::Seconds(2));
    schedule.Sent(OrderAt(v1::Order::STATE_COMMITTED, 100), absl::Seconds(100));
    EXPECT_EQ(schedule.DueAt(c.newest), c.due) << c.name;
  }
}

TEST(SendScheduleTest, EachScanOfAnOrderUnderVerificationIsDueAtOnce) {
  SendSchedule schedule(absl::Seconds(2));
  schedule.Sent(OrderAt(v1::Order::STATE_APPLIED, 100), absl::Seconds(100));
  EXPECT_EQ(schedule.DueAt(OrderAt(v1::Order::STATE_APPLIED, 101)), kNow);
  EXPECT_EQ(schedule.DueAt(OrderAt(v1::Order::STATE_APPLIED, 100)), absl::Seconds(102));
}

TEST(SendScheduleTest, OrderOfFindingsDoesNotMatter) {
  v1::Report ab = ReportWith("a", v1::CONFIDENCE_CERTAIN);
  *ab.add_findings() = ReportWith("b", v1::CONFIDENCE_CERTAIN).findings(0);
  v1::Report ba = ReportWith("b", v1::CONFIDENCE_CERTAIN);
  *ba.add_findings() = ReportWith("a", v1::CONFIDENCE_CERTAIN).findings(0);
  EXPECT_EQ(GistOf(ab), GistOf(ba));
}

}  // namespace
}  // namespace tcpmedic
