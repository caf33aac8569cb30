#include "agent/budget.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

constexpr CpuBudget::Options kOnePercent{absl::Seconds(1), absl::Seconds(60), 0.01};

absl::Duration AfterScans(CpuBudget* budget, int scans, absl::Duration cpu) {
  absl::Duration interval;
  for (int i = 0; i < scans; ++i) interval = budget->IntervalAfter(cpu);
  return interval;
}

TEST(CpuBudgetTest, CheapScansKeepTheBaseInterval) {
  CpuBudget budget(kOnePercent);
  EXPECT_EQ(AfterScans(&budget, 100, absl::Milliseconds(9)), absl::Seconds(1));
}

TEST(CpuBudgetTest, LastingCostStretchesUntilItIsInsideTheBudget) {
  CpuBudget budget(kOnePercent);
  const absl::Duration interval = AfterScans(&budget, 50, absl::Milliseconds(100));
  EXPECT_NEAR(absl::ToDoubleSeconds(interval), 10.0, 0.01);
  EXPECT_FALSE(budget.exceeded());
}

TEST(CpuBudgetTest, OneDearScanStretchesOnlyALittle) {
  CpuBudget budget(kOnePercent);
  AfterScans(&budget, 10, absl::Milliseconds(2));
  EXPECT_LT(budget.IntervalAfter(absl::Milliseconds(50)), absl::Seconds(2));
}

TEST(CpuBudgetTest, RecoversWhenScansBecomeCheap) {
  CpuBudget budget(kOnePercent);
  AfterScans(&budget, 50, absl::Milliseconds(500));
  EXPECT_EQ(AfterScans(&budget, 15, absl::Milliseconds(2)), absl::Seconds(1));
}

TEST(CpuBudgetTest, NeverWaitsLongerThanTheLongestIntervalAndSaysSo) {
  CpuBudget budget(kOnePercent);
  EXPECT_EQ(AfterScans(&budget, 50, absl::Seconds(3)), absl::Seconds(60));
  EXPECT_TRUE(budget.exceeded());
}

// The promise itself: CPU spent over time passed, for scans whose cost swings.
TEST(CpuBudgetTest, SwingingCostStaysInsideTheBudgetOnAverage) {
  CpuBudget budget(kOnePercent);
  absl::Duration spent;
  absl::Duration passed;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration cpu = absl::Milliseconds(i % 5 == 0 ? 200 : 20);
    spent += cpu;
    passed += budget.IntervalAfter(cpu);
  }
  EXPECT_LE(absl::FDivDuration(spent, passed), 0.0101);
}

}  // namespace
}  // namespace tcpmedic
