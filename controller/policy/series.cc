#include "controller/policy/series.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

// A number, or a duration where there is a unit of time.
std::optional<double> ParseAmount(absl::string_view text, absl::Duration unit) {
  double number = 0;
  if (unit == absl::ZeroDuration()) {
    return absl::SimpleAtod(text, &number) && number >= 0 ? std::optional(number) : std::nullopt;
  }
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration()) return std::nullopt;
  return absl::FDivDuration(duration, unit);
}

}  // namespace

double Series::At(absl::Duration since_start) const {
  const absl::Duration growing = std::clamp(since_start, from, std::max(from, to)) - from;
  return start + per_second * absl::ToDoubleSeconds(growing);
}

std::optional<Series> ParseSeries(absl::string_view text, absl::Duration unit) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  if (words.size() != 1 && words.size() != 2 && words.size() != 6) return std::nullopt;
  Series series;
  const std::optional<double> start = ParseAmount(words[0], unit);
  if (!start.has_value()) return std::nullopt;
  series.start = *start;
  if (words.size() == 1) return series;

  absl::string_view step = words[1];
  if (!absl::ConsumePrefix(&step, "+") || !absl::ConsumeSuffix(&step, "/s")) return std::nullopt;
  const std::optional<double> per_second = ParseAmount(step, unit);
  if (!per_second.has_value()) return std::nullopt;
  series.per_second = *per_second;
  if (words.size() == 2) return series;

  if (words[2] != "from" || words[4] != "to" || !absl::ParseDuration(words[3], &series.from) ||
      !absl::ParseDuration(words[5], &series.to) || series.from < absl::ZeroDuration() ||
      series.to < series.from) {
    return std::nullopt;
  }
  return series;
}

}  // namespace tcpmedic
