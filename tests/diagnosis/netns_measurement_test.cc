#include "diagnosis/netns_measurement.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/expr/template.h"
#include "tests/diagnosis/scripted_netns.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kCover = absl::Seconds(17);
constexpr absl::Duration kEver = absl::InfiniteDuration();

// "START-END s: NAME VALUE, …"; a value that is absent is "?".
std::string Text(const v1::Measurement& measurement) {
  constexpr int64_t kBegin = 1'700'000'000;  // of At()
  std::string text = absl::StrCat(measurement.start().seconds() - kBegin, "-",
                                  measurement.end().seconds() - kBegin, " s:");
  for (const v1::Evidence& value : measurement.values()) {
    absl::StrAppend(&text, " ", value.name(), " ");
    if (!value.has_value()) {
      text += "?";
    } else if (value.value().has_int_value()) {
      absl::StrAppend(&text, value.value().int_value());
    } else {
      absl::StrAppend(&text, value.value().double_value());
    }
  }
  return text;
}

class NetnsMeasurementTest : public ::testing::Test {
 protected:
  NetnsMeasurementTest() {
    netns_.per_second = {{"TcpExtSyncookiesSent", 400},
                         {"TcpExtSyncookiesRecv", 100},
                         {"TcpExtListenDrops", 50},
                         {"TcpExtListenOverflows", 20}};
  }
  void ReadUntil(int seconds) {
    while (seconds_ < seconds) {
      ++seconds_;
      netns_.Advance(1);
      history_.Add(PointOf(netns_.Counters(), At(seconds_)), kCover);
    }
  }

  ScriptedNetns netns_;
  NetnsHistory history_;
  int seconds_ = 0;
};

TEST_F(NetnsMeasurementTest, HasTheNamesThatAreExportedInTheirOrder) {
  ReadUntil(1);
  const v1::Measurement measurement = Measure(history_, std::nullopt);
  ASSERT_EQ(measurement.values_size(), static_cast<int>(NetnsMeasured().size()));
  for (int i = 0; i < measurement.values_size(); ++i) {
    const MeasuredAttribute& attribute = NetnsMeasured()[i];
    EXPECT_EQ(measurement.values(i).name(), attribute.name);
    EXPECT_EQ(measurement.values(i).unit(), attribute.unit);
    EXPECT_EQ(measurement.values(i).source(), attribute.source);
    EXPECT_FALSE(attribute.doc.empty());
  }
}

TEST_F(NetnsMeasurementTest, CoversTheNewestTenSeconds) {
  ReadUntil(14);
  netns_.per_second = {{"TcpExtSyncookiesSent", 1'000}, {"TcpExtSyncookiesRecv", 1'000}};
  ReadUntil(24);
  EXPECT_EQ(Text(Measure(history_, HalfOpenCount{77, At(24)})),
            "14-24 s: syncookies_sent_per_s 1000 syncookies_recv_ratio 1 syn_recv_sockets 77 "
            "listen_drops_per_s 0 syn_drops_per_s 0");
  EXPECT_EQ(Measure(history_, std::nullopt).values(0).basis(), "window 10s");
}

TEST_F(NetnsMeasurementTest, OneReadingHasNoRates) {
  ReadUntil(1);
  EXPECT_EQ(Text(Measure(history_, HalfOpenCount{77, At(1)})),
            "1-1 s: syncookies_sent_per_s ? syncookies_recv_ratio ? syn_recv_sockets 77 "
            "listen_drops_per_s ? syn_drops_per_s ?");
  EXPECT_FALSE(MeasureBetween(history_, std::nullopt, -kEver, kEver).has_value());
}

TEST_F(NetnsMeasurementTest, NeverReachesBackBeforeTheChangeNorPastIt) {
  ReadUntil(12);
  netns_.per_second = {{"TcpExtSyncookiesSent", 2'000}, {"TcpExtListenDrops", 3}};
  ReadUntil(18);
  EXPECT_EQ(Text(*MeasureBetween(history_, HalfOpenCount{9, At(18)}, At(12).uptime, kEver)),
            "12-18 s: syncookies_sent_per_s 2000 syncookies_recv_ratio 0 syn_recv_sockets 9 "
            "listen_drops_per_s 3 syn_drops_per_s 3");
  // The dump is of after the change.
  EXPECT_EQ(Text(*MeasureBetween(history_, HalfOpenCount{9, At(18)}, -kEver, At(12.4).uptime)),
            "2-12 s: syncookies_sent_per_s 400 syncookies_recv_ratio 0.25 syn_recv_sockets ? "
            "listen_drops_per_s 50 syn_drops_per_s 30");
  EXPECT_FALSE(MeasureBetween(history_, std::nullopt, At(18).uptime, kEver).has_value());
  EXPECT_FALSE(MeasureBetween(history_, std::nullopt, At(19).uptime, kEver).has_value());
}

TEST_F(NetnsMeasurementTest, WhatIsMissingHasNoValue) {
  ReadUntil(10);
  netns_.values.erase("TcpExtListenOverflows");
  netns_.per_second.erase("TcpExtListenOverflows");
  netns_.values.erase("TcpExtSyncookiesRecv");
  netns_.per_second.erase("TcpExtSyncookiesRecv");
  ReadUntil(12);
  EXPECT_EQ(Text(Measure(history_, std::nullopt)),
            "2-12 s: syncookies_sent_per_s 400 syncookies_recv_ratio ? syn_recv_sockets ? "
            "listen_drops_per_s 50 syn_drops_per_s ?");
}

TEST_F(NetnsMeasurementTest, BeginsAnewWithCountersThatWereReset) {
  ReadUntil(10);
  netns_.ResetCounters();
  ReadUntil(14);
  EXPECT_EQ(Text(Measure(history_, std::nullopt)),
            "11-14 s: syncookies_sent_per_s 400 syncookies_recv_ratio 0.25 syn_recv_sockets ? "
            "listen_drops_per_s 50 syn_drops_per_s 30");
}

}  // namespace
}  // namespace tcpmedic
