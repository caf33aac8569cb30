#include "core/expr/source.h"

#include <algorithm>
#include <utility>

namespace tcpmedic::expr {

Issue Source::IssueAt(Span span, std::string message, std::string hint) const {
  const absl::string_view before = text_.substr(0, span.begin);
  const size_t newline = before.rfind('\n');
  const size_t line_begin = newline == absl::string_view::npos ? 0 : newline + 1;
  const size_t line_end = std::min(text_.find('\n', line_begin), text_.size());

  Issue issue;
  issue.position.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  issue.position.column = 1 + span.begin - static_cast<int>(line_begin);
  issue.length = std::max(1, std::min(span.end, static_cast<int>(line_end)) - span.begin);
  issue.message = std::move(message);
  issue.hint = std::move(hint);
  issue.line = std::string(text_.substr(line_begin, line_end - line_begin));
  return issue;
}

void Mistakes::Add(Span span, std::string message, std::string hint) {
  found_.push_back({span, std::move(message), std::move(hint)});
}

void Mistakes::AppendTo(std::vector<Issue>* issues) const {
  std::vector<Mistake> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Mistake& a, const Mistake& b) { return a.span.begin < b.span.begin; });
  if (sorted.size() > kMax) sorted.resize(kMax);
  for (Mistake& mistake : sorted) {
    issues->push_back(
        source_.IssueAt(mistake.span, std::move(mistake.message), std::move(mistake.hint)));
  }
}

}  // namespace tcpmedic::expr
