// What an expression evaluates to: a known value of one of the language's types, or unknown (with
// the slots that were missing), or an error. 32 bytes, trivially copyable, never allocates.
// Strings, bytes, lists and maps are views: they live as long as the activation, the expression or
// the Scratch that they came from. Pure.
#ifndef TCPMEDIC_CORE_EXPR_VALUE_H_
#define TCPMEDIC_CORE_EXPR_VALUE_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/expr/type.h"
#include "core/ip_address.h"

namespace tcpmedic::expr {

// A set of a schema's slots. A schema has at most kMaxSlots attributes.
class SlotSet {
 public:
  static constexpr int kMaxSlots = 192;

  void Add(int slot) { words_.at(slot / 64) |= uint64_t{1} << (slot % 64); }
  bool Contains(int slot) const { return words_.at(slot / 64) >> (slot % 64) & 1; }
  void Merge(const SlotSet& other);
  bool empty() const { return words_ == decltype(words_){}; }
  std::vector<int> slots() const;  // ascending

  bool operator==(const SlotSet&) const = default;

 private:
  std::array<uint64_t, kMaxSlots / 64> words_{};
};

// Why an evaluation has no value although nothing was missing.
enum class Error : uint8_t {
  kOverflow,         // an int, uint, duration or timestamp would leave its range
  kDivisionByZero,   // of ints or uints; doubles give infinity
  kNoSuchKey,        // of a map written in the expression; an attribute's missing key is unknown
  kIndexOutOfRange,  // of a list
  kDuplicateKey,     // in a map literal
  kBadConversion,    // int("x"), ip("x")
  kOutOfDomain,      // sqrt() of a negative number
  kTooLarge,         // over the bounds on built text and lists, or on loop steps
  kWrongType,        // the activation gave a value that is not of the schema's type
  kNoScratch,        // the result is a text or list that was built, and no Scratch was given
};
absl::string_view Describe(Error error);  // "division by zero"

class Value;
struct MapEntry;

class Value {
 public:
  constexpr Value() = default;  // null

  static Value Null() { return Value(); }
  static Value Bool(bool value) { return Value(Payload(value)); }
  static Value Int(int64_t value) { return Value(Payload(value)); }
  static Value Uint(uint64_t value) { return Value(Payload(value)); }
  static Value Double(double value) { return Value(Payload(value)); }
  static Value String(absl::string_view value) { return Value(Payload(value)); }
  static Value Bytes(absl::string_view value) { return Value(Payload(BytesView{value})); }
  static Value Duration(absl::Duration value) { return Value(Payload(value)); }
  static Value Timestamp(absl::Time value) { return Value(Payload(value)); }
  static Value Ip(const IpAddress& value) { return Value(Payload(value)); }
  static Value Cidr(const IpPrefix& value) { return Value(Payload(value)); }
  static Value List(absl::Span<const Value> elements);
  static Value Map(absl::Span<const MapEntry> entries);  // each key once, in any order
  static Value Unknown(int missing_slot);
  static Value Unknown(const SlotSet& missing) { return Value(Payload(missing)); }
  static Value Error(expr::Error error) { return Value(Payload(error)); }

  Kind kind() const { return static_cast<Kind>(payload_.index()); }
  bool is_known() const { return kind() < Kind::kUnknown; }
  bool is_unknown() const { return kind() == Kind::kUnknown; }
  bool is_error() const { return kind() == Kind::kError; }
  // Known, and that truth value: what signatures and policies ask for.
  bool is_true() const { return kind() == Kind::kBool && as_bool(); }
  bool is_false() const { return kind() == Kind::kBool && !as_bool(); }

  // Each requires its kind.
  bool as_bool() const { return As<bool>(); }
  int64_t as_int() const { return As<int64_t>(); }
  uint64_t as_uint() const { return As<uint64_t>(); }
  double as_double() const { return As<double>(); }
  absl::string_view as_string() const { return As<absl::string_view>(); }
  absl::string_view as_bytes() const { return As<BytesView>().bytes; }
  absl::Duration as_duration() const { return As<absl::Duration>(); }
  absl::Time as_timestamp() const { return As<absl::Time>(); }
  const IpAddress& as_ip() const { return As<IpAddress>(); }
  const IpPrefix& as_cidr() const { return As<IpPrefix>(); }
  absl::Span<const Value> as_list() const;
  absl::Span<const MapEntry> as_map() const;
  const SlotSet& missing() const { return As<SlotSet>(); }  // of an unknown
  expr::Error error() const { return As<expr::Error>(); }

  // Any int, uint or double as a double; nullopt for every other kind.
  std::optional<double> AsNumber() const;

  // The value under `key` in a map: error kNoSuchKey where there is none, but unknown in an
  // attribute's map.
  Value Lookup(absl::string_view key) const;
  // Marks a map as the attribute in `slot`, so that Lookup knows. Other kinds are unchanged.
  Value WithOrigin(int slot) const;

 private:
  struct BytesView {
    absl::string_view bytes;
  };
  struct ListView {
    const Value* elements;
    size_t size;
  };
  struct MapView {
    const MapEntry* entries;
    uint32_t size;
    int32_t origin;  // the attribute's slot; -1: not an attribute
  };
  // In the order of Kind.
  using Payload = std::variant<std::monostate, bool, int64_t, uint64_t, double, absl::string_view,
                               BytesView, absl::Duration, absl::Time, IpAddress, IpPrefix, ListView,
                               MapView, SlotSet, expr::Error>;

  explicit Value(const Payload& payload) : payload_(payload) {}
  template <typename T>
  const T& As() const {
    const T* const value = std::get_if<T>(&payload_);
    if (value == nullptr) DieOfWrongKind();
    return *value;
  }
  [[noreturn]] void DieOfWrongKind() const;

  Payload payload_;
};
static_assert(sizeof(Value) == 32);

struct MapEntry {
  absl::string_view key;
  Value value;
};

// Of known values: numbers compare by their mathematical value whatever their kinds, lists and maps
// by their elements, an IPv4 address equals its v4-mapped IPv6 form. Values of different kinds are
// unequal, and so are NaNs.
bool Equal(const Value& a, const Value& b);

// The order of two numbers of any kinds, or of two bools, strings, bytes, durations or timestamps.
// Unordered for NaN and for everything else.
std::partial_ordering Order(const Value& a, const Value& b);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_VALUE_H_
