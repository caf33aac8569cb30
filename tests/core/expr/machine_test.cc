#include "core/expr/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/expr/fake_activation.h"

namespace tcpmedic::expr {
namespace {

// t, f; u and v: unknown, by different slots; e and d: different errors; w: unknown by both slots.
const std::pair<char, Value> kLetters[] = {
    {'t', Value::Bool(true)},
    {'f', Value::Bool(false)},
    {'u', Value::Unknown(3)},
    {'v', Value::Unknown(70)},
    {'w',
     [] {
       SlotSet both;
       both.Add(3);
       both.Add(70);
       return Value::Unknown(both);
     }()},
    {'e', Value::Error(Error::kOverflow)},
    {'d', Value::Error(Error::kDivisionByZero)},
};

Value ValueOf(char letter) {
  for (const auto& [name, value] : kLetters) {
    if (name == letter) return value;
  }
  ADD_FAILURE() << letter;
  return Value();
}

char LetterOf(const Value& value) {
  for (const auto& [name, known] : kLetters) {
    if (value.kind() != known.kind()) continue;
    if (value.is_unknown() ? value.missing() == known.missing()
        : value.is_error() ? value.error() == known.error()
                           : Equal(value, known)) {
      return name;
    }
  }
  return '?';
}

// One row per left operand: what it gives with each of t f u v e d on the right.
std::string TruthTable(Value (*operation)(const Value&, const Value&)) {
  std::string table;
  for (const char left : {'t', 'f', 'u', 'v', 'e', 'd'}) {
    table += left;
    table += ':';
    for (const char right : {'t', 'f', 'u', 'v', 'e', 'd'}) {
      table += ' ';
      table += LetterOf(operation(ValueOf(left), ValueOf(right)));
    }
    table += '\n';
  }
  return table;
}

TEST(And, FalseDecidesThenUnknownThenError) {
  EXPECT_EQ(TruthTable(And),
            //  t f u v e d
            "t: t f u v e d\n"
            "f: f f f f f f\n"
            "u: u f u w u u\n"
            "v: v f w v v v\n"
            "e: e f u v e e\n"
            "d: d f u v d d\n");
}

TEST(Or, TrueDecidesThenUnknownThenError) {
  EXPECT_EQ(TruthTable(Or),
            //  t f u v e d
            "t: t t t t t t\n"
            "f: t f u v e d\n"
            "u: t u u w u u\n"
            "v: t v w v v v\n"
            "e: t e u v e e\n"
            "d: t d u v d d\n");
}

// The same table, through programs with their short cuts: a is socket.cwnd == 1, b is socket.mss
// == 1.
TEST(CompiledLogic, AgreesWithTheTable) {
  std::vector<Issue> issues;
  // 1 / x == 1: true for 1, false for 2, an error for 0, unknown where x is not reported.
  const auto both =
      Compile("1 / socket.cwnd == 1 && 1 / socket.mss == 1", TestSchema(), Type::Bool(), &issues);
  const auto either =
      Compile("1 / socket.cwnd == 1 || 1 / socket.mss == 1", TestSchema(), Type::Bool(), &issues);
  ASSERT_TRUE(both && either) << Format(issues);

  const auto set = [](FakeActivation* activation, const char* name, char letter) {
    if (letter != 'u') {
      activation->Set(name, Value::Int(letter == 't' ? 1 : letter == 'f' ? 2 : 0));
    }
  };
  const auto kind = [](const Value& value) {
    return value.is_true() ? 't' : value.is_false() ? 'f' : value.is_unknown() ? 'u' : 'e';
  };
  std::string ands;
  std::string ors;
  for (const char left : {'t', 'f', 'u', 'e'}) {
    for (const char right : {'t', 'f', 'u', 'e'}) {
      FakeActivation activation;
      set(&activation, "socket.cwnd", left);
      set(&activation, "socket.mss", right);
      ands += kind(both->Evaluate(activation));
      ors += kind(either->Evaluate(activation));
    }
    ands += ' ';
    ors += ' ';
  }
  EXPECT_EQ(ands, "tfue ffff ufuu efue ");
  EXPECT_EQ(ors, "tttt tfue tuuu teue ");
}

TEST(StrictOperations, NameEverythingThatIsMissing) {
  std::vector<Issue> issues;
  const auto expression = Compile("socket.cwnd * socket.mss + 1 / 1 > socket.data_segments",
                                  TestSchema(), Type::Bool(), &issues);
  ASSERT_TRUE(expression) << Format(issues);
  FakeActivation activation;
  activation.Set("socket.mss", Value::Int(1448));
  EXPECT_THAT(expression->Evaluate(activation).missing().slots(),
              testing::ElementsAre(*TestSchema().Find("socket.cwnd"),
                                   *TestSchema().Find("socket.data_segments")));
}

TEST(StrictOperations, UnknownComesBeforeError) {
  std::vector<Issue> issues;
  const auto expression =
      Compile("1 / socket.mss + socket.cwnd", TestSchema(), Type::Int(), &issues);
  ASSERT_TRUE(expression) << Format(issues);
  FakeActivation activation;
  activation.Set("socket.mss", Value::Int(0));
  EXPECT_TRUE(expression->Evaluate(activation).is_unknown());
}

TEST(HasKey, OfAMapThatIsNotReportedIsFalse) {
  std::vector<Issue> issues;
  const auto expression = Compile("has(host.labels.tier)", TestSchema(), Type::Bool(), &issues);
  ASSERT_TRUE(expression) << Format(issues);
  EXPECT_TRUE(expression->Evaluate(FakeActivation()).is_false());
}

}  // namespace
}  // namespace tcpmedic::expr
