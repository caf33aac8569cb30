#include "observe/recorded/unread_runs.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxExcerptBytes = 80;

std::string Excerpt(absl::string_view text) {
  std::string excerpt = Printable(absl::StripAsciiWhitespace(text).substr(0, 4 * kMaxExcerptBytes));
  if (excerpt.size() <= kMaxExcerptBytes) return excerpt;
  size_t end = kMaxExcerptBytes - 3;  // for "…"
  while (end > 0 && (static_cast<unsigned char>(excerpt[end]) & 0xc0) == 0x80) --end;
  excerpt.resize(end);
  return absl::StrCat(excerpt, "…");
}

}  // namespace

UnreadRuns::~UnreadRuns() {
  if (run_.has_value()) sink_->OnUnread(*run_);
}

void UnreadRuns::Add(int64_t line, absl::string_view reason, absl::string_view text, bool binary) {
  ++added_;
  if (run_.has_value() && (runs_ >= kMaxRuns || run_->reason == reason)) {
    ++run_->lines;
    return;
  }
  End();
  ++runs_;
  run_ = Unread{Place{input_, line},
                runs_ < kMaxRuns ? std::string(reason) : "further lines, for various reasons",
                binary ? std::string() : Excerpt(text)};
}

void UnreadRuns::End() {
  if (!run_.has_value()) return;
  // The last one stays open: it takes in all that follow.
  if (runs_ >= kMaxRuns) return;
  sink_->OnUnread(*run_);
  run_.reset();
}

}  // namespace tcpmedic
