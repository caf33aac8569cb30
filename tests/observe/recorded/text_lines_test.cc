#include "observe/recorded/text_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

// "1 text", "2 binary", "3 text (+5)".
std::vector<std::string> LinesOf(absl::string_view start, absl::string_view text) {
  FILE* const file = tmpfile();
  fwrite(text.data(), 1, text.size(), file);
  rewind(file);
  TextLines lines(fileno(file), start, "in");
  std::vector<std::string> result;
  TextLine line;
  while (true) {
    const absl::StatusOr<bool> more = lines.Next(&line);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    std::string shown = absl::StrCat(line.number, " ", line.binary ? "binary" : line.text);
    if (line.dropped_bytes > 0) absl::StrAppend(&shown, " (+", line.dropped_bytes, ")");
    result.push_back(shown);
  }
  EXPECT_EQ(lines.bytes_read(), static_cast<int64_t>(start.size() + text.size()));
  fclose(file);
  return result;
}

TEST(TextLines, EndsAreTakenOffAndALastLineNeedsNone) {
  EXPECT_THAT(LinesOf("", "a\nb\r\n\nlast"), ElementsAre("1 a", "2 b", "3 ", "4 last"));
  EXPECT_THAT(LinesOf("", ""), ElementsAre());
  EXPECT_THAT(LinesOf("", "\n"), ElementsAre("1 "));
}

TEST(TextLines, WhatWasReadBeforeComesFirst) {
  EXPECT_THAT(LinesOf("a\nb", "c\nd"), ElementsAre("1 a", "2 bc", "3 d"));
}

TEST(TextLines, ATerminalsEscapesAndAByteOrderMarkAreNoText) {
  EXPECT_THAT(
      LinesOf("", "\xef\xbb\xbf\x1b[01;32mroot@host\x1b[00m:\x1b]0;title\a~# ss \x1b(B-s\n"),
      ElementsAre("1 root@host:~# ss -s"));
  EXPECT_THAT(LinesOf("", "cut \x1b[31\n"), ElementsAre("1 cut "));
}

TEST(TextLines, OfALongLineTheStartIsKeptAndTheNextLineIsWhole) {
  const std::string text = absl::StrCat(std::string(kMaxLineBytes + 100'000, 'x'), "\nnext\n");
  EXPECT_THAT(
      LinesOf("", text),
      ElementsAre(absl::StrCat("1 ", std::string(kMaxLineBytes, 'x'), " (+100000)"), "2 next"));
}

TEST(TextLines, BinaryLinesAreMarked) {
  using std::string_literals::operator""s;
  EXPECT_THAT(LinesOf("", "text\n\0\1\2\nbell \a in a line of words\n"s),
              ElementsAre("1 text", "2 binary", "3 bell \a in a line of words"));
}

}  // namespace
}  // namespace tcpmedic
