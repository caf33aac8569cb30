#include "diagnosis/socket_history.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kCover = absl::Seconds(15);
constexpr absl::Duration kWindow = absl::Seconds(5);

SocketPoint Point(double seconds, uint32_t segments, uint32_t retransmits) {
  SocketPoint point;
  point.at = At(seconds);
  point.data_segments = segments;
  point.retransmits = retransmits;
  return point;
}

TEST(SocketHistory, WindowIsUnknownBeforeItIsFull) {
  SocketHistory history;
  for (int second = 0; second <= 4; ++second) {
    history.Add(Point(second, 100 * second, second), kCover);
    EXPECT_FALSE(history.Over(kWindow).has_value()) << second;
  }
}

TEST(SocketHistory, DeltasAreTakenOverTheWindow) {
  SocketHistory history;
  for (int second = 0; second <= 9; ++second) {
    history.Add(Point(second, 100 * second, second), kCover);
  }
  const auto delta = history.Over(kWindow);
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ(delta->span, absl::Seconds(5));
  EXPECT_EQ(delta->data_segments, 500);
  EXPECT_EQ(delta->retransmits, 5);
  EXPECT_EQ(delta->dsacks, std::nullopt);  // never reported
}

TEST(SocketHistory, CountsReadingsWithASegmentWaitingAlsoWhereTheyWereThinned) {
  for (const double step : {1.0, 0.1}) {
    SocketHistory history;
    for (int i = 0; i * step <= 10; ++i) {
      SocketPoint point = Point(i * step, 100 * i, 0);
      point.segment_unsent = i % 2 == 0;
      history.Add(point, kCover);
    }
    const auto delta = history.Over(kWindow);
    ASSERT_TRUE(delta.has_value());
    ASSERT_TRUE(delta->unsent_readings.has_value());
    EXPECT_NEAR(static_cast<double>(*delta->unsent_readings) / *delta->readings, 0.5, 0.11) << step;
  }
}

TEST(SocketHistory, AReadingThatDoesNotSayLeavesTheShareUnknown) {
  SocketHistory history;
  for (int second = 0; second <= 6; ++second) {
    SocketPoint point = Point(second, 100 * second, 0);
    if (second != 3) point.segment_unsent = true;
    history.Add(point, kCover);
  }
  EXPECT_EQ(history.Over(kWindow)->unsent_readings, std::nullopt);
}

TEST(SocketHistory, ScanThatComesEarlyStillFillsTheWindow) {
  SocketHistory history;
  for (int i = 0; i <= 5; ++i) history.Add(Point(0.98 * i, 100 * i, i), kCover);
  const auto delta = history.Over(kWindow);
  ASSERT_TRUE(delta.has_value());
  EXPECT_NEAR(absl::ToDoubleSeconds(delta->span), 4.9, 1e-6);
  EXPECT_EQ(delta->data_segments, 500);
}

TEST(SocketHistory, GapInScansMakesTheSpanLongerNotTheRateWrong) {
  SocketHistory history;
  history.Add(Point(0, 0, 0), kCover);
  history.Add(Point(1, 100, 1), kCover);
  history.Add(Point(61, 6'100, 61), kCover);
  const auto delta = history.Over(kWindow);
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ(delta->span, absl::Seconds(60));
  EXPECT_EQ(delta->data_segments, 6'000);
}

TEST(SocketHistory, StretchedScansUseTheLastTwo) {
  SocketHistory history;
  for (int i = 0; i <= 4; ++i) history.Add(Point(20 * i, 100 * i, i), kCover);
  EXPECT_EQ(history.Over(kWindow)->span, absl::Seconds(20));
}

TEST(SocketHistory, CounterThatGoesBackwardsBeginsANewHistory) {
  SocketHistory history;
  for (int second = 0; second <= 10; ++second) {
    history.Add(Point(second, 1'000 + 100 * second, 0), kCover);
  }
  // Counts again from 0, and fast: by 13 s it is past where it was, which must not look like
  // progress.
  for (int second = 11; second <= 15; ++second) {
    history.Add(Point(second, 3'000 * (second - 11), 0), kCover);
    EXPECT_FALSE(history.Over(kWindow).has_value()) << second;
  }
  history.Add(Point(16, 15'000, 0), kCover);
  EXPECT_EQ(history.Over(kWindow)->data_segments, 15'000);
  EXPECT_EQ(history.began().uptime, At(11).uptime);
}

TEST(SocketHistory, CounterThatIsMissingForOneScanIsUnknownForThatScanOnly) {
  SocketHistory history;
  for (int second = 0; second <= 5; ++second) history.Add(Point(second, 100 * second, 0), kCover);
  SocketPoint without = Point(6, 600, 0);
  without.retransmits.reset();
  history.Add(without, kCover);
  EXPECT_EQ(history.Over(kWindow)->retransmits, std::nullopt);
  EXPECT_EQ(history.Over(kWindow)->data_segments, 500);
  history.Add(Point(7, 700, 3), kCover);
  EXPECT_EQ(history.Over(kWindow)->retransmits, 3);
}

TEST(SocketHistory, IsBoundedAndCoversAtAnyScanInterval) {
  for (const double interval : {0.05, 0.1, 0.25, 0.5, 0.97, 1.0, 1.03, 2.0, 3.0, 7.0, 30.0}) {
    SocketHistory history;
    for (int i = 0; i * interval <= 200; ++i) {
      history.Add(Point(i * interval, i, 0), kCover);
      ASSERT_LE(history.size(), SocketHistory::kMaxPoints);
      ASSERT_EQ(history.newest().data_segments, i);
    }
    const absl::Duration reach = history.newest().at.uptime - history.at(0).at.uptime;
    EXPECT_GE(reach, kCover) << interval;
    const auto window = history.Over(kWindow);
    ASSERT_TRUE(window.has_value());
    EXPECT_GE(window->span, 0.9 * kWindow) << interval;
    EXPECT_LE(window->span, std::max(kWindow + absl::Seconds(1), absl::Seconds(2 * interval)))
        << interval;
    EXPECT_EQ(history.began().uptime, At(0).uptime);
  }
}

TEST(SocketHistory, PointLeavesOutWhatTheKernelDidNotReport) {
  SyntheticSocket socket;
  socket.info.tcpi_snd_ssthresh = 0x7fffffff;
  socket.info_size = offsetof(tcp_info, tcpi_dsack_dups);
  const SocketPoint point = PointOf(socket.Sample(), At(0));
  EXPECT_EQ(point.ssthresh_segments, std::nullopt);
  EXPECT_EQ(point.dsacks, std::nullopt);
  EXPECT_EQ(point.reorderings, std::nullopt);
  EXPECT_EQ(point.retransmits, 0u);
  EXPECT_EQ(point.rtt_us, 149'000u);
}

}  // namespace
}  // namespace tcpmedic
