// Text for a terminal or a file: escaping, wrapping, aligned tables, colour. Pure. Width counts
// code points, each as one column. Nothing written here ends in a space.
#ifndef TCPMEDIC_CLI_RENDER_TEXT_H_
#define TCPMEDIC_CLI_RENDER_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tcpmedic::cli {

struct Style {
  bool color = false;
  int width = 100;                   // columns; text longer than this is wrapped or cut
  std::string command = "tcpmedic";  // what the reader types to call this program again
  bool next_commands = true;         // suggest what to type; not where nothing would answer it
};

enum class Paint { kPlain, kBold, kDim, kRed, kYellow, kGreen, kCyan };
// `text` unchanged where the style has no colour.
std::string Painted(const Style& style, Paint paint, absl::string_view text);

// Control characters, escapes, invalid UTF-8 and characters that reorder or hide text become \n,
// \x1b, \u202e: text from a process name or a reason cannot act on the terminal.
std::string Escaped(absl::string_view hostile);

// Columns of `text`, which must be free of escapes.
int Columns(absl::string_view text);
// Cut to `columns`, the last one being "…" where something was cut.
std::string Cut(absl::string_view text, int columns);
// Lines of at most `columns`, broken at spaces, within a word only where it is longer than a line.
// At most `max_lines`, the last of which ends in "…" where something is missing. Runs of white
// space count as one space.
std::vector<std::string> Wrap(absl::string_view text, int columns, int max_lines);

// Cells are plain text, escaped here. The last column is cut at the style's width, the others at 44
// columns.
struct Column {
  std::string title{};  // without a title in any column there is no header line
  bool right = false;   // aligned, as numbers are
  bool whole = false;   // never cut: a command to type, an id to copy
};
struct Cell {
  std::string text;
  Paint paint = Paint::kPlain;
};
std::vector<std::string> TableLines(const Style& style, const std::vector<Column>& columns,
                                    const std::vector<std::vector<Cell>>& rows, int indent = 0);

// `lines` beside a margin of this width, with `label` before the first.
constexpr int kLabelColumns = 10;
std::vector<std::string> Labelled(const Style& style, absl::string_view label,
                                  std::vector<std::string> lines);

// Each line with a newline.
std::string Joined(const std::vector<std::string>& lines);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_TEXT_H_
