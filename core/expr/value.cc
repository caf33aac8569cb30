#include "core/expr/value.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <type_traits>

namespace tcpmedic::expr {
namespace {

static_assert(std::is_trivially_copyable_v<Value>);

// Exact: an int64 above 2^53 has no double of its own, so the double comes to the integers instead.
template <typename Integer>
std::partial_ordering OrderMixed(Integer integer, double number) {
  if (std::isnan(number)) return std::partial_ordering::unordered;
  // Both limits are powers of two, so doubles hold them exactly.
  constexpr double kAbove = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
  constexpr double kLowest = std::is_signed_v<Integer> ? -0x1p63 : 0.0;
  if (number >= kAbove) return std::partial_ordering::less;
  if (number < kLowest) return std::partial_ordering::greater;
  const double whole = std::floor(number);
  const auto floor = static_cast<Integer>(whole);
  if (integer != floor) return integer <=> floor;
  return whole < number ? std::partial_ordering::less : std::partial_ordering::equivalent;
}

std::partial_ordering OrderMixed(int64_t a, uint64_t b) {
  if (a < 0) return std::partial_ordering::less;
  return static_cast<uint64_t>(a) <=> b;
}

std::partial_ordering Reverse(std::partial_ordering order) { return 0 <=> order; }

bool IsNumber(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDouble;
}

std::partial_ordering OrderNumbers(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      if (b.kind() == Kind::kInt) return a.as_int() <=> b.as_int();
      if (b.kind() == Kind::kUint) return OrderMixed(a.as_int(), b.as_uint());
      return OrderMixed(a.as_int(), b.as_double());
    case Kind::kUint:
      if (b.kind() == Kind::kInt) return Reverse(OrderMixed(b.as_int(), a.as_uint()));
      if (b.kind() == Kind::kUint) return a.as_uint() <=> b.as_uint();
      return OrderMixed(a.as_uint(), b.as_double());
    default:
      if (b.kind() == Kind::kInt) return Reverse(OrderMixed(b.as_int(), a.as_double()));
      if (b.kind() == Kind::kUint) return Reverse(OrderMixed(b.as_uint(), a.as_double()));
      return a.as_double() <=> b.as_double();
  }
}

const Value* Find(absl::Span<const MapEntry> entries, absl::string_view key) {
  for (const MapEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

bool EqualMaps(absl::Span<const MapEntry> a, absl::Span<const MapEntry> b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [b](const MapEntry& entry) {
           const Value* const other = Find(b, entry.key);
           return other != nullptr && Equal(entry.value, *other);
         });
}

}  // namespace

void SlotSet::Merge(const SlotSet& other) {
  for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
}

std::vector<int> SlotSet::slots() const {
  std::vector<int> slots;
  for (int slot = 0; slot < kMaxSlots; ++slot) {
    if (Contains(slot)) slots.push_back(slot);
  }
  return slots;
}

absl::string_view Describe(Error error) {
  switch (error) {
    case Error::kOverflow:
      return "the result is out of range";
    case Error::kDivisionByZero:
      return "division by zero";
    case Error::kNoSuchKey:
      return "the map has no such key";
    case Error::kIndexOutOfRange:
      return "the index is outside of the list";
    case Error::kDuplicateKey:
      return "the map has this key twice";
    case Error::kBadConversion:
      return "this cannot be converted";
    case Error::kOutOfDomain:
      return "a negative number has no square root";
    case Error::kTooLarge:
      return "the result is too large";
    case Error::kWrongType:
      return "the attribute's value has another type than its schema says";
    case Error::kNoScratch:
      return "the result is a text that has no place to live";
  }
  return "invalid error";
}

Value Value::List(absl::Span<const Value> elements) {
  return Value(Payload(ListView{elements.data(), elements.size()}));
}

Value Value::Map(absl::Span<const MapEntry> entries) {
  return Value(Payload(MapView{entries.data(), static_cast<uint32_t>(entries.size()), -1}));
}

Value Value::Unknown(int missing_slot) {
  SlotSet missing;
  missing.Add(missing_slot);
  return Unknown(missing);
}

absl::Span<const Value> Value::as_list() const {
  const ListView& list = As<ListView>();
  return {list.elements, list.size};
}

absl::Span<const MapEntry> Value::as_map() const {
  const MapView& map = As<MapView>();
  return {map.entries, map.size};
}

std::optional<double> Value::AsNumber() const {
  switch (kind()) {
    case Kind::kInt:
      return static_cast<double>(as_int());
    case Kind::kUint:
      return static_cast<double>(as_uint());
    case Kind::kDouble:
      return as_double();
    default:
      return std::nullopt;
  }
}

Value Value::Lookup(absl::string_view key) const {
  if (const Value* const found = Find(as_map(), key)) return *found;
  const int origin = As<MapView>().origin;
  return origin < 0 ? Error(expr::Error::kNoSuchKey) : Unknown(origin);
}

Value Value::WithOrigin(int slot) const {
  Value marked = *this;
  if (auto* const map = std::get_if<MapView>(&marked.payload_)) map->origin = slot;
  return marked;
}

void Value::DieOfWrongKind() const {
  assert(false && "an expression value was read as another kind");
  std::abort();
}

bool Equal(const Value& a, const Value& b) {
  if (IsNumber(a.kind()) && IsNumber(b.kind())) return OrderNumbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kIp:
      return a.as_ip().Unmapped() == b.as_ip().Unmapped();
    case Kind::kCidr:
      return a.as_cidr().length == b.as_cidr().length && a.as_cidr().address == b.as_cidr().address;
    case Kind::kList:
      return std::equal(a.as_list().begin(), a.as_list().end(), b.as_list().begin(),
                        b.as_list().end(), Equal);
    case Kind::kMap:
      return EqualMaps(a.as_map(), b.as_map());
    case Kind::kUnknown:
    case Kind::kError:
      return false;
    default:
      return Order(a, b) == 0;
  }
}

std::partial_ordering Order(const Value& a, const Value& b) {
  if (IsNumber(a.kind()) && IsNumber(b.kind())) return OrderNumbers(a, b);
  if (a.kind() != b.kind()) return std::partial_ordering::unordered;
  switch (a.kind()) {
    case Kind::kBool:
      return a.as_bool() <=> b.as_bool();
    case Kind::kString:
      return a.as_string().compare(b.as_string()) <=> 0;
    case Kind::kBytes:
      return a.as_bytes().compare(b.as_bytes()) <=> 0;
    case Kind::kDuration:
      if (a.as_duration() == b.as_duration()) return std::partial_ordering::equivalent;
      return a.as_duration() < b.as_duration() ? std::partial_ordering::less
                                               : std::partial_ordering::greater;
    case Kind::kTimestamp:
      if (a.as_timestamp() == b.as_timestamp()) return std::partial_ordering::equivalent;
      return a.as_timestamp() < b.as_timestamp() ? std::partial_ordering::less
                                                 : std::partial_ordering::greater;
    default:
      return std::partial_ordering::unordered;
  }
}

}  // namespace tcpmedic::expr
