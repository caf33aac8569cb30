// Mutations of valid expressions: whatever the text, compiling and evaluating it neither crashes
// nor reads beyond its memory (the sanitizer build checks), and gives either an expression or
// issues within the text. Deterministic.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/expr/expression.h"
#include "core/expr/template.h"
#include "tests/core/expr/fake_activation.h"

namespace tcpmedic::expr {
namespace {

const char* const kSeeds[] = {
    "socket.state == \"established\" && socket.cc == \"cubic\" && socket.path_rtt >= "
    "duration(\"40ms\") && socket.data_segments >= 200 && socket.retrans_ratio >= 0.001 && "
    "socket.retrans_ratio <= 0.15 && socket.cwnd <= 3.0 * socket.loss_predicted_cwnd",
    "after.goodput_bps >= 3.0 * before.goodput_bps && after.retrans_ratio < 0.15",
    "socket.busy_ratio < 0.8 || socket.app_limited",
    "host.labels[\"tier\"] != \"db\" && has(host.labels.zone) && \"a\" in host.labels",
    "process.fds.filter(fd, fd > 3).map(fd, double(fd)).exists(x, x > 1.5 || x / 0.0 < 2.0)",
    "process.args.all(a, a.startsWith('-') ? size(a) > 1 : a.matches(r'^[a-z]+$'))",
    "{'a': [1, 2, 3], 'b': []}['a'][socket.cwnd - 10] in [1, -9223372036854775808]",
    "cidr('10.0.0.0/8').containsIP(socket.remote_ip) || ip('::1') == socket.remote_ip",
    "timestamp('2026-01-31T12:00:00Z') - process.started > -duration('1h') // late",
    "bitrate(1.5e6) + percent(0.01) + bytes(12u) + string(b'\\xff' == b\"\"\"a\"\"\") == '\\u00e9'",
    "int(uint(double('1.5'))) % 7 - abs(-3) * sqrt(4) > 1 ? null == null : !false",
    "Loss of {{ percent(socket.retrans_ratio) }} holds the window at {{ socket.cwnd }} × "
    "{{ {'a': {'b': \"}}\"}}['a']['b'] }} = {{ bitrate(socket.window_bps) }}",
};

const char* const kFragments[] = {
    "&&",
    "||",
    "!",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "\"",
    "'",
    "r'",
    "b\"",
    "'''",
    "\\",
    "\\u",
    "?",
    ":",
    ",",
    ".",
    "..",
    "in",
    "-",
    "--",
    "%",
    "/ 0",
    "1u",
    "1e9",
    "0x",
    "9e99",
    "null",
    "true",
    "size(",
    "has(",
    ".all(x, ",
    ".map(x, ",
    "//",
    "\n",
    "\t",
    "\x80",
    "\xF0\x9F",
    "×",
    "9223372036854775808",
    "-9223372036854775808",
    "socket.",
    "host.labels",
    "process.fds",
    "duration('1h')",
    "_in_(",
    "_",
};

std::string Mutate(std::string text, std::mt19937* random) {
  const auto pick = [random](size_t below) { return (*random)() % std::max<size_t>(below, 1); };
  for (size_t left = 1 + pick(4); left > 0; --left) {
    const size_t at = pick(text.size() + 1);
    switch (pick(6)) {
      case 0:
        text.insert(at, kFragments[pick(std::size(kFragments))]);
        break;
      case 1:
        text.erase(at, 1 + pick(8));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(pick(256));
        break;
      case 3:
        text.insert(at, text.substr(pick(text.size()), pick(40)));
        break;
      case 4: {
        const std::string other = kSeeds[pick(std::size(kSeeds))];
        text.insert(at, other.substr(pick(other.size()), pick(60)));
        break;
      }
      case 5:
        text.resize(at);
        break;
    }
  }
  return text;
}

class SomeSocket : public FakeActivation {
 public:
  SomeSocket() {
    Set("socket.state", Value::String("established"));
    Set("socket.cc", Value::String("cubic"));
    Set("socket.cwnd", Value::Int(11));
    Set("socket.retrans_ratio", Value::Double(0.01));
    Set("socket.path_rtt", Value::Duration(absl::Milliseconds(148)));
    Set("socket.remote_ip", Value::Ip(IpAddress()));
    Set("host.labels", Value::Map(labels_));
    Set("process.fds", Value::List(fds_));
    Set("process.started", Value::Timestamp(absl::UnixEpoch()));
  }

 private:
  const MapEntry labels_[1] = {{"tier", Value::String("web")}};
  const Value fds_[2] = {Value::Int(3), Value::Int(7)};
};

bool LiesWithin(const Issue& issue, absl::string_view text) {
  const int lines = 1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  return issue.position.line >= 1 && issue.position.line <= lines && issue.position.column >= 1 &&
         issue.position.column <= static_cast<int>(issue.line.size()) + 1 && issue.length >= 1 &&
         !issue.message.empty();
}

// Whether `text` is a valid expression.
bool CompileAndEvaluate(const std::string& text, const Activation& activation) {
  std::vector<Issue> issues;
  const auto expression = CompileAny(text, TestSchema(), &issues);
  EXPECT_EQ(expression.has_value(), issues.empty()) << text;
  if (expression) {
    Scratch scratch;
    const Value value = expression->Evaluate(activation, &scratch);
    // The static type is the type of every known value.
    if (value.is_known()) {
      EXPECT_EQ(value.kind(), expression->type().kind()) << text;
    }
    ToText(value);
    for (const Expression& conjunct : expression->Conjuncts()) conjunct.Evaluate(activation);
  }
  const auto compiled = CompileTemplate(text, TestSchema(), &issues);
  if (compiled) compiled->Render(activation);
  for (const Issue& issue : issues) {
    EXPECT_TRUE(LiesWithin(issue, text)) << text << "\n" << Format(issue);
  }
  return expression.has_value();
}

TEST(Fuzz, MutationsOfValidExpressionsNeverCrash) {
  const SomeSocket activation;
  std::mt19937 random(20260131);
  int compiled = 0;
  for (int round = 0; round < 1500; ++round) {
    for (const char* seed : kSeeds) {
      if (CompileAndEvaluate(Mutate(seed, &random), activation)) ++compiled;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(compiled, 300);  // enough of them reach the machine
}

TEST(Fuzz, RandomFragmentsNeverCrash) {
  const SomeSocket activation;
  std::mt19937 random(7);
  for (int round = 0; round < 10'000; ++round) {
    std::string text;
    for (size_t left = random() % 20; left > 0; --left) {
      text += kFragments[random() % std::size(kFragments)];
    }
    CompileAndEvaluate(text, activation);
    if (HasFailure()) return;
  }
}

TEST(Fuzz, DeepAndLongTextsNeverCrash) {
  const SomeSocket activation;
  for (const char* piece :
       {"(",     "[",   "{",    "!",          "-",   "a.",   "a[",   "a(", "1+", "1?",
        "{'a':", "a&&", "a?b:", "[1].all(x,", "''+", "a.b(", "has(", "{{", "\"", "//\n"}) {
    std::string text;
    while (text.size() + 16 < kMaxTextBytes) text += piece;
    CompileAndEvaluate(text, activation);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tcpmedic::expr
