#include "cli/render/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Text, ControlCharactersBecomeVisible) {
  EXPECT_EQ(Escaped("a\x1b[31mred\x07\r\n\t\x7f"), "a\\x1b[31mred\\x07\\r\\n\\t\\x7f");
}

TEST(Text, CharactersThatReorderOrHideTextBecomeVisible) {
  EXPECT_EQ(Escaped("txt.\u202Eexe\u200B \u009B2J"), "txt.\\u202eexe\\u200b \\u009b2J");
  EXPECT_EQ(Escaped("\U000E0041"), "\\U000e0041");
}

TEST(Text, BytesThatAreNotUtf8BecomeVisible) {
  EXPECT_EQ(Escaped("\xff\xc0\xaf\xed\xa0\x80\xe2\x82"),
            "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82");
}

TEST(Text, OtherScriptsStayAsTheyAre) { EXPECT_EQ(Escaped("Zürich → 東京"), "Zürich → 東京"); }

TEST(Text, ColumnsCountCodePoints) { EXPECT_EQ(Columns("148 µs → ü"), 10); }

TEST(Text, CutMarksWhatIsMissing) {
  EXPECT_EQ(Cut("→→→→", 4), "→→→→");
  EXPECT_EQ(Cut("→→→→", 3), "→→…");
  EXPECT_EQ(Cut("ab cd", 4), "ab…");
}

TEST(Text, WrapKeepsANumberWithItsUnit) {
  EXPECT_THAT(Wrap("delivers no more than 780 kbit/s now", 26, 9),
              ElementsAre("delivers no more than", "780 kbit/s now"));
}

TEST(Text, WrapBreaksAWordThatIsLongerThanALine) {
  EXPECT_THAT(Wrap("a abcdefgh b", 4, 9), ElementsAre("a", "abcd", "efgh", "b"));
}

TEST(Text, WrapSaysThatTextIsMissing) {
  EXPECT_THAT(Wrap("one two three four", 8, 2), ElementsAre("one two", "three …"));
}

TEST(Text, WrapOfNothingIsNothing) { EXPECT_THAT(Wrap(" \n ", 10, 3), IsEmpty()); }

TEST(Text, ATableIsAlignedAndCutAtTheWidth) {
  const std::vector<std::string> lines =
      TableLines({.width = 30}, {{"NAME"}, {"N", true}, {"TEXT"}},
                 {{{"a"}, {"1"}, {"short"}}, {{"longer"}, {"1,000"}, {"far too long for it"}}}, 2);
  EXPECT_THAT(lines, ElementsAre("  NAME        N  TEXT",   //
                                 "  a           1  short",  //
                                 "  longer  1,000  far too long…"));
}

TEST(Text, ACommandToTypeIsNeverCut) {
  const std::string command(60, 'c');
  EXPECT_THAT(TableLines({}, {{}, {}}, {{{command}, {"x"}}}),
              ElementsAre(std::string(43, 'c') + "…  x"));
  EXPECT_THAT(TableLines({}, {{.whole = true}, {}}, {{{command}, {"x"}}}),
              ElementsAre(command + "  x"));
}

TEST(Text, AnEmptyLastCellLeavesNoTrailingSpace) {
  EXPECT_THAT(TableLines({}, {{}, {}}, {{{"a"}, {"b"}}, {{"long"}, {""}}}),
              ElementsAre("a     b", "long"));
}

TEST(Text, ColourStaysOutsideTheAlignment) {
  EXPECT_THAT(TableLines({.color = true}, {{}, {}}, {{{"a", Paint::kDim}, {"b"}}, {{"cc"}, {"d"}}}),
              ElementsAre("\x1b[2ma\x1b[0m   b", "cc  d"));
}

}  // namespace
}  // namespace tcpmedic::cli
