#include "observe/printable.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(Printable, KeepsTextAndReplacesWhatDrivesATerminalOrIsNotUtf8) {
  const struct {
    const char* name;
    absl::string_view given;
    const char* printed;
  } kCases[] = {
      {"empty", "", ""},
      {"ascii", "nginx: worker (2) ~", "nginx: worker (2) ~"},
      {"utf-8", "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\xa7",
       "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\xa7"},
      {"escape", "\x1b[2Jx", "?[2Jx"},
      {"newline, tab, delete", "a\nb\tc\x7f", "a?b?c?"},
      {"nul", absl::string_view("a\0b", 3), "a?b"},
      {"C1 control",
       "a\xc2\x9b"
       "b",
       "a?b"},
      {"no-break space is not a control",
       "a\xc2\xa0"
       "b",
       "a\xc2\xa0"
       "b"},
      {"lone continuation", "a\x80z", "a?z"},
      {"cut sequence", "a\xe2\x82", "a??"},
      {"cut, then text", "\xe2\x82z", "??z"},
      {"overlong slash", "\xc0\xaf", "??"},
      {"overlong in three", "\xe0\x80\xaf", "???"},
      {"surrogate", "\xed\xa0\x80", "???"},
      {"past U+10FFFF", "\xf4\x90\x80\x80", "????"},
      {"no such lead", "\xff\xfe", "??"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Printable(c.given), c.printed) << c.name;
}

}  // namespace
}  // namespace tcpmedic
