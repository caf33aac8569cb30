#include "core/expr/text.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/expr/template.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {
namespace {

TEST(NumberText, HasThreeSignificantDigitsAndAllBeforeThePoint) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(12), "12");
  EXPECT_EQ(NumberText(12.2), "12.2");
  EXPECT_EQ(NumberText(12.249), "12.2");
  EXPECT_EQ(NumberText(1.005), "1");
  EXPECT_EQ(NumberText(-1.5), "-1.5");
  EXPECT_EQ(NumberText(0.00123456), "0.00123");
  EXPECT_EQ(NumberText(0.0000123456), "0.0000123");
  EXPECT_EQ(NumberText(999.4), "999");
  EXPECT_EQ(NumberText(999.7), "1000");
  EXPECT_EQ(NumberText(99.96), "100");
  EXPECT_EQ(NumberText(73'214'567.8), "73214568");
}

TEST(NumberText, UsesAnExponentOnlyForExtraordinaryMagnitudes) {
  EXPECT_EQ(NumberText(1e-9), "1e-09");
  EXPECT_EQ(NumberText(1.234e20), "1.23e+20");
}

TEST(NumberText, NamesWhatIsNoNumber) {
  EXPECT_EQ(NumberText(std::numeric_limits<double>::infinity()), "infinite");
  EXPECT_EQ(NumberText(-std::numeric_limits<double>::infinity()), "-infinite");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::quiet_NaN()), "not a number");
}

TEST(DurationText, UsesTheUnitsThatPeopleUse) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0 s");
  EXPECT_EQ(DurationText(absl::Nanoseconds(50)), "50 ns");
  EXPECT_EQ(DurationText(absl::Microseconds(250)), "250 µs");
  EXPECT_EQ(DurationText(absl::Milliseconds(148)), "148 ms");
  EXPECT_EQ(DurationText(absl::Microseconds(148'211)), "148 ms");
  EXPECT_EQ(DurationText(absl::Microseconds(1'500)), "1.5 ms");
  EXPECT_EQ(DurationText(absl::Microseconds(999'700)), "1 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(1'500)), "1.5 s");
  EXPECT_EQ(DurationText(absl::Seconds(5)), "5 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(59'900)), "59.9 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(59'980)), "1 min");
  EXPECT_EQ(DurationText(absl::Seconds(90)), "1 min 30 s");
  EXPECT_EQ(DurationText(absl::Minutes(125)), "2 h 5 min");
  EXPECT_EQ(DurationText(absl::Seconds(3599) + absl::Milliseconds(700)), "1 h");
  EXPECT_EQ(DurationText(absl::Hours(76)), "3 d 4 h");
  EXPECT_EQ(DurationText(-absl::Seconds(5)), "-5 s");
}

TEST(BitrateText, ChangesTheUnitWhereRoundingReachesIt) {
  EXPECT_EQ(BitrateText(0), "0 bit/s");
  EXPECT_EQ(BitrateText(780'000), "780 kbit/s");
  EXPECT_EQ(BitrateText(73.2e6), "73.2 Mbit/s");
  EXPECT_EQ(BitrateText(100e6), "100 Mbit/s");
  EXPECT_EQ(BitrateText(999'400), "999 kbit/s");
  EXPECT_EQ(BitrateText(999'700), "1 Mbit/s");
  EXPECT_EQ(BitrateText(5e18), "5000000 Tbit/s");
}

TEST(PercentText, IsShort) {
  EXPECT_EQ(PercentText(0.0123), "1.23 %");
  EXPECT_EQ(PercentText(0.01), "1 %");
  EXPECT_EQ(PercentText(0.000042), "0.0042 %");
  EXPECT_EQ(PercentText(1), "100 %");
}

TEST(BytesText, ShowsThatItIsRounded) {
  EXPECT_EQ(BytesText(512), "512 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(8'592'000'000), "8.0 GiB");
  EXPECT_EQ(BytesText(817'889'280), "780 MiB");
  EXPECT_EQ(BytesText(std::numeric_limits<double>::infinity()), "infinite B");
}

TEST(ToText, WritesEveryKind) {
  const Value elements[] = {Value::Int(1), Value::Unknown(0)};
  const MapEntry entries[] = {{"tier", Value::String("web")}, {"n", Value::Uint(2)}};
  EXPECT_EQ(ToText(Value::Null()), "null");
  EXPECT_EQ(ToText(Value::Bool(true)), "true");
  EXPECT_EQ(ToText(Value::Int(-1448)), "-1448");
  EXPECT_EQ(ToText(Value::Uint(443)), "443");
  EXPECT_EQ(ToText(Value::Double(12.25)), "12.3");
  EXPECT_EQ(ToText(Value::String("cubic")), "cubic");
  EXPECT_EQ(ToText(Value::Bytes(absl::string_view("\x01z", 2))), "\\x01z");
  EXPECT_EQ(ToText(Value::Duration(absl::Milliseconds(148))), "148 ms");
  EXPECT_EQ(ToText(Value::Timestamp(absl::FromUnixMillis(1'500))), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(ToText(Value::Ip(*IpAddress::Parse("2001:db8::1"))), "2001:db8::1");
  EXPECT_EQ(ToText(Value::Ip(*IpAddress::Parse("::ffff:10.0.0.1"))), "10.0.0.1");
  EXPECT_EQ(ToText(Value::Cidr(*IpPrefix::Parse("10.0.0.0/8"))), "10.0.0.0/8");
  EXPECT_EQ(ToText(Value::List(elements)), "1, (not known)");
  EXPECT_EQ(ToText(Value::Map(entries)), "tier=web, n=2");
  EXPECT_EQ(ToText(Value::Unknown(0)), "(not known)");
  EXPECT_EQ(ToText(Value::Error(Error::kOverflow)), "(no value: the result is out of range)");
}

}  // namespace
}  // namespace tcpmedic::expr
