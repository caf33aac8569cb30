#include "cli/progress.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace tcpmedic::cli {
namespace {

constexpr char kRewriteLine[] = "\r\x1b[K";

}  // namespace

Progress::Progress(const Style& style, bool terminal) : style_(style), terminal_(terminal) {}

Progress::~Progress() { Done(); }

void Progress::Step(absl::string_view text) {
  Done();
  step_ = std::string(text);
  step_began_ = absl::Now();
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", step_.c_str());
    return;
  }
  Draw();
}

void Progress::Detail(absl::string_view text) {
  detail_ = std::string(text);
  if (terminal_) Draw();
}

void Progress::Done() { End(Paint::kGreen, "✓"); }

void Progress::Failed() { End(Paint::kRed, "✗"); }

void Progress::End(Paint paint, absl::string_view mark) {
  if (terminal_ && !step_.empty()) {
    const std::string took =
        absl::StrFormat("%.1f s", absl::ToDoubleSeconds(absl::Now() - step_began_));
    std::fprintf(stderr, "%s%s %s %s\n", kRewriteLine, Painted(style_, paint, mark).c_str(),
                 step_.c_str(), Painted(style_, Paint::kDim, took).c_str());
  }
  step_.clear();
  detail_.clear();
}

void Progress::Draw() {
  const int room = style_.width - Columns(step_) - 8;
  std::string line = absl::StrCat("… ", step_);
  if (!detail_.empty() && room > 0) {
    absl::StrAppend(&line, "  ", Painted(style_, Paint::kDim, Cut(detail_, room)));
  }
  std::fprintf(stderr, "%s%s", kRewriteLine, line.c_str());
  std::fflush(stderr);
}

}  // namespace tcpmedic::cli
