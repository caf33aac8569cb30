#include "core/issue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

// YAML folds a long expression into one line; a terminal shows a part of that better than all.
constexpr size_t kMaxLineBytes = 120;
constexpr size_t kBytesBeforeThePlace = 50;

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The nearest beginning of a UTF-8 character at or before `offset`.
size_t CharacterStart(absl::string_view text, size_t offset) {
  while (offset > 0 && offset < text.size() && ContinuesCharacter(text[offset])) --offset;
  return offset;
}

struct Excerpt {
  std::string line;
  size_t begin;  // of the place, in `line`
};

Excerpt ExcerptAround(absl::string_view line, size_t begin) {
  if (line.size() <= kMaxLineBytes) return {std::string(line), begin};
  size_t from = begin < kBytesBeforeThePlace ? 0 : begin - kBytesBeforeThePlace;
  from = CharacterStart(line, std::min(from, line.size() - kMaxLineBytes));
  const size_t to = CharacterStart(line, std::min(from + kMaxLineBytes, line.size()));
  const absl::string_view before = from > 0 ? "…" : "";
  return {absl::StrCat(before, line.substr(from, to - from), to < line.size() ? "…" : ""),
          begin - from + before.size()};
}

// One blank per character before the place, tabs kept, so that the caret stands under it in any
// terminal.
std::string Underline(absl::string_view line, size_t begin, size_t length) {
  std::string underline;
  for (const char c : line.substr(0, begin)) {
    if (!ContinuesCharacter(c)) underline += c == '\t' ? '\t' : ' ';
  }
  underline += '^';
  bool first = true;
  for (const char c : line.substr(begin, length)) {
    if (!ContinuesCharacter(c) && !std::exchange(first, false)) underline += '~';
  }
  return underline;
}

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      current[j] =
          std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

}  // namespace

std::string Format(const Issue& issue) {
  std::string text;
  if (!issue.file.empty()) absl::StrAppend(&text, issue.file, ":");
  if (issue.position.line > 0) {
    absl::StrAppend(&text, issue.position.line, ":", issue.position.column, ":");
  }
  absl::StrAppend(&text, text.empty() ? "" : " ", issue.message, "\n");
  if (issue.position.line > 0 && issue.position.column > 0 && !issue.line.empty()) {
    const size_t begin = std::min<size_t>(issue.position.column - 1, issue.line.size());
    const Excerpt excerpt = ExcerptAround(issue.line, begin);
    absl::StrAppend(&text, "  ", excerpt.line, "\n  ",
                    Underline(excerpt.line, excerpt.begin, std::max(issue.length, 1)), "\n");
  }
  if (!issue.hint.empty()) absl::StrAppend(&text, "  ", issue.hint, "\n");
  return text;
}

std::string Format(absl::Span<const Issue> issues) {
  std::string text;
  for (const Issue& issue : issues) absl::StrAppend(&text, Format(issue));
  return text;
}

std::string NearestName(absl::string_view name, absl::Span<const std::string> candidates) {
  const size_t limit = name.size() / 3;
  const std::string* nearest = nullptr;
  size_t nearest_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const size_t shorter = std::min(name.size(), candidate.size());
    if (std::max(name.size(), candidate.size()) - shorter >= nearest_distance) continue;
    const size_t distance = Distance(name, candidate);
    if (distance < nearest_distance) {
      nearest = &candidate;
      nearest_distance = distance;
    }
  }
  return nearest == nullptr ? "" : *nearest;
}

}  // namespace tcpmedic
