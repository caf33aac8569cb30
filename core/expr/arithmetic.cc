#include "core/expr/arithmetic.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/numbers.h"

namespace tcpmedic::expr {
namespace {

Value Overflow() { return Value::Error(Error::kOverflow); }

// The range of a Protobuf duration, about 10,000 years either way, so that every value can be
// stored.
Value Checked(absl::Duration duration) {
  const absl::Duration limit = absl::Seconds(315'576'000'000);
  return duration > limit || duration < -limit ? Overflow() : Value::Duration(duration);
}

// CEL's range, which is that of RFC 3339.
Value Checked(absl::Time time) {
  static const absl::Time first = absl::FromUnixSeconds(-62135596800);  // 0001-01-01
  static const absl::Time end = absl::FromUnixSeconds(253402300800);    // 10000-01-01
  return time < first || time >= end ? Overflow() : Value::Timestamp(time);
}

constexpr int64_t kLowestInt = std::numeric_limits<int64_t>::min();

// Truncates towards zero; nullopt for what is outside of Integer's range, and for NaN.
template <typename Integer>
std::optional<Integer> Truncate(double number) {
  constexpr double kAbove = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
  const double whole = std::trunc(number);
  const double lowest = std::is_signed_v<Integer> ? -0x1p63 : 0.0;
  if (!(whole >= lowest && whole < kAbove)) return std::nullopt;
  return static_cast<Integer>(whole);
}

}  // namespace

Value Add(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt: {
      int64_t sum = 0;
      const bool overflow = __builtin_add_overflow(a.as_int(), b.as_int(), &sum);
      return overflow ? Overflow() : Value::Int(sum);
    }
    case Kind::kUint: {
      uint64_t sum = 0;
      const bool overflow = __builtin_add_overflow(a.as_uint(), b.as_uint(), &sum);
      return overflow ? Overflow() : Value::Uint(sum);
    }
    case Kind::kDouble:
      return Value::Double(a.as_double() + b.as_double());
    case Kind::kTimestamp:
      return Checked(a.as_timestamp() + b.as_duration());
    default:
      if (b.kind() == Kind::kTimestamp) return Add(b, a);
      return Checked(a.as_duration() + b.as_duration());
  }
}

Value Subtract(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt: {
      int64_t difference = 0;
      const bool overflow = __builtin_sub_overflow(a.as_int(), b.as_int(), &difference);
      return overflow ? Overflow() : Value::Int(difference);
    }
    case Kind::kUint: {
      uint64_t difference = 0;
      const bool overflow = __builtin_sub_overflow(a.as_uint(), b.as_uint(), &difference);
      return overflow ? Overflow() : Value::Uint(difference);
    }
    case Kind::kDouble:
      return Value::Double(a.as_double() - b.as_double());
    case Kind::kTimestamp:
      if (b.kind() == Kind::kTimestamp) return Checked(a.as_timestamp() - b.as_timestamp());
      return Checked(a.as_timestamp() - b.as_duration());
    default:
      return Checked(a.as_duration() - b.as_duration());
  }
}

Value Multiply(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt: {
      int64_t product = 0;
      const bool overflow = __builtin_mul_overflow(a.as_int(), b.as_int(), &product);
      return overflow ? Overflow() : Value::Int(product);
    }
    case Kind::kUint: {
      uint64_t product = 0;
      const bool overflow = __builtin_mul_overflow(a.as_uint(), b.as_uint(), &product);
      return overflow ? Overflow() : Value::Uint(product);
    }
    default:
      return Value::Double(a.as_double() * b.as_double());
  }
}

Value Divide(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      if (b.as_int() == 0) return Value::Error(Error::kDivisionByZero);
      if (a.as_int() == kLowestInt && b.as_int() == -1) return Overflow();
      return Value::Int(a.as_int() / b.as_int());
    case Kind::kUint:
      if (b.as_uint() == 0) return Value::Error(Error::kDivisionByZero);
      return Value::Uint(a.as_uint() / b.as_uint());
    default:
      return Value::Double(a.as_double() / b.as_double());
  }
}

Value Remainder(const Value& a, const Value& b) {
  if (a.kind() == Kind::kUint) {
    if (b.as_uint() == 0) return Value::Error(Error::kDivisionByZero);
    return Value::Uint(a.as_uint() % b.as_uint());
  }
  if (b.as_int() == 0) return Value::Error(Error::kDivisionByZero);
  // The quotient of the lowest int by -1 does not exist, and the processor traps on it.
  if (b.as_int() == -1) return Value::Int(0);
  return Value::Int(a.as_int() % b.as_int());
}

Value Negate(const Value& a) {
  if (a.kind() == Kind::kDouble) return Value::Double(-a.as_double());
  if (a.kind() == Kind::kDuration) return Checked(-a.as_duration());
  return a.as_int() == kLowestInt ? Overflow() : Value::Int(-a.as_int());
}

Value Absolute(const Value& a) {
  if (a.kind() == Kind::kDouble) return Value::Double(std::fabs(a.as_double()));
  const bool negative =
      a.kind() == Kind::kInt ? a.as_int() < 0 : a.as_duration() < absl::ZeroDuration();
  return negative ? Negate(a) : a;
}

Value ToInt(const Value& a) {
  std::optional<int64_t> result;
  switch (a.kind()) {
    case Kind::kUint:
      if (a.as_uint() > std::numeric_limits<int64_t>::max()) return Overflow();
      return Value::Int(static_cast<int64_t>(a.as_uint()));
    case Kind::kDouble:
      result = Truncate<int64_t>(a.as_double());
      return result ? Value::Int(*result) : Overflow();
    case Kind::kTimestamp:
      return Value::Int(absl::ToUnixSeconds(a.as_timestamp()));
    case Kind::kString: {
      int64_t parsed;
      if (!absl::SimpleAtoi(a.as_string(), &parsed)) return Value::Error(Error::kBadConversion);
      return Value::Int(parsed);
    }
    default:
      return a;
  }
}

Value ToUint(const Value& a) {
  std::optional<uint64_t> result;
  switch (a.kind()) {
    case Kind::kInt:
      return a.as_int() < 0 ? Overflow() : Value::Uint(static_cast<uint64_t>(a.as_int()));
    case Kind::kDouble:
      result = Truncate<uint64_t>(a.as_double());
      return result ? Value::Uint(*result) : Overflow();
    case Kind::kString: {
      uint64_t parsed;
      if (!absl::SimpleAtoi(a.as_string(), &parsed)) return Value::Error(Error::kBadConversion);
      return Value::Uint(parsed);
    }
    default:
      return a;
  }
}

Value ToDouble(const Value& a) {
  if (const std::optional<double> number = a.AsNumber()) return Value::Double(*number);
  double parsed;
  if (!absl::SimpleAtod(a.as_string(), &parsed)) return Value::Error(Error::kBadConversion);
  return Value::Double(parsed);
}

Value ParseDuration(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) return Value::Error(Error::kBadConversion);
  return Checked(duration);
}

Value ParseTimestamp(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return Value::Error(Error::kBadConversion);
  }
  return Checked(time);
}

}  // namespace tcpmedic::expr
