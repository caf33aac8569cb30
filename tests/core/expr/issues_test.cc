// What a person reads who made a mistake. tests/data/expr/*.txt holds expressions, each followed by
// ---- and its issues, separated by ====. UPDATE_GOLDEN=1 rewrites the issues.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/expr/expression.h"
#include "tests/core/expr/fake_activation.h"

namespace tcpmedic::expr {
namespace {

std::string IssuesOf(absl::string_view text) {
  std::vector<Issue> issues;
  const auto expression = Compile(text, TestSchema(), Type::Bool(), &issues);
  EXPECT_EQ(expression.has_value(), issues.empty()) << text;
  return issues.empty() ? "none\n" : Format(issues);
}

class Issues : public testing::TestWithParam<const char*> {};

TEST_P(Issues, AreAsWritten) {
  const std::string path =
      absl::StrCat(TCPMEDIC_SOURCE_DIR "/tests/data/expr/", GetParam(), ".txt");
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  ASSERT_TRUE(file.good()) << path;

  std::vector<std::string> cases;
  for (const absl::string_view written : absl::StrSplit(golden.str(), "====\n")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(written, absl::MaxSplits("\n----\n", 1));
    cases.push_back(absl::StrCat(parts.first, "\n----\n", IssuesOf(parts.first)));
  }
  const std::string actual = absl::StrJoin(cases, "====\n");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << actual;
  } else {
    EXPECT_EQ(actual, golden.str());
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Issues, testing::Values("names", "types", "functions", "syntax"),
                         [](const auto& file) { return std::string(file.param); });

TEST(Bounds, TooLongATextIsAnIssue) {
  EXPECT_TRUE(absl::StartsWith(IssuesOf(std::string(kMaxTextBytes + 1, ' ')),
                               "1:1: the expression is longer than 16384 bytes\n"));
}

TEST(Bounds, TooManyValuesAtOnceAreAnIssue) {
  std::vector<std::string> elements(300, "socket.cwnd");
  EXPECT_TRUE(absl::StartsWith(IssuesOf(absl::StrCat("1 in [", absl::StrJoin(elements, ","), "]")),
                               "1:1: the expression needs more than 256 values at once\n"));
}

TEST(Bounds, ALongConstantListIsNoIssue) {
  std::vector<std::string> elements(3000, "1");
  EXPECT_EQ(IssuesOf(absl::StrCat("socket.cwnd in [", absl::StrJoin(elements, ","), "]")),
            "none\n");
}

TEST(Bounds, ALongChainOfAndsIsNoIssue) {
  std::vector<std::string> conjuncts(500, "socket.cwnd > 1");
  EXPECT_EQ(IssuesOf(absl::StrJoin(conjuncts, " && ")), "none\n");
}

TEST(Bounds, ALongSumIsTooDeep) {
  std::vector<std::string> terms(100, "socket.cwnd");
  EXPECT_TRUE(absl::StrContains(IssuesOf(absl::StrCat(absl::StrJoin(terms, " + "), " > 1")),
                                "the expression is nested deeper than 64\n"));
}

TEST(Bounds, LoopsWithinLoopsAreAnIssue) {
  std::string text = "true";
  for (int i = 0; i < 9; ++i) text = absl::StrCat("process.fds.all(x", i, ", ", text, ")");
  EXPECT_TRUE(absl::StrContains(IssuesOf(text), "at most 8 loops can be within each other\n"));
}

TEST(Bounds, IssuesOfOneTextAreLimited) {
  std::vector<std::string> names(100, "x == 1");
  std::vector<Issue> issues;
  Compile(absl::StrJoin(names, " && "), TestSchema(), Type::Bool(), &issues);
  EXPECT_EQ(issues.size(), 20u);
}

}  // namespace
}  // namespace tcpmedic::expr
