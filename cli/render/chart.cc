#include "cli/render/chart.h"

#include <algorithm>
#include <cmath>

namespace tcpmedic::cli {
namespace {

constexpr int kEighths = 8;
// By how many eighths of a column are filled, from the left and from below.
constexpr const char* kFromLeft[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
constexpr const char* kFromBelow[] = {"▁", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr char kMissing[] = "·";

std::optional<double> Known(std::optional<double> value) {
  return value.has_value() && std::isfinite(*value) && *value >= 0 ? value : std::nullopt;
}

// How many of `whole` steps `value` is, of which `full` has all; something is never no step.
int StepsOf(double value, double full, int whole) {
  if (value <= 0 || full <= 0) return 0;
  return static_cast<int>(std::clamp<double>(std::round(value / full * whole), 1, whole));
}

}  // namespace

std::string Bar(std::optional<double> value, double full, int columns) {
  const int eighths = StepsOf(Known(value).value_or(0), full, std::max(columns, 0) * kEighths);
  std::string bar;
  for (int i = 0; i < eighths / kEighths; ++i) bar += kFromLeft[kEighths];
  return bar + kFromLeft[eighths % kEighths];
}

Sparkline DrawCourse(const std::vector<CoursePoint>& points, std::optional<absl::Time> moment,
                     int columns) {
  Sparkline drawn;
  const size_t width = std::min(points.size(), static_cast<size_t>(std::max(columns, 0)));
  if (width == 0) return drawn;
  std::vector<std::optional<double>> means;
  for (size_t column = 0; column < width; ++column) {
    const size_t end = (column + 1) * points.size() / width;
    double sum = 0;
    int known = 0;
    for (size_t i = column * points.size() / width; i < end; ++i) {
      const std::optional<double> value = Known(points[i].value);
      if (!value.has_value()) continue;
      sum += *value;
      ++known;
    }
    means.push_back(known == 0 ? std::nullopt : std::optional<double>(sum / known));
    const bool begins_before = moment.has_value() && points.front().at <= *moment;
    if (begins_before && !drawn.mark.has_value() && points[end - 1].at > *moment) {
      drawn.mark = static_cast<int>(column);
    }
  }
  double most = 0;
  for (const std::optional<double>& mean : means) most = std::max(most, mean.value_or(0));
  for (const std::optional<double>& mean : means) {
    drawn.course += mean.has_value() ? kFromBelow[StepsOf(*mean, most, kEighths)] : kMissing;
  }
  drawn.columns = static_cast<int>(width);
  return drawn;
}

}  // namespace tcpmedic::cli
