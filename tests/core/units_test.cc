#include "core/units.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(UnitsTest, RatiosAreWrittenInPercentOrPlain) {
  EXPECT_DOUBLE_EQ(ParseRatio("1%").value(), 0.01);
  EXPECT_DOUBLE_EQ(ParseRatio("0.1 %").value(), 0.001);
  EXPECT_DOUBLE_EQ(ParseRatio("0.25").value(), 0.25);
  EXPECT_DOUBLE_EQ(ParseRatio("0%").value(), 0);
  EXPECT_DOUBLE_EQ(ParseRatio("100%").value(), 1);
}

TEST(UnitsTest, BitRatesAreDecimalAndIgnoreCase) {
  EXPECT_EQ(ParseBitRate("100mbit").value(), 100'000'000);
  EXPECT_EQ(ParseBitRate("100 Mbit/s").value(), 100'000'000);
  EXPECT_EQ(ParseBitRate("1.5gbit").value(), 1'500'000'000);
  EXPECT_EQ(ParseBitRate("780kbit/s").value(), 780'000);
  EXPECT_EQ(ParseBitRate("64000").value(), 64'000);
}

TEST(UnitsTest, BytesAreDecimalUnlessBinaryIsAsked) {
  EXPECT_EQ(ParseBytes("1500").value(), 1500);
  EXPECT_EQ(ParseBytes("1500B").value(), 1500);
  EXPECT_EQ(ParseBytes("3.7MB").value(), 3'700'000);
  EXPECT_EQ(ParseBytes("64KiB").value(), 65'536);
  EXPECT_EQ(ParseBytes("64k").value(), 64'000);
}

TEST(UnitsTest, EventRatesArePacketsOrAnything) {
  EXPECT_DOUBLE_EQ(ParsePerSecond("20000pps").value(), 20'000);
  EXPECT_DOUBLE_EQ(ParsePerSecond("20kpps").value(), 20'000);
  EXPECT_DOUBLE_EQ(ParsePerSecond("50/s").value(), 50);
}

TEST(UnitsTest, WhatIsNoQuantityIsRefusedWithAnExample) {
  EXPECT_EQ(ParseRatio("150%").status().message(),
            "'150%' is not a ratio from 0 to 1; write it like 1% or 0.01");
  EXPECT_EQ(ParseBitRate("100mbyte").status().message(),
            "'100mbyte' is not a bit rate; write it like 100mbit or 780kbit");
  for (const char* text :
       {"", " ", "%", "-1%", "1e-3", "nan", "inf", "1..2", "0x10", "1%%", "one"}) {
    EXPECT_EQ(ParseRatio(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ParseBitRate(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ParseBytes(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ParsePerSecond(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseBytes("99999999999999999999GB").ok());
}

}  // namespace
}  // namespace tcpmedic
