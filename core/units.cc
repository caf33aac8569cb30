#include "core/units.h"

#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace tcpmedic {
namespace {

struct Unit {
  absl::string_view suffix;  // lower case
  double factor;
};

constexpr Unit kBitRateUnits[] = {{"", 1}, {"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}};
constexpr Unit kByteUnits[] = {{"", 1},       {"b", 1},         {"k", 1e3},      {"kb", 1e3},
                               {"m", 1e6},    {"mb", 1e6},      {"g", 1e9},      {"gb", 1e9},
                               {"kib", 1024}, {"mib", 1 << 20}, {"gib", 1 << 30}};
constexpr Unit kPerSecondUnits[] = {{"", 1}, {"pps", 1}, {"kpps", 1e3}, {"mpps", 1e6}, {"/s", 1}};
constexpr Unit kRatioUnits[] = {{"", 1}, {"%", 0.01}};

// Above this a double no longer counts in ones.
constexpr double kMaxQuantity = 9.0e15;

// A number and one of `units`, with or without a space between.
std::optional<double> ParseQuantity(absl::string_view text, absl::Span<const Unit> units) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  const size_t digits = lower.find_first_not_of("0123456789.");
  const absl::string_view number = absl::string_view(lower).substr(0, digits);
  const absl::string_view suffix =
      digits == std::string::npos
          ? absl::string_view()
          : absl::StripLeadingAsciiWhitespace(absl::string_view(lower).substr(digits));
  double value = 0;
  if (!absl::SimpleAtod(number, &value)) return std::nullopt;
  for (const Unit& unit : units) {
    if (suffix != unit.suffix) continue;
    const double scaled = value * unit.factor;
    if (scaled > kMaxQuantity) return std::nullopt;
    return scaled;
  }
  return std::nullopt;
}

absl::Status NotA(absl::string_view what, absl::string_view text, absl::string_view example) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not ", what, "; write it like ", example));
}

}  // namespace

absl::StatusOr<double> ParseRatio(absl::string_view text) {
  const std::optional<double> ratio = ParseQuantity(text, kRatioUnits);
  if (!ratio.has_value() || *ratio > 1) return NotA("a ratio from 0 to 1", text, "1% or 0.01");
  return *ratio;
}

absl::StatusOr<int64_t> ParseBitRate(absl::string_view text) {
  absl::string_view rate = absl::StripAsciiWhitespace(text);
  if (absl::EndsWithIgnoreCase(rate, "bit/s")) rate.remove_suffix(2);
  const std::optional<double> bits = ParseQuantity(rate, kBitRateUnits);
  if (!bits.has_value()) return NotA("a bit rate", text, "100mbit or 780kbit");
  return std::llround(*bits);
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  const std::optional<double> bytes = ParseQuantity(text, kByteUnits);
  if (!bytes.has_value()) return NotA("a size in bytes", text, "3.7MB or 64KiB");
  return std::llround(*bytes);
}

absl::StatusOr<double> ParsePerSecond(absl::string_view text) {
  const std::optional<double> rate = ParseQuantity(text, kPerSecondUnits);
  if (!rate.has_value()) return NotA("a rate per second", text, "20000pps or 50/s");
  return *rate;
}

}  // namespace tcpmedic
