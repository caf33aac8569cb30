#include "cli/diagnose/reading_progress.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/render/chart.h"
#include "cli/render/quantity.h"

namespace tcpmedic::cli {
namespace {

// What is over sooner needs no bar.
constexpr absl::Duration kQuiet = absl::Seconds(1);
constexpr absl::Duration kBetweenDraws = absl::Milliseconds(100);
constexpr int kBarColumns = 20;

}  // namespace

ReadingProgress::ReadingProgress(const Style& style, bool terminal)
    : progress_(style, terminal), terminal_(terminal) {}

void ReadingProgress::Begin(absl::string_view input, std::optional<int64_t> total_bytes) {
  input_ = std::string(input);
  total_bytes_ = total_bytes;
  began_ = absl::Now();
  drawn_at_ = began_;
  shown_ = false;
}

void ReadingProgress::Read(int64_t bytes) {
  if (!terminal_) return;
  const absl::Time now = absl::Now();
  if (now - drawn_at_ < kBetweenDraws || now - began_ < kQuiet) return;
  drawn_at_ = now;
  if (!shown_) progress_.Step(absl::StrCat("reading ", Escaped(input_)));
  shown_ = true;
  progress_.Detail(ProgressText(bytes, total_bytes_, now - began_));
}

void ReadingProgress::End() {
  if (shown_) progress_.Done();
  shown_ = false;
}

std::string ProgressText(int64_t bytes, std::optional<int64_t> total_bytes, absl::Duration taken) {
  const double seconds = absl::ToDoubleSeconds(taken);
  const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  std::string text;
  if (total_bytes && *total_bytes > 0) {
    const double ratio =
        std::min(static_cast<double>(bytes) / static_cast<double>(*total_bytes), 1.0);
    absl::StrAppend(&text, BarText(ratio, 1), "  ", std::floor(ratio * 100), " % of ",
                    BytesText(static_cast<double>(*total_bytes)));
  } else {
    absl::StrAppend(&text, BytesText(static_cast<double>(bytes)));
  }
  if (rate > 0) absl::StrAppend(&text, ", ", BytesText(rate), "/s");
  if (total_bytes && rate > 0 && *total_bytes > bytes) {
    const double left = static_cast<double>(*total_bytes - bytes) / rate;
    absl::StrAppend(&text, ", ", DurationText(absl::Seconds(std::ceil(left))), " left");
  }
  return text;
}

std::string BarText(double done, double total) {
  std::string bar = Bar(done, total, kBarColumns);
  for (int i = Columns(bar); i < kBarColumns; ++i) bar += '.';
  return bar;
}

}  // namespace tcpmedic::cli
