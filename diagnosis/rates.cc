#include "diagnosis/rates.h"

#include "diagnosis/full_span.h"

namespace tcpmedic {

void WindowedCounter::Add(std::optional<int64_t> value, absl::Duration uptime) {
  present_ = value.has_value();
  if (!present_) return;
  if (!readings_.empty() && *value < readings_.back().value) readings_.clear();

  const size_t size = readings_.size();
  if (size >= 2 &&
      readings_[size - 1].uptime - readings_[size - 2].uptime < window_ / (kMaxReadings - 3)) {
    readings_.pop_back();
  }
  readings_.push_back({*value, uptime});
  while (readings_.size() > 2 && IsFull(uptime - readings_[1].uptime, window_)) {
    readings_.pop_front();
  }
}

std::optional<WindowedCounter::Increase> WindowedCounter::OverWindow() const {
  if (!present_ || readings_.size() < 2) return std::nullopt;
  const Increase increase{readings_.back().value - readings_.front().value,
                          readings_.back().uptime - readings_.front().uptime};
  if (!IsFull(increase.span, window_)) return std::nullopt;
  return increase;
}

}  // namespace tcpmedic
