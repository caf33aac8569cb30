#include "cli/render/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace tcpmedic::cli {
namespace {

// Between two columns of a table.
constexpr int kGap = 2;
// No column but the last takes more than this: one long name must not push the others off the
// screen.
constexpr int kMaxColumn = 44;
// Where the others leave less for the last column, the line is longer than the width instead.
constexpr int kMinLastColumn = 12;

struct CodePoint {
  uint32_t value = 0;
  int bytes = 0;  // 0: not UTF-8 here
};

// Decodes at the start of `text`, which is not empty. Overlong forms, surrogates and cut sequences
// are not UTF-8.
CodePoint Decode(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const int bytes = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : byte(0) >= 0xc2 ? 2 : 0;
  if (bytes == 0 || byte(0) > 0xf4 || text.size() < static_cast<size_t>(bytes)) return {};
  uint32_t value = byte(0) & (0xff >> (bytes + 1));
  for (int i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, bytes};
}

// What a terminal obeys rather than shows, or shows as nothing, or reorders.
bool IsInvisible(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe0fff);
}

std::string EscapeOf(uint32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  if (c == '\r') return "\\r";
  if (c < 0x80) return absl::StrFormat("\\x%02x", c);
  return c > 0xffff ? absl::StrFormat("\\U%08x", c) : absl::StrFormat("\\u%04x", c);
}

// The bytes that the first `columns` columns take.
size_t BytesOf(absl::string_view text, int columns) {
  size_t at = 0;
  for (int seen = 0; at < text.size() && seen < columns; ++seen) {
    at += std::max(1, Decode(text.substr(at)).bytes);
  }
  return at;
}

bool IsUnit(absl::string_view word) {
  const absl::string_view bare = absl::string_view(word).substr(0, word.find_first_of(".,;:)"));
  constexpr absl::string_view kUnits[] = {"%",      "ns",    "µs",  "us",    "ms",     "s",
                                          "m",      "h",     "d",   "bit/s", "kbit/s", "Mbit/s",
                                          "Gbit/s", "bytes", "KiB", "MiB",   "GiB",    "segments"};
  return std::find(std::begin(kUnits), std::end(kUnits), bare) != std::end(kUnits);
}

// Words as a person reads them: "148 ms" is one, so that no line ends between a number and its
// unit.
std::vector<std::string> Words(absl::string_view text) {
  std::vector<std::string> words;
  for (const absl::string_view raw :
       absl::StrSplit(text, absl::ByAnyChar(" \t\r\n\v\f"), absl::SkipEmpty())) {
    std::string word = Escaped(raw);
    if (!words.empty() && absl::ascii_isdigit(words.back().back()) && IsUnit(word)) {
      absl::StrAppend(&words.back(), " ", word);
    } else {
      words.push_back(std::move(word));
    }
  }
  return words;
}

}  // namespace

std::string Painted(const Style& style, Paint paint, absl::string_view text) {
  if (!style.color || paint == Paint::kPlain || text.empty()) return std::string(text);
  const char* code = "";
  switch (paint) {
    case Paint::kPlain:
      break;
    case Paint::kBold:
      code = "1";
      break;
    case Paint::kDim:
      code = "2";
      break;
    case Paint::kRed:
      code = "1;31";
      break;
    case Paint::kYellow:
      code = "33";
      break;
    case Paint::kGreen:
      code = "32";
      break;
    case Paint::kCyan:
      code = "36";
      break;
  }
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

std::string Escaped(absl::string_view hostile) {
  std::string safe;
  for (size_t at = 0; at < hostile.size();) {
    const CodePoint point = Decode(hostile.substr(at));
    if (point.bytes == 0) {
      absl::StrAppendFormat(&safe, "\\x%02x", static_cast<uint8_t>(hostile[at]));
      at += 1;
      continue;
    }
    const absl::string_view bytes = hostile.substr(at, point.bytes);
    absl::StrAppend(&safe, IsInvisible(point.value) ? EscapeOf(point.value) : std::string(bytes));
    at += point.bytes;
  }
  return safe;
}

int Columns(absl::string_view text) {
  int columns = 0;
  for (size_t at = 0; at < text.size(); ++columns) {
    at += std::max(1, Decode(text.substr(at)).bytes);
  }
  return columns;
}

std::string Cut(absl::string_view text, int columns) {
  if (Columns(text) <= columns) return std::string(text);
  if (columns < 1) return "";
  const absl::string_view kept = text.substr(0, BytesOf(text, columns - 1));
  return absl::StrCat(absl::StripTrailingAsciiWhitespace(kept), "…");
}

std::vector<std::string> Wrap(absl::string_view text, int columns, int max_lines) {
  std::vector<std::string> lines;
  for (std::string& word : Words(text)) {
    const bool joins = !lines.empty() && Columns(lines.back()) + 1 + Columns(word) <= columns;
    if (joins) {
      absl::StrAppend(&lines.back(), " ", word);
      continue;
    }
    while (Columns(word) > columns) {
      const size_t fits = BytesOf(word, columns);
      lines.push_back(word.substr(0, fits));
      word.erase(0, fits);
    }
    lines.push_back(std::move(word));
  }
  if (static_cast<int>(lines.size()) > max_lines) {
    lines.resize(max_lines);
    if (!lines.empty()) lines.back() = Cut(absl::StrCat(lines.back(), " …"), columns);
  }
  return lines;
}

std::vector<std::string> TableLines(const Style& style, const std::vector<Column>& columns,
                                    const std::vector<std::vector<Cell>>& rows, int indent) {
  std::vector<std::vector<Cell>> grid;
  std::vector<Cell> titles;
  bool titled = false;
  for (const Column& column : columns) {
    titles.push_back({column.title, Paint::kDim});
    titled = titled || !column.title.empty();
  }
  if (titled) grid.push_back(std::move(titles));
  for (const std::vector<Cell>& row : rows) {
    grid.push_back(row);
    for (Cell& cell : grid.back()) cell.text = Escaped(absl::StripAsciiWhitespace(cell.text));
  }

  std::vector<int> widths(columns.size(), 0);
  for (std::vector<Cell>& row : grid) {
    row.resize(columns.size());
    for (size_t i = 0; i < row.size(); ++i) {
      if (i + 1 < row.size() && !columns[i].whole) row[i].text = Cut(row[i].text, kMaxColumn);
      widths[i] = std::max(widths[i], Columns(row[i].text));
    }
  }
  int before_last = indent;
  for (size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + kGap;
  if (!widths.empty()) {
    widths.back() = std::min(widths.back(), std::max(style.width - before_last, kMinLastColumn));
  }

  std::vector<std::string> lines;
  for (const std::vector<Cell>& row : grid) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string text = Cut(row[i].text, widths[i]);
      const std::string padding(widths[i] - Columns(text), ' ');
      if (i > 0) line.append(kGap, ' ');
      if (columns[i].right) line.append(padding);
      line.append(Painted(style, row[i].paint, text));
      if (!columns[i].right) line.append(padding);
    }
    lines.emplace_back(absl::StripTrailingAsciiWhitespace(line));
  }
  return lines;
}

std::vector<std::string> Labelled(const Style& style, absl::string_view label,
                                  std::vector<std::string> lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const absl::string_view shown = i == 0 ? label : "";
    const std::string padding(std::max(kLabelColumns - Columns(shown), 0), ' ');
    lines[i] = absl::StrCat(Painted(style, Paint::kBold, shown), padding, lines[i]);
  }
  return lines;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

}  // namespace tcpmedic::cli
