#include "core/expr/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/expr/template.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {
namespace {

// Outside of these, digits say less than an exponent.
constexpr double kOrdinaryBelow = 1e15;
constexpr double kOrdinaryFrom = 1e-6;

double RoundedTo3Digits(double number) {
  if (number == 0) return 0;
  const double magnitude = std::floor(std::log10(std::fabs(number)));
  // A power of ten with a positive exponent is exact; one with a negative exponent is not.
  if (magnitude <= 2) {
    const double scale = std::pow(10.0, 2 - magnitude);
    return std::round(number * scale) / scale;
  }
  const double scale = std::pow(10.0, magnitude - 2);
  return std::round(number / scale) * scale;
}

// `number` in the largest of `units` in which it is at least 1 after rounding; each unit is `step`
// of the one before.
struct Scaled {
  double number;
  absl::string_view unit;
};
Scaled Scale(double number, double step, absl::Span<const absl::string_view> units) {
  size_t unit = 0;
  while (unit + 1 < units.size() &&
         std::max(std::fabs(number), RoundedTo3Digits(std::fabs(number))) >= step) {
    number /= step;
    ++unit;
  }
  return {number, units[unit]};
}

// "2 h 5 min": the largest unit and the next, rounded to the latter.
std::string TwoUnits(absl::Duration duration) {
  struct Unit {
    absl::string_view name;
    absl::Duration length;
  };
  static const std::array<Unit, 4> units = {{{"d", absl::Hours(24)},
                                             {"h", absl::Hours(1)},
                                             {"min", absl::Minutes(1)},
                                             {"s", absl::Seconds(1)}}};
  for (size_t i = 0; i + 1 < units.size(); ++i) {
    const absl::Duration lesser = units[i + 1].length;
    const absl::Duration rounded = absl::Floor(duration + lesser / 2, lesser);
    if (rounded < units[i].length) continue;
    const int64_t major = rounded / units[i].length;
    const int64_t minor = (rounded % units[i].length) / lesser;
    std::string text = absl::StrCat(major, " ", units[i].name);
    if (minor > 0) absl::StrAppend(&text, " ", minor, " ", units[i + 1].name);
    return text;
  }
  return "1 min";  // 59.9… s, which rounds up
}

std::string ListText(absl::Span<const Value> elements) {
  std::string text;
  for (const Value& element : elements) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", ToText(element));
  }
  return text;
}

std::string MapText(absl::Span<const MapEntry> entries) {
  std::string text;
  for (const MapEntry& entry : entries) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", entry.key, "=", ToText(entry.value));
  }
  return text;
}

}  // namespace

std::string NumberText(double number) {
  if (std::isnan(number)) return "not a number";
  if (std::isinf(number)) return number > 0 ? "infinite" : "-infinite";
  const double magnitude = std::fabs(number);
  if (magnitude != 0 && (magnitude < kOrdinaryFrom || magnitude >= kOrdinaryBelow)) {
    return absl::StrFormat("%.3g", number);
  }
  if (magnitude >= 999.5) return absl::StrFormat("%.0f", number);
  const double rounded = RoundedTo3Digits(number);
  const int exponent =
      rounded == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::fabs(rounded))));
  std::string text = absl::StrFormat("%.*f", 2 - exponent, rounded);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

std::string DurationText(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) return absl::StrCat("-", DurationText(-duration));
  if (duration == absl::ZeroDuration()) return "0 s";
  const double seconds = absl::ToDoubleSeconds(duration);
  if (RoundedTo3Digits(seconds) >= 60) return TwoUnits(duration);
  if (RoundedTo3Digits(seconds) >= 1) return absl::StrCat(NumberText(seconds), " s");
  static constexpr absl::string_view kUnits[] = {"ns", "µs", "ms", "s"};
  const Scaled scaled = Scale(absl::ToDoubleNanoseconds(duration), 1000, kUnits);
  return absl::StrCat(NumberText(scaled.number), " ", scaled.unit);
}

std::string BitrateText(double bits_per_second) {
  static constexpr absl::string_view kUnits[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
  const Scaled scaled = Scale(bits_per_second, 1000, kUnits);
  return absl::StrCat(NumberText(scaled.number), " ", scaled.unit);
}

std::string PercentText(double ratio) { return absl::StrCat(NumberText(ratio * 100), " %"); }

std::string BytesText(double bytes) {
  static constexpr absl::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (!std::isfinite(bytes)) return absl::StrCat(NumberText(bytes), " B");
  const Scaled scaled = Scale(bytes, 1024, kUnits);
  if (scaled.unit == kUnits[0]) return absl::StrCat(NumberText(scaled.number), " B");
  // One digit after the point says that it is a rounded figure: "8.0 GiB".
  const int digits = std::fabs(scaled.number) < 99.95 ? 1 : 0;
  return absl::StrFormat("%.*f %s", digits, scaled.number, scaled.unit);
}

std::string ToText(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.as_bool() ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(value.as_int());
    case Kind::kUint:
      return absl::StrCat(value.as_uint());
    case Kind::kDouble:
      return NumberText(value.as_double());
    case Kind::kString:
      return std::string(value.as_string());
    case Kind::kBytes:
      return absl::CHexEscape(value.as_bytes());
    case Kind::kDuration:
      return DurationText(value.as_duration());
    case Kind::kTimestamp:
      return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", value.as_timestamp(), absl::UTCTimeZone());
    case Kind::kIp:
      return value.as_ip().Unmapped().ToString();
    case Kind::kCidr:
      return absl::StrCat(value.as_cidr().address.ToString(), "/", value.as_cidr().length);
    case Kind::kList:
      return ListText(value.as_list());
    case Kind::kMap:
      return MapText(value.as_map());
    case Kind::kUnknown:
      return "(not known)";
    case Kind::kError:
      return absl::StrCat("(no value: ", Describe(value.error()), ")");
    case Kind::kNothing:
      break;
  }
  return "";
}

}  // namespace tcpmedic::expr
