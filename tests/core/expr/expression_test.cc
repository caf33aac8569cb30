#include "core/expr/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/expr/template.h"
#include "tests/core/expr/fake_activation.h"

namespace tcpmedic::expr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The text of an expression's value, with its type, or the issues: one string tells everything.
std::string Evaluated(absl::string_view text, const Activation& activation) {
  std::vector<Issue> issues;
  const auto expression = CompileAny(text, TestSchema(), &issues);
  if (!expression) return Format(issues);
  Scratch scratch;
  const Value value = expression->Evaluate(activation, &scratch);
  return expression->type().ToString() + " " + ToText(value);
}

struct Case {
  const char* name;
  const char* text;
  const char* expected;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.text; }

class Language : public testing::TestWithParam<Case> {
 protected:
  Language() {
    args_ = {Value::String("nginx"), Value::String("-g"), Value::String("daemon off;")};
    fds_ = {Value::Int(3), Value::Int(4), Value::Int(9)};
    labels_ = {{"tier", Value::String("web")}, {"zone", Value::String("eu-1")}};
    activation_.Set("socket.state", Value::String("established"));
    activation_.Set("socket.cc", Value::String("cubic"));
    activation_.Set("socket.cwnd", Value::Int(11));
    activation_.Set("socket.mss", Value::Int(1448));
    activation_.Set("socket.remote_port", Value::Uint(443));
    activation_.Set("socket.remote_ip", Value::Ip(*IpAddress::Parse("192.0.2.7")));
    activation_.Set("socket.path_rtt", Value::Duration(absl::Milliseconds(148)));
    activation_.Set("socket.retrans_ratio", Value::Double(0.01));
    activation_.Set("socket.loss_predicted_cwnd", Value::Double(12.2));
    activation_.Set("socket.app_limited", Value::Bool(false));
    activation_.Set("host.labels", Value::Map(labels_));
    activation_.Set("process.args", Value::List(args_));
    activation_.Set("process.fds", Value::List(fds_));
    activation_.Set("process.started",
                    Value::Timestamp(absl::FromCivil(absl::CivilSecond(2026, 1, 31, 12, 0, 0),
                                                     absl::UTCTimeZone())));
  }

  std::vector<Value> args_;
  std::vector<Value> fds_;
  std::vector<MapEntry> labels_;
  FakeActivation activation_;
};

TEST_P(Language, Evaluates) {
  EXPECT_EQ(Evaluated(GetParam().text, activation_), GetParam().expected);
}

const Case kLiterals[] = {
    {"Int", "42", "int 42"},
    {"HexadecimalInt", "0x1F", "int 31"},
    {"LowestInt", "-9223372036854775808", "int -9223372036854775808"},
    {"Uint", "7u", "uint 7"},
    {"LargestUint", "18446744073709551615u", "uint 18446744073709551615"},
    {"Double", "2.5", "double 2.5"},
    {"DoubleWithExponent", "12e-1", "double 1.2"},
    {"DoubleWithoutLeadingDigit", ".5", "double 0.5"},
    {"NegativeDouble", "-2.5", "double -2.5"},
    {"Bool", "true", "bool true"},
    {"Null", "null", "null null"},
    {"SingleQuotes", "'it is \"so\"'", "string it is \"so\""},
    {"Escapes", R"("a\tb\x41\u00e9\U0001F600\101\\\"")", "string a\tbA\u00e9\U0001F600A\\\""},
    {"RawText", R"(r"\d+\.")", "string \\d+\\."},
    {"TripleQuotes", "'''a 'b'\nc'''", "string a 'b'\nc"},
    {"Bytes", R"(b"\xff\000")", "bytes \\xff\\x00"},
    {"RawBytes", R"(br"\x")", "bytes \\\\x"},
    {"List", "[1, 2, 3,]", "list(int) 1, 2, 3"},
    {"EmptyList", "[]", "list "},
    {"NestedList", "[[1], [], [2, 3]]", "list(list(int)) 1, , 2, 3"},
    {"Map", "{'a': 1, 'b': 2}", "map(string, int) a=1, b=2"},
    {"Comment", "1 // one\n + 2", "int 3"},
};

