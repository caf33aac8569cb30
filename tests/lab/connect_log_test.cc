#include "lab/connect_log.h"

#include <gtest/gtest.h>

#include "lab/connect_record.h"

namespace tcpmedic::lab {
namespace {

absl::Time At(int64_t ms) { return absl::FromUnixMillis(1'700'000'000'000 + ms); }

class ConnectLogTest : public ::testing::Test {
 protected:
  ConnectLogTest() : record_(*SharedMemory<ConnectRecord>::Create("test")), log_(record_) {
    (*record_)->timeout_ns = 2'000'000'000;
  }
  void Attempt(int64_t started_ms, ConnectOutcome outcome, int64_t took_us = 0) {
    const int64_t at = (*record_)->count;
    ConnectRecord::Attempt& attempt = (*record_)->attempts[at];
    attempt.started_ns = absl::ToUnixNanos(At(started_ms));
    attempt.took_ns = took_us * 1000;
    attempt.outcome = outcome;
    (*record_)->count = at + 1;
  }
  void RecordedUntil(int64_t ms) { (*record_)->recorded_until_ns = absl::ToUnixNanos(At(ms)); }

  std::shared_ptr<SharedMemory<ConnectRecord>> record_;
  ConnectLog log_;
};

TEST_F(ConnectLogTest, NothingToCountHasNoRatio) {
  EXPECT_EQ(log_.StartedFrom(At(0)), ConnectStats{});
  Attempt(0, ConnectOutcome::kConnected, 10);
  EXPECT_EQ(log_.StartedFrom(At(0)), ConnectStats{});  // recorded until nothing is known of
}

TEST_F(ConnectLogTest, OnlySuccessesCountForTheMedianAndAllForTheRatio) {
  Attempt(0, ConnectOutcome::kConnected, 20'000);
  Attempt(1, ConnectOutcome::kTimedOut, 2'000'000);
  Attempt(2, ConnectOutcome::kConnected, 21'000);
  Attempt(3, ConnectOutcome::kConnected, 1'020'000);
  Attempt(4, ConnectOutcome::kFailed, 20'000);
  RecordedUntil(10'000);
  EXPECT_EQ(log_.StartedFrom(At(0)),
            (ConnectStats{.connects = 5, .success_ratio = 0.6, .connect_p50_us = 21'000}));
  EXPECT_EQ(log_.Between(At(4), absl::InfiniteFuture()),
            (ConnectStats{.connects = 1, .success_ratio = 0.0}));
}

TEST_F(ConnectLogTest, AnAttemptCountsOnceItsTimeoutHasPassedHoweverEarlyItEnded) {
  Attempt(0, ConnectOutcome::kTimedOut, 2'000'000);
  Attempt(1, ConnectOutcome::kConnected, 20'000);
  RecordedUntil(2'000);
  EXPECT_EQ(log_.StartedFrom(At(0)), (ConnectStats{.connects = 1, .success_ratio = 0.0}));
  RecordedUntil(2'001);
  EXPECT_EQ(log_.StartedFrom(At(0)),
            (ConnectStats{.connects = 2, .success_ratio = 0.5, .connect_p50_us = 20'000}));
}

TEST_F(ConnectLogTest, WindowsIncludeTheirEnds) {
  for (const int64_t ms : {0, 100, 200}) Attempt(ms, ConnectOutcome::kConnected, 20'000);
  RecordedUntil(60'000);
  EXPECT_EQ(log_.StartedFrom(At(100)).connects, 2);
  EXPECT_EQ(log_.EndedBefore(At(2'100)).connects, 2);
  EXPECT_EQ(log_.Between(At(100), At(2'100)).connects, 1);
  EXPECT_EQ(log_.Between(At(101), At(2'199)).connects, 0);
}

}  // namespace
}  // namespace tcpmedic::lab
