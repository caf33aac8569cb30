#include "cli/render/quantity.h"

#include <gtest/gtest.h>

#include "tests/cli/examples.h"

namespace tcpmedic::cli {
namespace {

TEST(Quantity, CountsHaveSeparators) {
  EXPECT_EQ(CountText(0), "0");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(41827), "41,827");
  EXPECT_EQ(CountText(-1234567), "-1,234,567");
}

TEST(Quantity, RatesTakeTheUnitThatFits) {
  EXPECT_EQ(BitRateText(0), "0 bit/s");
  EXPECT_EQ(BitRateText(780321.5), "780 kbit/s");
  EXPECT_EQ(BitRateText(65.23e6), "65.2 Mbit/s");
  EXPECT_EQ(BitRateText(999.6e6), "1 Gbit/s");
}

TEST(Quantity, SmallSizesAreExact) {
  EXPECT_EQ(BytesText(1448), "1,448 bytes");
  EXPECT_EQ(BytesText(8 << 20), "8 MiB");
}

TEST(Quantity, RatiosArePercent) {
  EXPECT_EQ(PercentText(0.0102), "1.02 %");
  EXPECT_EQ(PercentText(0.1), "10 %");
  EXPECT_EQ(PercentText(1), "100 %");
}

TEST(Quantity, DurationsTakeOneUnit) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0 s");
  EXPECT_EQ(DurationText(absl::Microseconds(42)), "42 µs");
  EXPECT_EQ(DurationText(absl::Microseconds(1200)), "1.2 ms");
  EXPECT_EQ(DurationText(absl::Milliseconds(148)), "148 ms");
  EXPECT_EQ(DurationText(absl::Seconds(90)), "90 s");
  EXPECT_EQ(DurationText(absl::Minutes(57)), "57 m");
  EXPECT_EQ(DurationText(absl::Hours(30)), "30 h");
  EXPECT_EQ(DurationText(absl::Hours(72)), "3 d");
}

TEST(Quantity, AgesPointBothWays) {
  EXPECT_EQ(AgeText(kNow, kNow), "now");
  EXPECT_EQ(AgeText(kNow - absl::Minutes(3), kNow), "3 m ago");
  EXPECT_EQ(AgeText(kNow + absl::Minutes(57), kNow), "in 57 m");
}

TEST(Quantity, AClockTimeHasItsDateWhereThatIsNotToday) {
  EXPECT_EQ(ClockText(kNow, kNow), "03:12:05 UTC");
  EXPECT_EQ(ClockText(kNow - absl::Hours(24), kNow), "2026-11-21 03:12:05 UTC");
}

TEST(Quantity, EvidenceHasItsUnit) {
  const auto text = [](const std::string& evidence) {
    return EvidenceText(FromText<v1::Evidence>(evidence));
  };
  EXPECT_EQ(text("name: 'socket.cwnd' value { int_value: 11 } unit: 'segments'"), "11 segments");
  EXPECT_EQ(text("name: 'socket.retrans_ratio' value { double_value: 0.0102 }"), "1.02 %");
  EXPECT_EQ(text("name: 'socket.rtt_inflation' value { double_value: 1.034 }"), "1.03");
  EXPECT_EQ(text("name: 'process.pid' value { int_value: 26881 }"), "26881");
  EXPECT_EQ(text("name: 'socket.app_limited' value { bool_value: false }"), "no");
  EXPECT_EQ(text("name: 'socket.path_rtt' value { duration_value { nanos: 148000000 } }"),
            "148 ms");
  EXPECT_EQ(text("name: 'socket.dsack_ratio'"), "not reported");
}

}  // namespace
}  // namespace tcpmedic::cli
