#include "diagnosis/measurement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

// A point a second from `from` to `to`: 100 segments, `lost` retransmits and 100,000 bytes each
// second.
SocketHistory History(int from, int to, uint32_t lost = 1) {
  SocketHistory history;
  for (int second = from; second <= to; ++second) {
    SocketPoint point;
    point.at = At(second);
    point.bytes_acked = 100'000u * second;
    point.data_segments = 100u * second;
    point.retransmits = lost * second;
    point.rtt_us = 148'000u + second;
    point.cwnd_segments = 10u + second % 3;
    point.ssthresh_segments = 8;
    history.Add(point, kMeasuredSpan + kSettlingTime);
  }
  return history;
}

std::string Text(const v1::Measurement& measurement) {
  std::string text =
      absl::StrCat(measurement.start().seconds() - 1'700'000'000, "-",
                   measurement.end().seconds() - 1'700'000'000, " s, ", measurement.sockets());
  for (const v1::Evidence& value : measurement.values()) {
    const v1::Value& v = value.value();
    absl::StrAppend(&text, "\n", value.name(), " ");
    if (v.has_string_value()) absl::StrAppend(&text, v.string_value());
    if (v.has_int_value()) absl::StrAppend(&text, v.int_value());
    if (v.has_double_value()) absl::StrAppend(&text, v.double_value());
    absl::StrAppend(&text, " ", value.unit(), " (", value.basis(), ")");
  }
  return text;
}

TEST(Measure, CoversTenSecondsOfAnOldSocket) {
  const SocketHistory history = History(0, 40);
  EXPECT_EQ(Text(Measure({&history}, "cubic", At(40))),
            "30-40 s, 1\n"
            "congestion_control cubic  (now)\n"
            "goodput_bps 800000 bit/s (window 10s)\n"
            "rtt_us 148035 us (median over 10s)\n"
            "cwnd_segments 11 segments (median over 10s)\n"
            "ssthresh_segments 8 segments (median over 10s)\n"
            "retrans_ratio 0.01  (window 10s)");
}

TEST(Measure, LeavesOutTheFirstSecondsOfAYoungSocket) {
  const SocketHistory history = History(1, 12);
  const v1::Measurement measured = Measure({&history}, "cubic", At(12));
  EXPECT_EQ(measured.start().seconds(), ToProto(At(6).wall).seconds());
  EXPECT_EQ(measured.values(1).value().double_value(), 800'000);
}

TEST(Measure, TakesAllOfAVeryYoungSocket) {
  const SocketHistory history = History(1, 6);
  EXPECT_EQ(Measure({&history}, "cubic", At(6)).start().seconds(), ToProto(At(1).wall).seconds());
}

TEST(Measure, TimesAreExactlyThoseOfTheSamplesUsed) {
  SocketHistory history;
  for (int i = 0; i <= 30; ++i) {
    SocketPoint point;
    point.at = At(1.013 * i);
    point.at.wall += absl::Milliseconds(7 * i);  // the wall clock is being slewed
    point.bytes_acked = 1'000u * i;
    history.Add(point, absl::Seconds(15));
  }
  const v1::Measurement measured = Measure({&history}, "cubic", history.newest().at);
  const Moment end = history.newest().at;
  const auto first = At(1.013 * 20).wall + absl::Milliseconds(7 * 20);
  EXPECT_EQ(measured.start().ShortDebugString(), ToProto(first).ShortDebugString());
  EXPECT_EQ(measured.end().ShortDebugString(), ToProto(end.wall).ShortDebugString());
  EXPECT_NEAR(measured.values(1).value().double_value(), 8 * 1'000 / 1.013, 1e-3);
}

TEST(Measure, SumsRatesAndPoolsSegmentsOverSockets) {
  const SocketHistory lossy = History(0, 40, 3);
  const SocketHistory clean = History(0, 40, 1);
  const v1::Measurement measured = Measure({&lossy, &clean}, "cubic", At(40));
  EXPECT_EQ(measured.sockets(), 2);
  EXPECT_EQ(measured.values(1).value().double_value(), 1'600'000);
  EXPECT_EQ(measured.values(5).value().double_value(), 0.02);
}

TEST(Measure, SocketThatJoinedLateCountsWithWhatItMoved) {
  const SocketHistory old = History(0, 40);
  const SocketHistory late = History(36, 40);
  // 1,000,000 bytes of the one and 400,000 of the other, in the same ten seconds.
  EXPECT_EQ(Measure({&old, &late}, "cubic", At(40)).values(1).value().double_value(), 1'120'000);
}

TEST(Measure, ValuesThatNobodyReportsAreAbsent) {
  SocketHistory history;
  SyntheticSocket socket;
  socket.info_size = offsetof(tcp_info, tcpi_bytes_acked);  // as Linux 3.10 has it
  for (int second = 0; second <= 40; ++second) {
    history.Add(PointOf(socket.Sample(), At(second)), absl::Seconds(15));
  }
  std::vector<std::string> known;
  const v1::Measurement measured = Measure({&history}, "", At(40));
  for (const v1::Evidence& value : measured.values()) {
    if (value.has_value()) known.push_back(value.name());
  }
  EXPECT_THAT(known, ElementsAre("rtt_us", "cwnd_segments"));
}

}  // namespace
}  // namespace tcpmedic
