#include "scan/trend.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(Trend, ShortSpanGivesNoSlope) {
  Trend trend;
  trend.Add(absl::Seconds(100), 1000);
  trend.Add(absl::Seconds(109), 9000);
  EXPECT_EQ(trend.PerMinute(), std::nullopt);
  EXPECT_EQ(trend.span(), absl::Seconds(9));
}

TEST(Trend, OldReadingsAreForgotten) {
  Trend trend;
  trend.Add(absl::Seconds(0), 1e9);  // as it started
  for (int s = 400; s <= 700; s += 10) trend.Add(absl::Seconds(s), 5000);
  EXPECT_NEAR(*trend.PerMinute(), 0, 1);
  EXPECT_EQ(trend.span(), absl::Minutes(5));
}

}  // namespace
}  // namespace tcpmedic
