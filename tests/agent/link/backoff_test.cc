#include "agent/link/backoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

constexpr double kAll = 1.0;  // the upper end of the jitter: the step itself
constexpr Backoff::Options kOptions{absl::Milliseconds(100), absl::Seconds(5), absl::Seconds(10)};

TEST(BackoffTest, DoublesUpToTheLastStep) {
  Backoff backoff(kOptions);
  std::vector<int64_t> waits_ms;
  for (int i = 0; i < 8; ++i) {
    waits_ms.push_back(absl::ToInt64Milliseconds(backoff.After(absl::ZeroDuration(), kAll)));
  }
  EXPECT_THAT(waits_ms, ElementsAre(100, 200, 400, 800, 1600, 3200, 5000, 5000));
}

TEST(BackoffTest, JitterTakesUpToHalfAway) {
  Backoff backoff(kOptions);
  EXPECT_EQ(backoff.After(absl::ZeroDuration(), 0.0), absl::Milliseconds(50));
}

TEST(BackoffTest, ConnectionThatLivedStartsAnew) {
  Backoff backoff(kOptions);
  for (int i = 0; i < 8; ++i) backoff.After(absl::ZeroDuration(), kAll);
  EXPECT_EQ(backoff.After(absl::Seconds(10), kAll), absl::Milliseconds(100));
}

TEST(BackoffTest, ConnectionThatIsEndedAtOnceKeepsBackingOff) {
  Backoff backoff(kOptions);
  backoff.After(absl::Seconds(1), kAll);
  EXPECT_EQ(backoff.After(absl::Seconds(1), kAll), absl::Milliseconds(200));
}

}  // namespace
}  // namespace tcpmedic