const Case kArithmetic[] = {
    {"Precedence", "1 + 2 * 3 - 8 / 4 % 3", "int 5"},
    {"Parentheses", "(1 + 2) * 3", "int 9"},
    {"LeftToRight", "10 - 3 - 2", "int 5"},
    {"DivisionTruncates", "-7 / 2", "int -3"},
    {"RemainderHasTheSignOfTheDividend", "-7 % 2", "int -1"},
    {"UintRemainder", "7u % 4u", "uint 3"},
    {"DoubleNegation", "- -3", "int 3"},
    {"NegatedAttribute", "-socket.cwnd", "int -11"},
    {"NegativeIndexOfSubtraction", "socket.cwnd -1", "int 10"},
    {"DoubleDivisionByZeroIsInfinite", "1.0 / 0.0", "double infinite"},
    {"IntOverflow", "socket.cwnd + 9223372036854775807",
     "int (no value: the result is out of range)"},
    {"UintUnderflow", "socket.remote_port - 444u", "uint (no value: the result is out of range)"},
    {"ProductOverflow", "socket.cwnd * 4611686018427387904",
     "int (no value: the result is out of range)"},
    {"DivisionByZero", "10 / (socket.cwnd - 11)", "int (no value: division by zero)"},
    {"RemainderByZero", "10 % (socket.cwnd - 11)", "int (no value: division by zero)"},
    {"RemainderByMinusOne", "-9223372036854775808 % (10 - socket.cwnd)", "int 0"},
    {"QuotientByMinusOneOverflows", "-9223372036854775808 / (10 - socket.cwnd)",
     "int (no value: the result is out of range)"},
    {"StringsConcatenate", "socket.cc + '/' + socket.state", "string cubic/established"},
    {"BytesConcatenate", "b'a' + b'b'", "bytes ab"},
    {"ListsConcatenate", "process.fds + [10]", "list(int) 3, 4, 9, 10"},
    {"EmptyListConcatenates", "[] + [1]", "list(int) 1"},
};

const Case kTime[] = {
    {"DurationLiteral", "duration('1h30m')", "duration 1 h 30 min"},
    {"DurationSum", "socket.path_rtt + duration('2ms')", "duration 150 ms"},
    {"DurationDifference", "duration('1s') - duration('250ms')", "duration 750 ms"},
    {"NegatedDuration", "-duration('2s')", "duration -2 s"},
    {"DurationComparison", "socket.path_rtt >= duration('40ms')", "bool true"},
    {"DurationOverflow", "socket.path_rtt + duration('87660000h')",
     "duration (no value: the result is out of range)"},
    {"Timestamp", "timestamp('2026-01-31T12:00:00Z')", "timestamp 2026-01-31T12:00:00Z"},
    {"TimestampWithOffset", "timestamp('2026-01-31T12:00:00+02:00')",
     "timestamp 2026-01-31T10:00:00Z"},
    {"TimestampPlusDuration", "process.started + duration('90s')",
     "timestamp 2026-01-31T12:01:30Z"},
    {"DurationPlusTimestamp", "duration('90s') + process.started",
     "timestamp 2026-01-31T12:01:30Z"},
    {"TimestampMinusTimestamp", "process.started - timestamp('2026-01-31T11:00:00Z')",
     "duration 1 h"},
    {"TimestampComparison", "process.started < timestamp('2027-01-01T00:00:00Z')", "bool true"},
    {"TimestampOverflow", "process.started + duration('87000000h')",
     "timestamp (no value: the result is out of range)"},
};

