#include "scan/trend.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kSpacing = absl::Seconds(5);
constexpr absl::Duration kKept = absl::Minutes(5);
// Below this a single page fault would look like a leak.
constexpr absl::Duration kShortestSpan = absl::Seconds(10);

}  // namespace

void Trend::Add(absl::Duration uptime, double value) {
  if (!readings_.empty() && uptime - readings_.back().first < kSpacing) return;
  readings_.emplace_back(uptime, value);
  while (uptime - readings_.front().first > kKept) readings_.pop_front();
}

absl::Duration Trend::span() const {
  return readings_.empty() ? absl::ZeroDuration()
                           : readings_.back().first - readings_.front().first;
}

std::optional<double> Trend::PerMinute() const {
  if (span() < kShortestSpan) return std::nullopt;
  const double count = static_cast<double>(readings_.size());
  const auto minutes_of = [&](const auto& reading) {
    return absl::FDivDuration(reading.first - readings_.front().first, absl::Minutes(1));
  };
  double mean_minutes = 0;
  double mean_value = 0;
  for (const auto& reading : readings_) {
    mean_minutes += minutes_of(reading) / count;
    mean_value += reading.second / count;
  }
  double covariance = 0;
  double variance = 0;
  for (const auto& reading : readings_) {
    const double from_mean = minutes_of(reading) - mean_minutes;
    covariance += from_mean * (reading.second - mean_value);
    variance += from_mean * from_mean;
  }
  return covariance / variance;
}

}  // namespace tcpmedic
