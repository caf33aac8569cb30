#include "diagnosis/netns_history.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kCover = absl::Seconds(15);
constexpr absl::Duration kWindow = absl::Seconds(10);

NetnsPoint Point(double seconds, std::optional<int64_t> sent,
                 std::optional<int64_t> drops = std::nullopt) {
  CounterSample sample;
  if (sent.has_value()) sample.Set("TcpExtSyncookiesSent", *sent);
  if (drops.has_value()) sample.Set("TcpExtListenDrops", *drops);
  return PointOf(sample, At(seconds));
}

std::optional<int64_t> SentOver(const NetnsHistory& history, absl::Duration window = kWindow) {
  const auto delta = history.Over(window);
  if (!delta.has_value()) return std::nullopt;
  return (*delta)[NetnsCounter::kSyncookiesSent];
}

TEST(NetnsHistory, ReadsCountersAndSettingsByTheKernelsNames) {
  CounterSample sample;
  const struct {
    const char* name;
    NetnsCounter counter;
  } counters[] = {
      {"TcpExtSyncookiesSent", NetnsCounter::kSyncookiesSent},
      {"TcpExtSyncookiesRecv", NetnsCounter::kSyncookiesRecv},
      {"TcpExtSyncookiesFailed", NetnsCounter::kSyncookiesFailed},
      {"TcpExtTCPReqQFullDoCookies", NetnsCounter::kReqqFullDoCookies},
      {"TcpExtTCPReqQFullDrop", NetnsCounter::kReqqFullDrops},
      {"TcpExtListenOverflows", NetnsCounter::kListenOverflows},
      {"TcpExtListenDrops", NetnsCounter::kListenDrops},
      {"TcpPassiveOpens", NetnsCounter::kPassiveOpens},
  };
  for (size_t i = 0; i < std::size(counters); ++i) sample.Set(counters[i].name, 100 + i);
  sample.Set("net.ipv4.tcp_syncookies", 2);
  sample.Set("net.ipv4.tcp_max_syn_backlog", 2'048);
  sample.Set("net.core.somaxconn", 4'096);
  const NetnsPoint point = PointOf(sample, At(3));
  EXPECT_EQ(point.at.uptime, At(3).uptime);
  for (size_t i = 0; i < std::size(counters); ++i) EXPECT_EQ(point[counters[i].counter], 100 + i);
  EXPECT_EQ(point[NetnsSetting::kTcpSyncookies], 2);
  EXPECT_EQ(point[NetnsSetting::kTcpMaxSynBacklog], 2'048);
  EXPECT_EQ(point[NetnsSetting::kSomaxconn], 4'096);
  EXPECT_EQ(PointOf(CounterSample(), At(3))[NetnsSetting::kTcpSyncookies], std::nullopt);
}

TEST(NetnsHistory, IncreaseIsUnknownBeforeTheWindowIsFull) {
  NetnsHistory history;
  for (int second = 0; second <= 8; ++second) {
    history.Add(Point(second, 5 * second), kCover);
    EXPECT_EQ(SentOver(history), std::nullopt) << second;
  }
  history.Add(Point(9, 45), kCover);
  EXPECT_EQ(SentOver(history), 45);
  EXPECT_EQ(history.Over(kWindow)->span, absl::Seconds(9));
}

TEST(NetnsHistory, WindowSlidesWithTheReadings) {
  NetnsHistory history;
  for (int second = 0; second <= 100; ++second) {
    history.Add(Point(second, second < 50 ? 0 : 7 * (second - 50)), kCover);
  }
  EXPECT_EQ(SentOver(history), 63);  // nine seconds make ten
}

TEST(NetnsHistory, ResetIsNeverAnIncrease) {
  NetnsHistory history;
  for (int second = 0; second <= 20; ++second) history.Add(Point(second, 1'000'000, 5), kCover);
  for (int second = 21; second <= 29; ++second) {
    history.Add(Point(second, 2 * (second - 21), 5), kCover);
    EXPECT_FALSE(history.Over(kWindow).has_value()) << second;
  }
  history.Add(Point(30, 18, 5), kCover);
  EXPECT_EQ(SentOver(history), 18);
}

TEST(NetnsHistory, ResetWhileTheCounterWasMissingIsNoticed) {
  NetnsHistory history;
  for (int second = 0; second <= 10; ++second) history.Add(Point(second, 1'000'000, 0), kCover);
  history.Add(Point(11, std::nullopt, 0), kCover);
  history.Add(Point(12, 3, 0), kCover);
  EXPECT_EQ(history.size(), 1u);
}

TEST(NetnsHistory, CounterThatIsMissingIsUnknownAndTheOthersAreNot) {
  NetnsHistory history;
  for (int second = 0; second <= 10; ++second) history.Add(Point(second, second, second), kCover);
  history.Add(Point(11, std::nullopt, 11), kCover);
  const auto delta = history.Over(kWindow);
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ((*delta)[NetnsCounter::kSyncookiesSent], std::nullopt);
  EXPECT_EQ((*delta)[NetnsCounter::kListenDrops], 9);
  history.Add(Point(12, 12, 12), kCover);
  EXPECT_EQ(SentOver(history), 9);
}

TEST(NetnsHistory, FastReadingsAreThinnedNotLost) {
  NetnsHistory history;
  for (int i = 0; i <= 10'000; ++i) history.Add(Point(0.01 * i, i), kCover);
  const auto delta = history.Over(kWindow);
  ASSERT_TRUE(delta.has_value());
  EXPECT_LE(delta->span, absl::Seconds(11));
  EXPECT_NEAR(static_cast<double>(*SentOver(history)) / absl::ToDoubleSeconds(delta->span), 100,
              0.01);
  EXPECT_LE(history.size(), NetnsHistory::kMaxPoints);
}

TEST(SynDrops, AreWhatOverflowsDoNotExplain) {
  NetnsDelta delta;
  auto& drops = delta.increases[static_cast<size_t>(NetnsCounter::kListenDrops)];
  auto& overflows = delta.increases[static_cast<size_t>(NetnsCounter::kListenOverflows)];
  EXPECT_EQ(SynDrops(delta), std::nullopt);
  drops = 100;
  EXPECT_EQ(SynDrops(delta), std::nullopt);
  overflows = 30;
  EXPECT_EQ(SynDrops(delta), 70);
  overflows = 101;  // counted between the two reads
  EXPECT_EQ(SynDrops(delta), 0);
}

}  // namespace
}  // namespace tcpmedic
