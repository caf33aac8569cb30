#include "core/expr/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tcpmedic::expr {
namespace {

TEST(SlotSet, KeepsSlotsOfEveryWord) {
  SlotSet set;
  for (const int slot : {191, 0, 64, 63, 128}) set.Add(slot);
  EXPECT_THAT(set.slots(), testing::ElementsAre(0, 63, 64, 128, 191));
  EXPECT_FALSE(set.Contains(1));
}

TEST(SlotSet, MergeIsTheUnion) {
  SlotSet a;
  a.Add(1);
  SlotSet b;
  b.Add(100);
  a.Merge(b);
  EXPECT_THAT(a.slots(), testing::ElementsAre(1, 100));
  EXPECT_TRUE(SlotSet().empty());
  EXPECT_FALSE(a.empty());
}

TEST(Value, DefaultIsNull) { EXPECT_EQ(Value().kind(), Kind::kNull); }

TEST(Value, UnknownAndErrorAreNeitherTrueNorFalse) {
  for (const Value& value : {Value::Unknown(0), Value::Error(Error::kOverflow), Value::Int(1)}) {
    EXPECT_FALSE(value.is_true());
    EXPECT_FALSE(value.is_false());
  }
}

TEST(Value, AsNumberTakesEveryKindOfNumberAndNothingElse) {
  EXPECT_EQ(Value::Int(-3).AsNumber(), -3.0);
  EXPECT_EQ(Value::Uint(3).AsNumber(), 3.0);
  EXPECT_EQ(Value::Double(0.5).AsNumber(), 0.5);
  EXPECT_EQ(Value::String("3").AsNumber(), std::nullopt);
  EXPECT_EQ(Value::Unknown(1).AsNumber(), std::nullopt);
}

TEST(ValueDeathTest, ReadAsAnotherKindStopsTheProgram) {
  EXPECT_DEATH(Value::Int(1).as_double(), "value was read as another kind");
}

TEST(Lookup, OfAMissingKeyIsAnErrorInALiteralAndUnknownInAnAttribute) {
  const MapEntry entries[] = {{"a", Value::Int(1)}};
  const Value map = Value::Map(entries);
  EXPECT_EQ(map.Lookup("a").as_int(), 1);
  EXPECT_EQ(map.Lookup("b").error(), Error::kNoSuchKey);
  EXPECT_THAT(map.WithOrigin(5).Lookup("b").missing().slots(), testing::ElementsAre(5));
}

TEST(Order, OfMixedNumbersIsExactAtTheLimits) {
  constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMinInt = std::numeric_limits<int64_t>::min();
  constexpr uint64_t kMaxUint = std::numeric_limits<uint64_t>::max();
  EXPECT_TRUE(Order(Value::Int(kMaxInt), Value::Double(0x1p63)) < 0);
  EXPECT_TRUE(Order(Value::Double(0x1p63), Value::Int(kMaxInt)) > 0);
  EXPECT_TRUE(Order(Value::Int(kMinInt), Value::Double(-0x1p63)) == 0);
  EXPECT_TRUE(Order(Value::Int(kMinInt), Value::Double(-0x1p64)) > 0);
  EXPECT_TRUE(Order(Value::Uint(kMaxUint), Value::Double(0x1p64)) < 0);
  EXPECT_TRUE(Order(Value::Uint(kMaxUint), Value::Int(-1)) > 0);
  EXPECT_TRUE(Order(Value::Int(kMinInt), Value::Uint(kMaxUint)) < 0);
  EXPECT_TRUE(Order(Value::Int(-2), Value::Double(-1.5)) < 0);
  EXPECT_TRUE(Order(Value::Int(-1), Value::Double(-1.5)) > 0);
  EXPECT_TRUE(Order(Value::Uint(0), Value::Double(-0.5)) > 0);
}

TEST(Order, OfNotANumberAndOfDifferentKindsIsUnordered) {
  const Value nan = Value::Double(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(Order(nan, Value::Int(1)), std::partial_ordering::unordered);
  EXPECT_EQ(Order(Value::Uint(1), nan), std::partial_ordering::unordered);
  EXPECT_EQ(Order(Value::String("1"), Value::Int(1)), std::partial_ordering::unordered);
  EXPECT_EQ(Order(Value::Null(), Value::Null()), std::partial_ordering::unordered);
}

TEST(Equal, UnknownEqualsNothing) {
  EXPECT_FALSE(Equal(Value::Unknown(1), Value::Unknown(1)));
  EXPECT_FALSE(Equal(Value::Error(Error::kOverflow), Value::Error(Error::kOverflow)));
}

TEST(Type, NestsAndPrints) {
  const Type nested = Type::Map(Type::List(Type::Duration()));
  EXPECT_EQ(nested.ToString(), "map(string, list(duration))");
  EXPECT_EQ(nested.depth(), 3);
  EXPECT_EQ(nested.element(), Type::List(Type::Duration()));
  EXPECT_FALSE(nested == Type::List(Type::Duration()));
}

}  // namespace
}  // namespace tcpmedic::expr
