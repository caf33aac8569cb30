#include "lab/receiver_timeline.h"

#include <gtest/gtest.h>

#include "lab/timeline_record.h"

namespace tcpmedic::lab {
namespace {

class ReceiverTimelineTest : public ::testing::Test {
 protected:
  static absl::Time At(int64_t ms) { return absl::FromUnixMillis(1'000'000 + ms); }
  void Sample(int64_t ms, int64_t bytes) { (*record_)->Append({absl::ToUnixNanos(At(ms)), bytes}); }
  std::shared_ptr<SharedMemory<TimelineRecord>> record_ =
      *SharedMemory<TimelineRecord>::Create("receiver_timeline_test");
  ReceiverTimeline timeline_{record_};
};

TEST_F(ReceiverTimelineTest, BytesAreInterpolatedBetweenSamples) {
  Sample(0, 0);
  Sample(20, 1'000);
  Sample(40, 1'000);
  Sample(60, 5'000);
  EXPECT_EQ(timeline_.BytesBetween(At(0), At(60)).value(), 5'000);
  EXPECT_EQ(timeline_.BytesBetween(At(20), At(40)).value(), 0);
  EXPECT_EQ(timeline_.BytesBetween(At(10), At(20)).value(), 500);
  EXPECT_EQ(timeline_.BytesBetween(At(5), At(45)).value(), 750 + 1'000);
  EXPECT_EQ(timeline_.BytesBetween(At(41), At(42)).value(), 200);
  EXPECT_EQ(timeline_.total_bytes(), 5'000);
}

TEST_F(ReceiverTimelineTest, GoodputIsBitsPerSecond) {
  Sample(0, 0);
  Sample(1'000, 100'000);
  EXPECT_DOUBLE_EQ(timeline_.GoodputBps(At(0), At(1'000)).value(), 800'000);
  EXPECT_DOUBLE_EQ(timeline_.GoodputBps(At(250), At(750)).value(), 800'000);
}

TEST_F(ReceiverTimelineTest, AWindowThatWasNotRecordedIsRefused) {
  EXPECT_EQ(timeline_.total_bytes(), 0);
  EXPECT_EQ(timeline_.BytesBetween(At(0), At(1)).status().code(),
            absl::StatusCode::kFailedPrecondition);
  Sample(0, 0);
  Sample(20, 1'000);
  EXPECT_EQ(timeline_.BytesBetween(At(-1), At(20)).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(timeline_.BytesBetween(At(0), At(21)).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(timeline_.BytesBetween(At(5), At(5)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ReceiverTimelineTest, AnotherProcessesMappingShowsTheSame) {
  absl::StatusOr<std::unique_ptr<SharedMemory<TimelineRecord>>> other =
      SharedMemory<TimelineRecord>::Adopt(dup(record_->fd()));
  ASSERT_TRUE(other.ok()) << other.status();
  (**other)->Append({absl::ToUnixNanos(At(0)), 7});
  (**other)->connections.fetch_add(2);
  EXPECT_EQ(timeline_.total_bytes(), 7);
  EXPECT_EQ(timeline_.connections(), 2);
}

TEST_F(ReceiverTimelineTest, AFullRecordKeepsWhatItHas) {
  for (int64_t i = 0; i < TimelineRecord::kMaxSamples + 10; ++i) Sample(20 * i, i);
  EXPECT_EQ(timeline_.total_bytes(), TimelineRecord::kMaxSamples - 1);
}

}  // namespace
}  // namespace tcpmedic::lab
