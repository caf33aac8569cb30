#include "lab/byte_allowance.h"

#include <gtest/gtest.h>

namespace tcpmedic::lab {
namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

TEST(ByteAllowanceTest, GrowsWithTimeAndShrinksWithUse) {
  ByteAllowance allowance(800'000, kStart);  // 100,000 bytes per second
  EXPECT_EQ(allowance.Available(kStart), 0);
  EXPECT_EQ(allowance.Available(kStart + absl::Milliseconds(20)), 2'000);
  allowance.Spend(1'500);
  EXPECT_EQ(allowance.Available(kStart + absl::Milliseconds(20)), 500);
  EXPECT_EQ(allowance.Available(kStart + absl::Milliseconds(40)), 2'500);
}

TEST(ByteAllowanceTest, DoesNotCatchUpAfterAPause) {
  ByteAllowance allowance(800'000, kStart);
  EXPECT_EQ(allowance.Available(kStart + absl::Hours(1)), 10'000);
}

TEST(ByteAllowanceTest, WithoutARateThereIsNoLimit) {
  ByteAllowance allowance(0, kStart);
  allowance.Spend(1'000'000);
  EXPECT_EQ(allowance.Available(kStart), INT64_MAX);
}

}  // namespace
}  // namespace tcpmedic::lab