const Case kComparison[] = {
    {"IntWithDouble", "socket.cwnd <= 3.0 * socket.loss_predicted_cwnd", "bool true"},
    {"UintWithInt", "socket.remote_port == 443", "bool true"},
    {"NegativeIntIsBelowEveryUint", "-1 < socket.remote_port", "bool true"},
    {"LargeIntIsNotItsNearestDouble", "9223372036854775807 == 9223372036854775808.0", "bool false"},
    {"LargeIntIsBelowItsNearestDouble", "9223372036854775807 < 9223372036854775808.0", "bool true"},
    {"NotANumberEqualsNothing", "double('nan') == double('nan')", "bool false"},
    {"NotANumberDiffersFromEverything", "double('nan') != 1", "bool true"},
    {"NotANumberIsNotBelow", "double('nan') < 1", "bool false"},
    {"NotANumberIsNotAtLeast", "double('nan') >= 1", "bool false"},
    {"Strings", "'abc' < 'abd'", "bool true"},
    {"Bools", "false < true", "bool true"},
    {"Lists", "[1, 2] == [1, 2]", "bool true"},
    {"ListsOfDifferentLength", "[1, 2] == [1]", "bool false"},
    {"MapsInAnyOrder", "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "bool true"},
    {"Nulls", "null == null", "bool true"},
    {"Addresses", "socket.remote_ip == ip('192.0.2.7')", "bool true"},
    {"MappedAddressEqualsItsIpv4", "socket.remote_ip == ip('::ffff:192.0.2.7')", "bool true"},
    {"Prefixes", "cidr('10.0.0.0/8') == cidr('10.0.0.0/9')", "bool false"},
};

const Case kLogic[] = {
    {"And", "true && false", "bool false"},
    {"Or", "true || false", "bool true"},
    {"AndBindsTighterThanOr", "true || false && false", "bool true"},
    {"Not", "!socket.app_limited", "bool true"},
    {"Conditional", "socket.cwnd > 10 ? 'large' : 'small'", "string large"},
    {"ConditionalIsRightAssociative", "false ? 1 : false ? 2 : 3", "int 3"},
    {"ConditionalTakesOneSideOnly", "socket.cwnd == 11 ? 1 : 1 / (socket.cwnd - 11)", "int 1"},
    {"ConditionalWithinArguments", "size(socket.cwnd > 10 ? 'ab' : 'abc') + 1", "int 3"},
    {"ConditionalOnUnknown", "socket.data_segments > 1 ? 1 : 2", "int (not known)"},
};

const Case kCollections[] = {
    {"InList", "socket.cc in ['cubic', 'reno']", "bool true"},
    {"NotInList", "socket.cc in ['bbr']", "bool false"},
    {"UintInListOfInts", "socket.remote_port in [80, 443]", "bool true"},
    {"InEmptyList", "1 in []", "bool false"},
    {"InMap", "'tier' in host.labels", "bool true"},
    {"NotInMap", "'rack' in host.labels", "bool false"},
    {"ListIndex", "process.args[1]", "string -g"},
    {"ListIndexOutside", "process.args[3]", "string (no value: the index is outside of the list)"},
    {"ListIndexNegative", "process.args[-1]",
     "string (no value: the index is outside of the list)"},
    {"MapIndex", "host.labels['tier']", "string web"},
    {"MapField", "host.labels.tier", "string web"},
    {"MissingKeyOfAttributeIsUnknown", "host.labels['rack'] != 'r1'", "bool (not known)"},
    {"MissingFieldOfAttributeIsUnknown", "host.labels.rack", "string (not known)"},
    {"MissingKeyOfMapFromConditionalIsUnknown",
     "(socket.cwnd > 1 ? host.labels : {'a': 'b'})['rack']", "string (not known)"},
    {"MissingKeyOfLiteralIsError", "{'cubic': 1, 'reno': 2}[socket.state]",
     "int (no value: the map has no such key)"},
    {"LiteralMapLookup", "{'cubic': 1, 'reno': 2}[socket.cc]", "int 1"},
    {"HasKey", "has(host.labels['tier'])", "bool true"},
    {"HasNoKey", "has(host.labels['rack'])", "bool false"},
    {"HasField", "has(host.labels.tier)", "bool true"},
    {"HasNoField", "has(host.labels.rack)", "bool false"},
    {"HasAttribute", "has(socket.cwnd)", "bool true"},
    {"HasNoAttribute", "has(socket.busy_ratio)", "bool false"},
    {"HasKeyOfLiteral", "has({'a': 1}.b)", "bool false"},
    {"MapOfUnknownValues", "{'a': socket.busy_ratio}", "map(string, double) (not known)"},
    {"ListOfAttributes", "[socket.cwnd, socket.mss]", "list(int) 11, 1448"},
    {"DuplicateKey", "{socket.cc: 1, 'cubic': 2}",
     "map(string, int) (no value: the map has this key twice)"},
};

const Case kFunctions[] = {
    {"SizeOfStringCountsCharacters", "size('a\u00e9\U0001F600')", "int 3"},
    {"SizeOfBytes", "size(b'\\xff\\x00')", "int 2"},
    {"SizeOfList", "process.args.size()", "int 3"},
    {"SizeOfMap", "size(host.labels)", "int 2"},
    {"StartsWith", "socket.state.startsWith('est')", "bool true"},
    {"EndsWith", "socket.state.endsWith('est')", "bool false"},
    {"Contains", "socket.state.contains('abl')", "bool true"},
    {"Matches", "socket.cc.matches(r'^cu.*c$')", "bool true"},
    {"MatchesFindsAnywhere", "matches(socket.cc, 'bi')", "bool true"},
    {"MatchesNot", "socket.cc.matches('^bbr')", "bool false"},
    {"MatchesConstant", "'abc'.matches('b')", "bool true"},
    {"IntOfDoubleTruncates", "int(-3.9)", "int -3"},
    {"IntOfUint", "int(socket.remote_port)", "int 443"},
    {"IntOfString", "int('12')", "int 12"},
    {"IntOfTimestamp", "int(timestamp('1970-01-01T00:01:00Z'))", "int 60"},
    {"IntOfTooLargeDouble", "int(socket.retrans_ratio * 1e30)",
     "int (no value: the result is out of range)"},
    {"IntOfNoNumber", "int(socket.cc)", "int (no value: this cannot be converted)"},
    {"UintOfNegative", "uint(-socket.cwnd)", "uint (no value: the result is out of range)"},
    {"UintOfString", "uint('12')", "uint 12"},
    {"DoubleOfInt", "double(socket.cwnd) * 2.0", "double 22"},
    {"DoubleOfString", "double('1.5')", "double 1.5"},
    {"BoolOfString", "bool('true')", "bool true"},
    {"StringOfInt", "string(-5)", "string -5"},
    {"StringOfDoubleHasEveryDigit", "string(0.1 + 0.2)", "string 0.30000000000000004"},
    {"StringOfDuration", "string(socket.path_rtt)", "string 0.148s"},
    {"StringOfLongDuration", "string(duration('1h30m'))", "string 5400s"},
    {"StringOfTimestamp", "string(process.started)", "string 2026-01-31T12:00:00Z"},
    {"StringOfAddress", "string(socket.remote_ip)", "string 192.0.2.7"},
    {"BytesOfString", "bytes('ab')", "bytes ab"},
    {"SquareRoot", "sqrt(socket.mss + 152)", "double 40"},
    {"SquareRootOfNegative", "sqrt(-socket.cwnd)",
     "double (no value: a negative number has no square root)"},
    {"AbsoluteInt", "abs(-socket.cwnd)", "int 11"},
    {"AbsoluteDouble", "abs(-1.5)", "double 1.5"},
    {"AbsoluteDuration", "abs(duration('-3s'))", "duration 3 s"},
    {"ContainsIp", "cidr('192.0.2.0/24').containsIP(socket.remote_ip)", "bool true"},
    {"ContainsIpNot", "cidr('10.0.0.0/8').containsIP(socket.remote_ip)", "bool false"},
    {"ContainsMappedIp", "cidr('192.0.2.0/24').containsIP(ip('::ffff:192.0.2.7'))", "bool true"},
    {"ContainsIpv6", "cidr('2001:db8::/32').containsIP(ip('2001:db8::1'))", "bool true"},
    {"Bitrate", "bitrate(780000.0)", "string 780 kbit/s"},
    {"Percent", "percent(socket.retrans_ratio)", "string 1 %"},
    {"BytesForPeople", "bytes(8592000000)", "string 8.0 GiB"},
};

const Case kMacroCases[] = {
    {"All", "process.fds.all(fd, fd > 2)", "bool true"},
    {"AllNot", "process.fds.all(fd, fd > 3)", "bool false"},
    {"AllOfNothing", "[].all(x, x > 1)", "bool true"},
    {"Exists", "process.args.exists(a, a.startsWith('-'))", "bool true"},
    {"ExistsNot", "process.args.exists(a, a == 'x')", "bool false"},
    {"ExistsOne", "process.fds.exists_one(fd, fd > 4)", "bool true"},
    {"ExistsMoreThanOne", "process.fds.exists_one(fd, fd > 3)", "bool false"},
    {"Map", "process.fds.map(fd, fd * 2)", "list(int) 6, 8, 18"},
    {"Filter", "process.fds.filter(fd, fd % 3 == 0)", "list(int) 3, 9"},
    {"MapOfFilter", "process.fds.filter(fd, fd > 3).map(fd, double(fd))", "list(double) 4, 9"},
    {"Nested", "process.fds.map(a, process.fds.filter(b, b > a))", "list(list(int)) 4, 9, 9, "},
    {"NestedUsesBothVariables", "process.fds.exists(a, process.fds.exists(b, a + b == 13))",
     "bool true"},
    {"InnerVariableHidesOuter", "[1].map(x, [2].map(x, x))", "list(list(int)) 2"},
    {"OverKeysOfMap", "host.labels.exists(key, key == 'zone')", "bool true"},
    {"VariableHidesAttributeGroup", "['a'].all(socket, socket == 'a')", "bool true"},
    {"ErrorIsAbsorbedByExists", "process.fds.exists(fd, 12 / (fd - 3) == 2)", "bool true"},
    {"ErrorIsNotAbsorbedByAll", "process.fds.all(fd, 12 / (fd - 3) > 1)",
     "bool (no value: division by zero)"},
    {"UnknownIsAbsorbedByAll", "process.fds.all(fd, fd < 9 && socket.busy_ratio > 0.0)",
     "bool false"},
    {"UnknownSpoilsExistsOne", "process.fds.exists_one(fd, socket.busy_ratio > double(fd))",
     "bool (not known)"},
    {"UnknownSpoilsMap", "process.fds.map(fd, socket.busy_ratio)", "list(double) (not known)"},
    {"OverUnknownRange", "[socket.busy_ratio].all(x, x > 1.0)", "bool (not known)"},
};

std::string NameOf(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Literals, Language, testing::ValuesIn(kLiterals), NameOf);
INSTANTIATE_TEST_SUITE_P(Arithmetic, Language, testing::ValuesIn(kArithmetic), NameOf);
INSTANTIATE_TEST_SUITE_P(Time, Language, testing::ValuesIn(kTime), NameOf);
INSTANTIATE_TEST_SUITE_P(Comparison, Language, testing::ValuesIn(kComparison), NameOf);
INSTANTIATE_TEST_SUITE_P(Logic, Language, testing::ValuesIn(kLogic), NameOf);
INSTANTIATE_TEST_SUITE_P(Collections, Language, testing::ValuesIn(kCollections), NameOf);
INSTANTIATE_TEST_SUITE_P(Functions, Language, testing::ValuesIn(kFunctions), NameOf);
INSTANTIATE_TEST_SUITE_P(Macros, Language, testing::ValuesIn(kMacroCases), NameOf);

TEST_F(Language, LoopsAreBounded) {
  std::vector<Value> many(20'000, Value::Int(1));
  activation_.Set("process.fds", Value::List(many));
  EXPECT_EQ(Evaluated("process.fds.all(fd, fd == 1)", activation_),
            "bool (no value: the result is too large)");
}

TEST_F(Language, BuiltTextIsBounded) {
  const std::string huge(Scratch::kMaxBytes, 'x');
  activation_.Set("socket.cc", Value::String(huge));
  EXPECT_EQ(Evaluated("socket.cc + 'y' == 'y'", activation_),
            "bool (no value: the result is too large)");
}

TEST_F(Language, ValueOfAnotherTypeThanTheSchemaSaysIsAnError) {
  activation_.Set("socket.cwnd", Value::String("11"));
  EXPECT_EQ(Evaluated("socket.cwnd + 1", activation_),
            "int (no value: the attribute's value has another type than its schema says)");
}

TEST_F(Language, WithoutScratchTextOfAnAttributeIsReturnedAndBuiltTextIsNot) {
  std::vector<Issue> issues;
  const auto attribute = Compile("socket.cc", TestSchema(), Type::String(), &issues);
  const auto literal = Compile("'a' + 'b'", TestSchema(), Type::String(), &issues);
  const auto built = Compile("socket.cc + '!'", TestSchema(), Type::String(), &issues);
  EXPECT_EQ(attribute->Evaluate(activation_).as_string(), "cubic");
  EXPECT_EQ(literal->Evaluate(activation_).as_string(), "ab");
  EXPECT_EQ(built->Evaluate(activation_).error(), Error::kNoScratch);
}

std::vector<std::string> Texts(const std::vector<Expression>& expressions) {
  std::vector<std::string> texts;
  for (const Expression& expression : expressions) texts.push_back(expression.text());
  return texts;
}

Expression CompileBool(absl::string_view text) {
  std::vector<Issue> issues;
  auto expression = Compile(text, TestSchema(), Type::Bool(), &issues);
  EXPECT_TRUE(expression.has_value()) << Format(issues);
  return expression.value();
}

TEST(Conjuncts, AreTheOperandsOfTheTopLevelAnd) {
  EXPECT_THAT(
      Texts(CompileBool("socket.cwnd > 1 && socket.mss > 2\n  && !socket.app_limited").Conjuncts()),
      ElementsAre("socket.cwnd > 1", "socket.mss > 2", "!socket.app_limited"));
}

TEST(Conjuncts, AreFoundThroughParentheses) {
  EXPECT_THAT(
      Texts(CompileBool("(true && (socket.cwnd > 1 || false)) && (true && false)").Conjuncts()),
      ElementsAre("true", "socket.cwnd > 1 || false", "true", "false"));
}

TEST(Conjuncts, OfAnythingElseIsTheExpressionItself) {
  EXPECT_THAT(Texts(CompileBool(" socket.cwnd > 1 || true && false").Conjuncts()),
              ElementsAre(" socket.cwnd > 1 || true && false"));
}

TEST(Conjuncts, HaveTheirOwnSlotsAndValues) {
  FakeActivation activation;
  activation.Set("socket.cwnd", Value::Int(5));
  const auto conjuncts =
      CompileBool("socket.cwnd > 9 && socket.cc.matches('^c') && socket.mss in [1, 2]").Conjuncts();
  ASSERT_EQ(conjuncts.size(), 3u);
  EXPECT_TRUE(conjuncts[0].Evaluate(activation).is_false());
  EXPECT_THAT(conjuncts[0].slots(), ElementsAre(*TestSchema().Find("socket.cwnd")));
  EXPECT_THAT(conjuncts[1].Evaluate(activation).missing().slots(),
              ElementsAre(*TestSchema().Find("socket.cc")));
  EXPECT_THAT(conjuncts[2].Conjuncts().size(), 1u);
}

TEST(Slots, AreAscendingAndEachThereOnce) {
  const auto expression = CompileBool(
      "socket.mss > socket.cwnd && has(socket.cc) && socket.mss < 3 && host.labels.tier == 'a'");
  EXPECT_THAT(expression.slots(),
              ElementsAre(*TestSchema().Find("socket.cc"), *TestSchema().Find("socket.cwnd"),
                          *TestSchema().Find("socket.mss"), *TestSchema().Find("host.labels")));
}

// ---- The expressions of the shipped policies.

constexpr char kPinnedCwnd[] =
    "socket.state == \"established\" && socket.cc == \"cubic\" && "
    "socket.path_rtt >= duration(\"40ms\") && socket.data_segments >= 200 && "
    "socket.retrans_ratio >= 0.001 && socket.retrans_ratio <= 0.15 && "
    "socket.cwnd <= 3.0 * socket.loss_predicted_cwnd\n";

FakeActivation PinnedSocket() {
  FakeActivation activation;
  activation.Set("socket.state", Value::String("established"));
  activation.Set("socket.cc", Value::String("cubic"));
  activation.Set("socket.path_rtt", Value::Duration(absl::Milliseconds(148)));
  activation.Set("socket.data_segments", Value::Int(4711));
  activation.Set("socket.retrans_ratio", Value::Double(0.01));
  activation.Set("socket.cwnd", Value::Int(11));
  activation.Set("socket.loss_predicted_cwnd", Value::Double(12.2));
  return activation;
}

TEST(PinnedCwnd, HoldsForAPinnedSocket) {
  const auto expression = CompileBool(kPinnedCwnd);
  EXPECT_TRUE(expression.Evaluate(PinnedSocket()).is_true());
  EXPECT_EQ(expression.Conjuncts().size(), 7u);
}

TEST(PinnedCwnd, DoesNotHoldForALargeWindow) {
  FakeActivation activation = PinnedSocket();
  activation.Set("socket.cwnd", Value::Int(900));
  EXPECT_TRUE(CompileBool(kPinnedCwnd).Evaluate(activation).is_false());
}

TEST(PinnedCwnd, IsUnknownWithoutItsRatioAndSaysSo) {
  FakeActivation activation = PinnedSocket();
  const int ratio = *TestSchema().Find("socket.retrans_ratio");
  activation.Set("socket.retrans_ratio", Value::Unknown(ratio));
  EXPECT_THAT(CompileBool(kPinnedCwnd).Evaluate(activation).missing().slots(), ElementsAre(ratio));
}

TEST(PinnedCwnd, LookAlikesCompile) {
  for (const char* text :
       {"socket.rwnd_limited_ratio > 0.1", "socket.sndbuf_limited_ratio > 0.1",
        "socket.busy_ratio < 0.8 || socket.app_limited", "socket.dsack_ratio > 0.2",
        "socket.rtt_inflation > 1.5", "group.count >= 1"}) {
    EXPECT_TRUE(CompileBool(text).Evaluate(FakeActivation()).is_unknown()) << text;
  }
}

TEST(LossyPathToBbr, ExpectsThreeTimesTheGoodput) {
  const auto expression =
      CompileBool("after.goodput_bps >= 3.0 * before.goodput_bps && after.retrans_ratio < 0.15");
  FakeActivation activation;
  activation.Set("before.goodput_bps", Value::Double(0.8e6));
  activation.Set("after.goodput_bps", Value::Double(66e6));
  activation.Set("after.retrans_ratio", Value::Double(0.011));
  EXPECT_TRUE(expression.Evaluate(activation).is_true());
  activation.Set("after.goodput_bps", Value::Double(0.9e6));
  EXPECT_TRUE(expression.Evaluate(activation).is_false());
}

TEST(LossyPathToBbr, AppliesWhenTrue) {
  EXPECT_TRUE(CompileBool("true").Evaluate(FakeActivation()).is_true());
  EXPECT_THAT(CompileBool("true").slots(), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic::expr
