#include "observe/recorded/quantity.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

// 1000 to the power of the prefix; 0: not one.
double Factor(char prefix) {
  switch (absl::ascii_toupper(prefix)) {
    case 'K':
      return 1e3;
    case 'M':
      return 1e6;
    case 'G':
      return 1e9;
    case 'T':
      return 1e12;
    default:
      return 0;
  }
}

}  // namespace

std::optional<Quantity> ParseQuantity(absl::string_view text) {
  Quantity quantity;
  double factor = 1;
  if (text.size() > 1 && (text.back() == 'B' || text.back() == 'b') &&
      Factor(text[text.size() - 2]) != 0) {
    text.remove_suffix(1);
  }
  if (!text.empty() && Factor(text.back()) != 0) {
    factor = Factor(text.back());
    quantity.shortened = true;
    text.remove_suffix(1);
  }
  // SimpleAtod also takes blanks, signs, "inf" and "nan". printf's %g writes "1.2e+07".
  const auto belongs = [](char c) {
    return absl::ascii_isdigit(c) || c == '.' || c == 'e' || c == '+' || c == '-';
  };
  if (text.empty() || !absl::ascii_isdigit(text.front()) ||
      !std::all_of(text.begin(), text.end(), belongs) || !absl::SimpleAtod(text, &quantity.value) ||
      !std::isfinite(quantity.value)) {
    return std::nullopt;
  }
  quantity.value *= factor;
  return quantity;
}

std::optional<Quantity> ParseBitsPerSecond(absl::string_view text) {
  if (!absl::ConsumeSuffix(&text, "bps") && !absl::ConsumeSuffix(&text, "bit/s")) {
    return std::nullopt;
  }
  return ParseQuantity(text);
}

}  // namespace tcpmedic
