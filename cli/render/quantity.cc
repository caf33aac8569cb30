#include "cli/render/quantity.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

// Three significant digits, never in exponent form, without zeros at the end.
std::string ThreeDigits(double number) {
  const double magnitude = std::abs(number);
  const int decimals = magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2;
  std::string digits = absl::StrFormat("%.*f", decimals, number);
  if (decimals == 0) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

std::string DoubleText(double number) {
  if (!std::isfinite(number)) return "not a number";
  if (number == std::floor(number) && std::abs(number) < 1e15) {
    return CountText(static_cast<int64_t>(number));
  }
  if (std::abs(number) < 0.1) return absl::StrFormat("%.3g", number);
  return std::abs(number) >= 1000 ? CountText(std::llround(number)) : ThreeDigits(number);
}

// It names something, and counts nothing.
bool IsIdentity(absl::string_view name) {
  return absl::EndsWith(name, ".pid") || absl::EndsWith(name, "_port") ||
         absl::EndsWith(name, ".uid");
}

// "sockets" as "socket", "addresses" as "address"; "s", the second, as it is.
absl::string_view OneOf(absl::string_view unit) {
  if (absl::EndsWith(unit, "sses")) return absl::StripSuffix(unit, "es");
  return unit.size() > 1 && !absl::EndsWith(unit, "/s") ? absl::StripSuffix(unit, "s") : unit;
}

std::string NumberText(const v1::Evidence& evidence, double number) {
  if (IsIdentity(evidence.name())) return absl::StrCat(std::llround(number));
  if (evidence.unit() == "bit/s") return BitRateText(number);
  if (evidence.unit() == "bytes") return BytesText(number);
  if (evidence.unit().empty() && absl::EndsWith(evidence.name(), "_ratio")) {
    return PercentText(number);
  }
  if (evidence.unit() == "/s") return PerSecondText(number);
  const std::string text = DoubleText(number);
  if (evidence.unit().empty()) return text;
  return absl::StrCat(text, " ", number == 1 ? OneOf(evidence.unit()) : evidence.unit());
}

}  // namespace

std::string CountText(int64_t count) {
  std::string digits = absl::StrCat(count);
  const int first = count < 0 ? 1 : 0;
  for (int at = static_cast<int>(digits.size()) - 3; at > first; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string PercentText(double ratio) { return absl::StrCat(ThreeDigits(ratio * 100), " %"); }

std::string PerSecondText(double per_second) { return absl::StrCat(DoubleText(per_second), "/s"); }

std::string BitRateText(double bits_per_second) {
  constexpr const char* kUnits[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
  int unit = 0;
  for (; unit < 3 && std::abs(bits_per_second) >= 999.5; ++unit) bits_per_second /= 1000;
  return absl::StrCat(
      unit == 0 ? CountText(std::llround(bits_per_second)) : ThreeDigits(bits_per_second), " ",
      kUnits[unit]);
}

std::string BytesText(double bytes) {
  // Up to here every byte may matter: an MSS, a queue of one segment.
  if (std::abs(bytes) < 10'000) return absl::StrCat(CountText(std::llround(bytes)), " bytes");
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (bytes /= 1024; unit < 3 && std::abs(bytes) >= 1000; ++unit) bytes /= 1024;
  return absl::StrCat(ThreeDigits(bytes), " ", kUnits[unit]);
}

std::string DurationText(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) return absl::StrCat("-", DurationText(-duration));
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds == 0) return "0 s";
  if (seconds < 999.5e-6) return absl::StrCat(std::llround(seconds * 1e6), " µs");
  if (seconds < 0.0995) return absl::StrFormat("%.3g ms", seconds * 1e3);
  if (seconds < 0.9995) return absl::StrCat(std::llround(seconds * 1e3), " ms");
  if (seconds < 120) return absl::StrFormat("%.3g s", seconds);
  if (seconds < 120 * 60) return absl::StrCat(std::llround(seconds / 60), " m");
  if (seconds < 48 * 3600) return absl::StrCat(std::llround(seconds / 3600), " h");
  return absl::StrCat(std::llround(seconds / 86400), " d");
}

std::string AgeText(absl::Time then, absl::Time now) {
  const absl::Duration age = absl::Trunc(now - then, absl::Seconds(1));
  if (age == absl::ZeroDuration()) return "now";
  return age > absl::ZeroDuration() ? absl::StrCat(DurationText(age), " ago")
                                    : absl::StrCat("in ", DurationText(-age));
}

std::string ClockText(absl::Time time, absl::Time now) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const bool today = absl::ToCivilDay(time, utc) == absl::ToCivilDay(now, utc);
  return absl::FormatTime(today ? "%H:%M:%S UTC" : "%Y-%m-%d %H:%M:%S UTC", time, utc);
}

std::string EvidenceText(const v1::Evidence& evidence) {
  const v1::Value& value = evidence.value();
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return value.bool_value() ? "yes" : "no";
    case v1::Value::kIntValue:
      return NumberText(evidence, static_cast<double>(value.int_value()));
    case v1::Value::kDoubleValue:
      return NumberText(evidence, value.double_value());
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kDurationValue:
      return DurationText(FromProto(value.duration_value()));
    case v1::Value::kTimestampValue:
      return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", FromProto(value.timestamp_value()),
                              absl::UTCTimeZone());
    case v1::Value::KIND_NOT_SET:
      return "not reported";
  }
  return "not reported";
}

}  // namespace tcpmedic::cli
