#include "controller/notify/back_off.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(BackOff, DoublesUpToItsBound) {
  EXPECT_EQ(BackOff(1, 0), absl::Seconds(1));
  EXPECT_EQ(BackOff(2, 0), absl::Seconds(2));
  EXPECT_EQ(BackOff(5, 0), absl::Seconds(16));
  EXPECT_EQ(BackOff(7, 0), absl::Seconds(64));
  EXPECT_EQ(BackOff(8, 0), kMaxBackOff);
  EXPECT_EQ(BackOff(1'000'000'000, 0), kMaxBackOff);
}

TEST(BackOff, JitterTakesAwayUpToHalf) {
  EXPECT_EQ(BackOff(3, 0.5), absl::Seconds(3));
  for (int failures = 1; failures < 20; ++failures) {
    for (const double jitter : {0.0, 0.1, 0.5, 0.999}) {
      EXPECT_LE(BackOff(failures, jitter), BackOff(failures, 0));
      EXPECT_GE(BackOff(failures, jitter), BackOff(failures, 0) / 2);
    }
  }
}

TEST(BackOff, NonsenseIsBounded) {
  EXPECT_EQ(BackOff(0, 0), kFirstBackOff);
  EXPECT_EQ(BackOff(-7, 2), kFirstBackOff / 2);
  EXPECT_EQ(BackOff(1, -3), kFirstBackOff);
}

}  // namespace
}  // namespace tcpmedic
