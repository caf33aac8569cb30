#include "controller/policy/yaml_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// "3:7 length 2: the line": where an Issue points, and at what.
std::string Where(const Issue& issue) {
  return absl::StrCat(issue.position.line, ":", issue.position.column, " '",
                      issue.line.substr(issue.position.column - 1, issue.length), "'");
}

// Where `word`, found in the scalar that field `a` holds, stands in the file.
std::string WhereIs(const std::string& word, const std::string& yaml) {
  std::vector<Issue> issues;
  const YamlFile file("f.yaml", yaml, &issues);
  EXPECT_THAT(issues, IsEmpty());
  const YamlNode& scalar = *file.documents().at(0).Find("a");
  const size_t at = scalar.text.find(word);
  EXPECT_NE(at, std::string::npos) << scalar.text;
  Issue within;
  const std::string before = scalar.text.substr(0, at);
  within.position.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  within.position.column = static_cast<int>(at - (before.rfind('\n') + 1)) + 1;
  within.length = static_cast<int>(word.size());
  return Where(file.IssueWithin(scalar, within));
}

TEST(YamlFile, FindsWordsInPlainAndQuotedScalars) {
  EXPECT_EQ(WhereIs("bar", "# c\na: foo bar\n"), "2:8 'bar'");
  EXPECT_EQ(WhereIs("bar", "a: 'it''s bar'\n"), "1:11 'bar'");
  EXPECT_EQ(WhereIs("bar", "a: \"tab\\there \\u00e9 \\x41 bar\"\n"), "1:27 'bar'");
  EXPECT_EQ(WhereIs("bar", "x: {k: v}\na: é bar\n"), "2:7 'bar'");
}

TEST(YamlFile, FindsWordsInScalarsOverSeveralLines) {
  EXPECT_EQ(WhereIs("bar", "a: foo\n  more\n\n  then bar\n"), "4:8 'bar'");
  EXPECT_EQ(WhereIs("bar", "a: 'foo\n  then bar'\n"), "2:8 'bar'");
}

TEST(YamlFile, FindsWordsInBlockScalars) {
  EXPECT_EQ(WhereIs("bar", "a: >\n    foo &&\n    more && bar\n"), "3:13 'bar'");
  EXPECT_EQ(WhereIs("bar", "a: >-  # folded\n    foo\n\n    bar\n"), "4:5 'bar'");
  EXPECT_EQ(WhereIs("bar", "a: |\n    foo\n      bar\n"), "3:7 'bar'");
}

TEST(YamlFile, FindsTheSecondOfTwoEqualWords) {
  EXPECT_EQ(WhereIs("x == 2", "a: >\n    x == 1 &&\n    x == 2\n"), "3:5 'x == 2'");
}

TEST(YamlFile, UnderlinesAtMostTheLine) {
  EXPECT_EQ(WhereIs("foo && bar", "a: >\n    foo &&\n    bar\n"), "2:5 'foo &&'");
}

TEST(YamlFile, KeepsEachDocumentAndDropsEmptyOnes) {
  std::vector<Issue> issues;
  const YamlFile file("f.yaml", "a: 1\n---\n# nothing\n---\nb: [x, y]\n", &issues);
  EXPECT_THAT(issues, IsEmpty());
  ASSERT_THAT(file.documents(), SizeIs(2));
  EXPECT_EQ(file.documents()[0].Find("a")->text, "1");
  EXPECT_THAT(file.documents()[1].Find("b")->items, SizeIs(2));
  EXPECT_EQ(file.documents()[1].Find("a"), nullptr);
}

TEST(YamlFile, EmptyTextIsNoDocument) {
  std::vector<Issue> issues;
  EXPECT_THAT(YamlFile("f.yaml", "", &issues).documents(), IsEmpty());
  EXPECT_THAT(issues, IsEmpty());
}

std::vector<std::string> MistakesIn(const std::string& yaml) {
  std::vector<Issue> issues;
  const YamlFile file("f.yaml", yaml, &issues);
  std::vector<std::string> lines;
  for (const Issue& issue : issues) lines.push_back(absl::StrCat(Where(issue), " ", issue.message));
  return lines;
}

TEST(YamlFile, RefusesWhatCouldGrowOrHide) {
  EXPECT_THAT(MistakesIn("a: &x 1\nb: *x\n"), ElementsAre("2:4 '*' aliases are not used here"));
  EXPECT_THAT(MistakesIn("a: !!int 1\n"), ElementsAre("1:4 '!' tags are not used here"));
  EXPECT_THAT(MistakesIn("a: 1\nb: 2\na: 3\n"), ElementsAre("3:1 'a' field 'a' is given twice"));
  EXPECT_THAT(MistakesIn("[a, b]: 3\n"), ElementsAre("1:1 '[' a field's name must be a word"));
  // yaml-cpp would take it for the end of the file.
  EXPECT_THAT(MistakesIn("a: 1\n\x04\nb: {\n"),
              ElementsAre("2:1 '\x04' the file holds a control character"));
}

TEST(YamlFile, KeepsTheDocumentsBeforeASyntaxError) {
  std::vector<Issue> issues;
  const YamlFile file("f.yaml", "a: 1\n---\nb: [1, 2\nc: 3\n", &issues);
  EXPECT_THAT(file.documents(), SizeIs(1));
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].file, "f.yaml");
  EXPECT_GE(issues[0].position.line, 3);
}

TEST(YamlFile, MoreNodesThanTheBoundAreRefused) {
  std::string list = "a: [x";
  for (int i = 0; i < YamlFile::kMaxNodes; ++i) list += ",x";
  EXPECT_THAT(MistakesIn(list + "]\n"),
              ElementsAre(HasSubstr("not readable as YAML: more than 20000 values")));
}

TEST(YamlFile, NestingWithoutEndIsAMistakeNotACrash) {
  EXPECT_THAT(MistakesIn(std::string(100'000, '[')), SizeIs(1));
}

}  // namespace
}  // namespace tcpmedic
