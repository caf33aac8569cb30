#include "core/clock.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(RealClock, UptimeNeverGoesBack) {
  absl::Duration last = Clock::Real()->Now().uptime;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = Clock::Real()->Now().uptime;
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, absl::ZeroDuration());
}

TEST(RealClock, IsOne) { EXPECT_EQ(Clock::Real(), Clock::Real()); }

TEST(SimulatedClock, StandsStillUntilAdvanced) {
  SimulatedClock clock(absl::FromUnixSeconds(1000), absl::Minutes(5));
  EXPECT_EQ(clock.Now().wall, absl::FromUnixSeconds(1000));
  EXPECT_EQ(clock.Now().uptime, absl::Minutes(5));
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.Now().wall, absl::FromUnixSeconds(1003));
  EXPECT_EQ(clock.Now().uptime, absl::Minutes(5) + absl::Seconds(3));
}

}  // namespace
}  // namespace tcpmedic
