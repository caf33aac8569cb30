#include "core/expr/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/expr/fake_activation.h"

namespace tcpmedic::expr {
namespace {

Template CompileValid(absl::string_view text) {
  std::vector<Issue> issues;
  auto compiled = CompileTemplate(text, TestSchema(), &issues);
  EXPECT_TRUE(compiled.has_value()) << Format(issues);
  return compiled.value();
}

std::string IssuesOf(absl::string_view text) {
  std::vector<Issue> issues;
  EXPECT_FALSE(CompileTemplate(text, TestSchema(), &issues).has_value());
  return Format(issues);
}

TEST(Template, VerdictOfPinnedCwndReadsWell) {
  FakeActivation activation;
  activation.Set("socket.retrans_ratio", Value::Double(0.0123));
  activation.Set("socket.cwnd", Value::Int(11));
  activation.Set("socket.loss_predicted_cwnd", Value::Double(11.0));
  activation.Set("socket.mss", Value::Int(1448));
  activation.Set("socket.path_rtt", Value::Duration(absl::Microseconds(148'211)));
  activation.Set("socket.window_bps", Value::Double(861'027.0));
  activation.Set("socket.goodput_bps", Value::Double(780'000.0));
  EXPECT_EQ(CompileValid(
                "Loss of {{ percent(socket.retrans_ratio) }} holds the window at {{ socket.cwnd }} "
                "segments (loss alone predicts {{ socket.loss_predicted_cwnd }}): "
                "{{ socket.cwnd }} × {{ socket.mss }} bytes ÷ {{ socket.path_rtt }} = "
                "{{ bitrate(socket.window_bps) }}; the socket delivers "
                "{{ bitrate(socket.goodput_bps) }}.")
                .Render(activation),
            "Loss of 1.23 % holds the window at 11 segments (loss alone predicts 11): "
            "11 × 1448 bytes ÷ 148 ms = 861 kbit/s; the socket delivers 780 kbit/s.");
}

TEST(Template, UnknownValueIsSaidToBeUnknown) {
  EXPECT_EQ(
      CompileValid("{{ bitrate(socket.goodput_bps) }} of {{ socket.cc }}").Render(FakeActivation()),
      "(not known) of (not known)");
}

TEST(Template, PassageIsLeftOutWhereOneOfItsValuesIsUnknown) {
  FakeActivation activation;
  activation.Set("socket.cwnd", Value::Int(11));
  const auto render = [&](absl::string_view text) { return CompileValid(text).Render(activation); };
  EXPECT_EQ(render("A window[[ of {{ socket.cwnd }} segments]]."), "A window of 11 segments.");
  EXPECT_EQ(render("A window[[ of {{ socket.cwnd }} under {{ socket.cc }}, open]]."), "A window.");
  EXPECT_EQ(render("[[{{ socket.cc }}]][[{{ socket.cwnd }}]]"), "11");
  EXPECT_EQ(render("[[always]]"), "always");
  EXPECT_EQ(render("{{ socket.cc }}[[ and {{ socket.cwnd }}]]"), "(not known) and 11");
  EXPECT_EQ(render("[::]:80 ]] x"), "[::]:80 ]] x");
}

TEST(Template, BracketsOfAPassageMustMatch) {
  EXPECT_THAT(IssuesOf("a [[ b {{ socket.cwnd }}"), testing::HasSubstr("this [[ has no ]]"));
  EXPECT_THAT(IssuesOf("[[ a [[ b ]] ]]"), testing::HasSubstr("cannot hold another"));
}

TEST(Template, ErrorSaysWhy) {
  FakeActivation activation;
  activation.Set("socket.mss", Value::Int(0));
  EXPECT_EQ(CompileValid("{{ 1 / socket.mss }}").Render(activation),
            "(no value: division by zero)");
}

TEST(Template, TextWithoutExpressionsIsItself) {
  EXPECT_EQ(CompileValid("a } b }} { c").Render(FakeActivation()), "a } b }} { c");
  EXPECT_EQ(CompileValid("").Render(FakeActivation()), "");
}

TEST(Template, BracesInQuotesAndMapsDoNotEndTheExpression) {
  EXPECT_EQ(CompileValid("<{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}>").Render(FakeActivation()),
            "<}}1>");
}

TEST(Template, SlotsAreThoseOfAllItsExpressions) {
  EXPECT_THAT(
      CompileValid("{{ socket.mss }} {{ socket.cwnd }} {{ socket.mss }}").slots(),
      testing::ElementsAre(*TestSchema().Find("socket.cwnd"), *TestSchema().Find("socket.mss")));
}

TEST(Template, MistakesArePositionedInTheWholeText) {
  EXPECT_EQ(IssuesOf("first {{ socket.cwdn }} line\nand {{ 1 + 'a' }} there"),
            "1:10: unknown name 'socket.cwdn'\n"
            "  first {{ socket.cwdn }} line\n"
            "           ^~~~~~~~~~~\n"
            "  did you mean 'socket.cwnd'?\n"
            "2:10: '+' does not take int and string\n"
            "  and {{ 1 + 'a' }} there\n"
            "           ^\n");
}

TEST(Template, OpenedAndNotClosedIsAMistake) {
  EXPECT_EQ(IssuesOf("the window is {{ socket.cwnd"),
            "1:15: this {{ has no }}\n"
            "  the window is {{ socket.cwnd\n"
            "                ^~\n");
}

TEST(Template, OpenQuoteDoesNotSwallowTheRestOfTheText) {
  EXPECT_EQ(IssuesOf("{{ 'abc }} it's {{ socket.cwdn }}"),
            "1:4: this text has no closing '\n"
            "  {{ 'abc }} it's {{ socket.cwdn }}\n"
            "     ^~~~~\n"
            "1:20: unknown name 'socket.cwdn'\n"
            "  {{ 'abc }} it's {{ socket.cwdn }}\n"
            "                     ^~~~~~~~~~~\n"
            "  did you mean 'socket.cwnd'?\n");
}

TEST(Template, EmptyExpressionIsAMistake) {
  EXPECT_EQ(IssuesOf("a {{ }} b"),
            "1:5: an expression is missing\n"
            "  a {{ }} b\n"
            "      ^\n");
}

TEST(Template, TooLongIsAMistake) {
  EXPECT_THAT(IssuesOf(std::string(kMaxTextBytes + 1, 'x')),
              testing::StartsWith("1:1: the text is longer than 16384 bytes\n"));
}

}  // namespace
}  // namespace tcpmedic::expr
