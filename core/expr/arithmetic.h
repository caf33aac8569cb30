// Arithmetic on known values: CEL's rules, in which integers, durations and timestamps that leave
// their range are an error and never wrap. Both operands are of the same kind, except where a
// duration meets a timestamp. Pure.
#ifndef TCPMEDIC_CORE_EXPR_ARITHMETIC_H_
#define TCPMEDIC_CORE_EXPR_ARITHMETIC_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

Value Add(const Value& a, const Value& b);  // int, uint, double, duration, timestamp + duration
Value Subtract(const Value& a, const Value& b);
Value Multiply(const Value& a, const Value& b);   // int, uint, double
Value Divide(const Value& a, const Value& b);     // int, uint, double
Value Remainder(const Value& a, const Value& b);  // int, uint
Value Negate(const Value& a);                     // int, double, duration
Value Absolute(const Value& a);                   // int, double, duration

// Conversions of numbers and of text; kBadConversion or kOverflow where there is no such value.
Value ToInt(const Value& a);
Value ToUint(const Value& a);
Value ToDouble(const Value& a);

// "1h30m", "40ms", "-1.5s".
Value ParseDuration(absl::string_view text);
// RFC 3339, in the years 1 to 9999: "2026-01-31T12:00:00Z".
Value ParseTimestamp(absl::string_view text);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_ARITHMETIC_H_
