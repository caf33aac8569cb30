// The static types of the expression language: bool, int, uint, double, string, bytes, duration,
// timestamp, ip, cidr, null, list(T) and map(string, T). A Type is an eight-byte plain value; pure.
#ifndef TCPMEDIC_CORE_EXPR_TYPE_H_
#define TCPMEDIC_CORE_EXPR_TYPE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic::expr {

// What a value is. A known value has one of the kinds up to kMap. kUnknown and kError are what
// evaluation gives instead of a value, whatever the static type; kNothing is only a type: the
// element of the literal [], which fits any.
enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDuration,
  kTimestamp,
  kIp,
  kCidr,
  kList,
  kMap,
  kUnknown,
  kError,
  kNothing,
};
absl::string_view Name(Kind kind);

class Type {
 public:
  constexpr Type() : Type(Kind::kNothing) {}

  static constexpr Type Null() { return Type(Kind::kNull); }
  static constexpr Type Bool() { return Type(Kind::kBool); }
  static constexpr Type Int() { return Type(Kind::kInt); }
  static constexpr Type Uint() { return Type(Kind::kUint); }
  static constexpr Type Double() { return Type(Kind::kDouble); }
  static constexpr Type String() { return Type(Kind::kString); }
  static constexpr Type Bytes() { return Type(Kind::kBytes); }
  static constexpr Type Duration() { return Type(Kind::kDuration); }
  static constexpr Type Timestamp() { return Type(Kind::kTimestamp); }
  static constexpr Type Ip() { return Type(Kind::kIp); }
  static constexpr Type Cidr() { return Type(Kind::kCidr); }
  static constexpr Type Nothing() { return Type(Kind::kNothing); }
  // Only while compiling: of what is a mistake and reported already.
  static constexpr Type Poison() { return Type(Kind::kError); }
  // `element` has a depth below kMaxDepth.
  static constexpr Type List(Type element) { return Type(Kind::kList, element); }
  static constexpr Type Map(Type value) { return Type(Kind::kMap, value); }  // keys are strings

  // list(list(int)) has depth 3.
  static constexpr int kMaxDepth = 12;
  constexpr int depth() const { return is_container() ? 1 + element().depth() : 1; }

  constexpr Kind kind() const { return static_cast<Kind>(code_ & kLevelMask); }
  // Of a list its elements' type, of a map its values'; of anything else null.
  constexpr Type element() const {
    Type type;
    type.code_ = code_ >> kLevelBits;
    return type;
  }
  constexpr bool is_numeric() const {
    return kind() == Kind::kInt || kind() == Kind::kUint || kind() == Kind::kDouble;
  }
  constexpr bool is_container() const { return kind() == Kind::kList || kind() == Kind::kMap; }

  constexpr bool operator==(const Type&) const = default;

  std::string ToString() const;  // "list(int)", "map(string, double)"

 private:
  // One level of nesting in five bits, the outermost lowest.
  static constexpr int kLevelBits = 5;
  static constexpr uint64_t kLevelMask = (1 << kLevelBits) - 1;

  constexpr explicit Type(Kind kind) : code_(static_cast<uint64_t>(kind)) {}
  constexpr Type(Kind kind, Type element)
      : code_(static_cast<uint64_t>(kind) | element.code_ << kLevelBits) {}

  uint64_t code_;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_TYPE_H_
