#include "diagnosis/rise.h"

#include <gtest/gtest.h>

#include <vector>

namespace tcpmedic {
namespace {

// Readings 3 s apart.
std::vector<CountAt> Readings(const std::vector<int64_t>& counts) {
  std::vector<CountAt> readings;
  absl::Duration at = absl::Hours(1);
  for (const int64_t count : counts) {
    readings.push_back({at, count});
    at += absl::Seconds(3);
  }
  return readings;
}

TEST(Rise, FiveReadingsEachHigherAreFiveRisesOver15Seconds) {
  const Rise rise = RiseOf(Readings({7, 7, 20, 40, 41, 90, 120}));
  EXPECT_EQ(rise.rises, 5);
  EXPECT_EQ(rise.rising_for, absl::Seconds(15));
  EXPECT_EQ(rise.risen_by, 113);
  EXPECT_DOUBLE_EQ(rise.per_minute, 452);
  EXPECT_EQ(rise.began, absl::Hours(1) + absl::Seconds(3));
}

TEST(Rise, WhatStandsStillDoesNotRise) {
  for (const auto& counts :
       {std::vector<int64_t>{}, {5}, {5, 5, 5, 5, 5, 5, 5, 5}, {0, 300, 300, 300, 300, 300, 300}}) {
    const Rise rise = RiseOf(Readings(counts));
    EXPECT_EQ(rise.rises, 0);
    EXPECT_EQ(rise.rising_for, absl::ZeroDuration());
    EXPECT_EQ(rise.risen_by, 0);
    EXPECT_EQ(rise.per_minute, 0);
  }
}

TEST(Rise, OneJumpIsOneRiseHoweverHigh) {
  const Rise rise = RiseOf(Readings({0, 0, 0, 0, 0, 0, 0, 0, 0, 5'000}));
  EXPECT_EQ(rise.rises, 1);
  EXPECT_EQ(rise.rising_for, absl::Seconds(3));
  EXPECT_EQ(rise.risen_by, 5'000);
}

TEST(Rise, OneAMinuteRisesForTenMinutes) {
  std::vector<int64_t> counts;
  for (int second = 0; second <= 600; second += 3) counts.push_back(200 + second / 60);
  const Rise rise = RiseOf(Readings(counts));
  EXPECT_EQ(rise.rising_for, absl::Minutes(10));
  EXPECT_DOUBLE_EQ(rise.per_minute, 1.0);
}

TEST(Rise, BurstThatStandsStillAfterwardsHasNoSlopeOverTenMinutes) {
  std::vector<int64_t> counts;
  for (int second = 0; second <= 600; second += 3) counts.push_back(std::min(second * 5, 300));
  const Rise rise = RiseOf(Readings(counts));
  EXPECT_EQ(rise.rises, 0);
  EXPECT_EQ(rise.rising_for, absl::ZeroDuration());
}

TEST(Rise, RiseThatHasEndedIsNotCountedOn) {
  std::vector<int64_t> counts;
  for (int i = 0; i < 100; ++i) counts.push_back(i);
  for (int i = 0; i < 60; ++i) counts.push_back(99);
  EXPECT_EQ(RiseOf(Readings(counts)).rising_for, absl::ZeroDuration());
}

TEST(Rise, ScansThatAreNotOnTheDotStillMake15Seconds) {
  std::vector<CountAt> readings = Readings({0, 10, 20, 30, 40, 50});
  readings.back().uptime -= absl::Milliseconds(30);
  EXPECT_EQ(RiseOf(readings).rising_for, absl::Seconds(15));
}

}  // namespace
}  // namespace tcpmedic
