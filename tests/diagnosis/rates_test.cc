#include "diagnosis/rates.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(10);

TEST(WindowedCounter, RateIsUnknownBeforeTheWindowIsFull) {
  WindowedCounter counter(kWindow);
  for (int second = 0; second <= 8; ++second) {
    counter.Add(5 * second, absl::Seconds(second));
    EXPECT_FALSE(counter.OverWindow().has_value()) << second;
  }
  counter.Add(45, absl::Seconds(9));
  ASSERT_TRUE(counter.OverWindow().has_value());
  EXPECT_EQ(counter.OverWindow()->count, 45);
  EXPECT_EQ(counter.OverWindow()->per_second(), 5.0);
}

TEST(WindowedCounter, SlidesWithTheReadings) {
  WindowedCounter counter(kWindow);
  for (int second = 0; second <= 100; ++second) {
    counter.Add(second < 50 ? 0 : 7 * (second - 50), absl::Seconds(second));
  }
  EXPECT_EQ(counter.OverWindow()->per_second(), 7.0);
}

TEST(WindowedCounter, ResetIsNeverARate) {
  WindowedCounter counter(kWindow);
  for (int second = 0; second <= 20; ++second) counter.Add(1'000'000, absl::Seconds(second));
  for (int second = 21; second <= 29; ++second) {
    counter.Add(2 * (second - 21), absl::Seconds(second));
    EXPECT_FALSE(counter.OverWindow().has_value()) << second;
  }
  counter.Add(18, absl::Seconds(30));
  EXPECT_EQ(counter.OverWindow()->count, 18);
}

TEST(WindowedCounter, MissingReadingIsUnknownAndDoesNotForget) {
  WindowedCounter counter(kWindow);
  for (int second = 0; second <= 10; ++second) counter.Add(second, absl::Seconds(second));
  counter.Add(std::nullopt, absl::Seconds(11));
  EXPECT_FALSE(counter.OverWindow().has_value());
  counter.Add(12, absl::Seconds(12));
  EXPECT_EQ(counter.OverWindow()->per_second(), 1.0);
}

TEST(WindowedCounter, FastReadingsAreThinnedNotLost) {
  WindowedCounter counter(kWindow);
  for (int i = 0; i <= 10'000; ++i) counter.Add(i, absl::Milliseconds(10 * i));
  ASSERT_TRUE(counter.OverWindow().has_value());
  EXPECT_EQ(counter.OverWindow()->per_second(), 100.0);
  EXPECT_LE(counter.OverWindow()->span, absl::Seconds(11));
}

}  // namespace
}  // namespace tcpmedic
