#include "core/expr/functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/expr/arithmetic.h"
#include "core/expr/template.h"
#include "core/expr/text.h"

namespace tcpmedic::expr {
namespace {

using Style = Overload::Style;
using Arguments = absl::Span<const Value>;

constexpr Type kAny = Type::Nothing();
constexpr Type kInt = Type::Int();
constexpr Type kUint = Type::Uint();
constexpr Type kDouble = Type::Double();
constexpr Type kBool = Type::Bool();
constexpr Type kString = Type::String();
constexpr Type kBytes = Type::Bytes();
constexpr Type kDuration = Type::Duration();
constexpr Type kTimestamp = Type::Timestamp();
constexpr Type kIp = Type::Ip();
constexpr Type kCidr = Type::Cidr();
constexpr Type kAnyList = Type::List(Type::Nothing());
constexpr Type kAnyMap = Type::Map(Type::Nothing());

// Adapts a function of values to the table's signature.
template <Value (*function)(const Value&)>
Value Unary(Arguments arguments, Scratch*) {
  return function(arguments[0]);
}
template <Value (*function)(const Value&, const Value&)>
Value Binary(Arguments arguments, Scratch*) {
  return function(arguments[0], arguments[1]);
}
template <bool (*holds)(const Value&, const Value&)>
Value Test(Arguments arguments, Scratch*) {
  return Value::Bool(holds(arguments[0], arguments[1]));
}
template <std::string (*text)(double)>
Value NumberAsText(Arguments arguments, Scratch* scratch) {
  return scratch->String(text(*arguments[0].AsNumber()));
}

Value Not(const Value& a) { return Value::Bool(!a.as_bool()); }
bool NotEqual(const Value& a, const Value& b) { return !Equal(a, b); }
bool Less(const Value& a, const Value& b) { return Order(a, b) < 0; }
bool LessOrEqual(const Value& a, const Value& b) { return Order(a, b) <= 0; }
bool Greater(const Value& a, const Value& b) { return Order(a, b) > 0; }
bool GreaterOrEqual(const Value& a, const Value& b) { return Order(a, b) >= 0; }

absl::string_view TextOf(const Value& a) {
  return a.kind() == Kind::kBytes ? a.as_bytes() : a.as_string();
}

Value Concatenate(Arguments arguments, Scratch* scratch) {
  const Value joined = scratch->String(absl::StrCat(TextOf(arguments[0]), TextOf(arguments[1])));
  if (joined.is_error() || arguments[0].kind() == Kind::kString) return joined;
  return Value::Bytes(joined.as_string());
}

Value ConcatenateLists(Arguments arguments, Scratch* scratch) {
  const Arguments a = arguments[0].as_list();
  const Arguments b = arguments[1].as_list();
  Value* const joined = scratch->Values(a.size() + b.size());
  if (joined == nullptr) return Value::Error(Error::kTooLarge);
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), joined));
  return Value::List({joined, a.size() + b.size()});
}

bool InList(const Value& element, const Value& list) {
  return std::any_of(list.as_list().begin(), list.as_list().end(),
                     [&element](const Value& other) { return Equal(element, other); });
}

bool InMap(const Value& key, const Value& map) {
  return std::any_of(map.as_map().begin(), map.as_map().end(),
                     [&key](const MapEntry& entry) { return entry.key == key.as_string(); });
}

Value ListElement(const Value& list, const Value& index) {
  const Value position = ToInt(index);
  const Arguments elements = list.as_list();
  if (position.is_error() || position.as_int() < 0 ||
      static_cast<uint64_t>(position.as_int()) >= elements.size()) {
    return Value::Error(Error::kIndexOutOfRange);
  }
  return elements[position.as_int()];
}

Value MapValue(const Value& map, const Value& key) { return map.Lookup(key.as_string()); }

// Of a string in characters, as CEL has it.
Value Size(const Value& a) {
  size_t size = 0;
  switch (a.kind()) {
    case Kind::kString:
      size = std::count_if(a.as_string().begin(), a.as_string().end(),
                           [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
      break;
    case Kind::kBytes:
      size = a.as_bytes().size();
      break;
    case Kind::kList:
      size = a.as_list().size();
      break;
    default:
      size = a.as_map().size();
  }
  return Value::Int(static_cast<int64_t>(size));
}

bool StartsWith(const Value& a, const Value& b) {
  return absl::StartsWith(a.as_string(), b.as_string());
}
bool EndsWith(const Value& a, const Value& b) {
  return absl::EndsWith(a.as_string(), b.as_string());
}
bool Contains(const Value& a, const Value& b) {
  return absl::StrContains(a.as_string(), b.as_string());
}

Value Same(const Value& a) { return a; }

Value ToBool(const Value& a) {
  if (a.as_string() == "true") return Value::Bool(true);
  if (a.as_string() == "false") return Value::Bool(false);
  return Value::Error(Error::kBadConversion);
}

// Every digit, so that double(string(x)) == x.
Value DoubleToString(Arguments arguments, Scratch* scratch) {
  char digits[32];
  const auto [end, error] =
      std::to_chars(std::begin(digits), std::end(digits), arguments[0].as_double());
  return scratch->String({digits, static_cast<size_t>(end - digits)});
}

// As CEL has it: seconds, "5400s".
Value DurationToString(Arguments arguments, Scratch* scratch) {
  const double seconds = absl::ToDoubleSeconds(arguments[0].as_duration());
  char digits[64];
  const auto [end, error] =
      std::to_chars(std::begin(digits), std::end(digits), seconds, std::chars_format::fixed);
  if (error != std::errc()) return Value::Error(Error::kTooLarge);
  return scratch->String(absl::StrCat(absl::string_view(digits, end - digits), "s"));
}

Value OtherToString(Arguments arguments, Scratch* scratch) {
  return scratch->String(ToText(arguments[0]));
}

Value StringToBytes(const Value& a) { return Value::Bytes(a.as_string()); }
Value StringToDuration(const Value& a) { return ParseDuration(a.as_string()); }
Value StringToTimestamp(const Value& a) { return ParseTimestamp(a.as_string()); }

Value StringToIp(const Value& a) {
  const auto ip = IpAddress::Parse(a.as_string());
  return ip ? Value::Ip(*ip) : Value::Error(Error::kBadConversion);
}

Value StringToCidr(const Value& a) {
  const auto prefix = IpPrefix::Parse(a.as_string());
  return prefix ? Value::Cidr(*prefix) : Value::Error(Error::kBadConversion);
}

bool ContainsIp(const Value& cidr, const Value& ip) {
  return cidr.as_cidr().Contains(ip.as_ip()) || cidr.as_cidr().Contains(ip.as_ip().Unmapped());
}

Value SquareRoot(const Value& a) {
  const double number = *a.AsNumber();
  return number < 0 ? Value::Error(Error::kOutOfDomain) : Value::Double(std::sqrt(number));
}

std::vector<Overload> MakeTable() {
  std::vector<Overload> table = {
      {"!_", Style::kOperator, {kBool}, kBool, Unary<Not>},

      // These take any types that go together; the checker knows which.
      {"_==_", Style::kOperator, {kAny, kAny}, kBool, Test<Equal>},
      {"_!=_", Style::kOperator, {kAny, kAny}, kBool, Test<NotEqual>},
      {"_<_", Style::kOperator, {kAny, kAny}, kBool, Test<Less>},
      {"_<=_", Style::kOperator, {kAny, kAny}, kBool, Test<LessOrEqual>},
      {"_>_", Style::kOperator, {kAny, kAny}, kBool, Test<Greater>},
      {"_>=_", Style::kOperator, {kAny, kAny}, kBool, Test<GreaterOrEqual>},
      {"_in_", Style::kOperator, {kAny, kAnyList}, kBool, Test<InList>},
      {"_in_", Style::kOperator, {kString, kAnyMap}, kBool, Test<InMap>},
      {"_[_]", Style::kOperator, {kAnyList, kInt}, kAny, Binary<ListElement>},
      {"_[_]", Style::kOperator, {kAnyList, kUint}, kAny, Binary<ListElement>},
      {"_[_]", Style::kOperator, {kAnyMap, kString}, kAny, Binary<MapValue>},
      {"_+_", Style::kOperator, {kAnyList, kAnyList}, kAnyList, ConcatenateLists},

      {"_+_", Style::kOperator, {kString, kString}, kString, Concatenate},
      {"_+_", Style::kOperator, {kBytes, kBytes}, kBytes, Concatenate},
      {"_+_", Style::kOperator, {kDuration, kDuration}, kDuration, Binary<Add>},
      {"_+_", Style::kOperator, {kTimestamp, kDuration}, kTimestamp, Binary<Add>},
      {"_+_", Style::kOperator, {kDuration, kTimestamp}, kTimestamp, Binary<Add>},
      {"_-_", Style::kOperator, {kDuration, kDuration}, kDuration, Binary<Subtract>},
      {"_-_", Style::kOperator, {kTimestamp, kDuration}, kTimestamp, Binary<Subtract>},
      {"_-_", Style::kOperator, {kTimestamp, kTimestamp}, kDuration, Binary<Subtract>},

      {"startsWith", Style::kMember, {kString, kString}, kBool, Test<StartsWith>},
      {"endsWith", Style::kMember, {kString, kString}, kBool, Test<EndsWith>},
      {"contains", Style::kMember, {kString, kString}, kBool, Test<Contains>},

      {"bool", Style::kFunction, {kBool}, kBool, Unary<Same>},
      {"bool", Style::kFunction, {kString}, kBool, Unary<ToBool>},
      {"int", Style::kFunction, {kString}, kInt, Unary<ToInt>},
      {"int", Style::kFunction, {kTimestamp}, kInt, Unary<ToInt>},
      {"uint", Style::kFunction, {kString}, kUint, Unary<ToUint>},
      {"double", Style::kFunction, {kString}, kDouble, Unary<ToDouble>},
      {"string", Style::kFunction, {kString}, kString, Unary<Same>},
      {"string", Style::kFunction, {kDouble}, kString, DoubleToString},
      {"string", Style::kFunction, {kDuration}, kString, DurationToString},
      {"bytes", Style::kFunction, {kString}, kBytes, Unary<StringToBytes>},
      {"duration", Style::kFunction, {kString}, kDuration, Unary<StringToDuration>},
      {"timestamp", Style::kFunction, {kString}, kTimestamp, Unary<StringToTimestamp>},

      {"ip", Style::kFunction, {kString}, kIp, Unary<StringToIp>},
      {"cidr", Style::kFunction, {kString}, kCidr, Unary<StringToCidr>},
      {"containsIP", Style::kMember, {kCidr, kIp}, kBool, Test<ContainsIp>},
  };
  for (const Type type : {kInt, kUint, kDouble}) {
    table.push_back({"_+_", Style::kOperator, {type, type}, type, Binary<Add>});
    table.push_back({"_-_", Style::kOperator, {type, type}, type, Binary<Subtract>});
    table.push_back({"_*_", Style::kOperator, {type, type}, type, Binary<Multiply>});
    table.push_back({"_/_", Style::kOperator, {type, type}, type, Binary<Divide>});
    table.push_back({"int", Style::kFunction, {type}, kInt, Unary<ToInt>});
    table.push_back({"uint", Style::kFunction, {type}, kUint, Unary<ToUint>});
    table.push_back({"double", Style::kFunction, {type}, kDouble, Unary<ToDouble>});
    table.push_back({"sqrt", Style::kFunction, {type}, kDouble, Unary<SquareRoot>});
    table.push_back({"bitrate", Style::kFunction, {type}, kString, NumberAsText<BitrateText>});
    table.push_back({"percent", Style::kFunction, {type}, kString, NumberAsText<PercentText>});
    table.push_back({"bytes", Style::kFunction, {type}, kString, NumberAsText<BytesText>});
  }
  for (const Type type : {kInt, kUint}) {
    table.push_back({"_%_", Style::kOperator, {type, type}, type, Binary<Remainder>});
  }
  for (const Type type : {kInt, kDouble, kDuration}) {
    table.push_back({"-_", Style::kOperator, {type}, type, Unary<Negate>});
    table.push_back({"abs", Style::kFunction, {type}, type, Unary<Absolute>});
  }
  for (const Type type : {kString, kBytes, kAnyList, kAnyMap}) {
    table.push_back({"size", Style::kFunction, {type}, kInt, Unary<Size>});
    table.push_back({"size", Style::kMember, {type}, kInt, Unary<Size>});
  }
  for (const Type type : {kBool, kInt, kUint, kTimestamp, kIp, kCidr}) {
    table.push_back({"string", Style::kFunction, {type}, kString, OtherToString});
  }
  return table;
}

}  // namespace

Value MakeList(absl::Span<const Value> elements, Scratch* scratch) {
  Value* const copy = scratch->Values(elements.size());
  if (copy == nullptr) return Value::Error(Error::kTooLarge);
  std::copy(elements.begin(), elements.end(), copy);
  return Value::List({copy, elements.size()});
}

Value MakeMap(absl::Span<const Value> keys_and_values, Scratch* scratch) {
  const size_t size = keys_and_values.size() / 2;
  MapEntry* const entries = scratch->Entries(size);
  if (entries == nullptr) return Value::Error(Error::kTooLarge);
  for (size_t i = 0; i < size; ++i) {
    const absl::string_view key = keys_and_values[2 * i].as_string();
    const bool twice = std::any_of(entries, entries + i,
                                   [key](const MapEntry& entry) { return entry.key == key; });
    if (twice) return Value::Error(Error::kDuplicateKey);
    entries[i] = {key, keys_and_values[2 * i + 1]};
  }
  return Value::Map({entries, size});
}

absl::Span<const Overload> Overloads() {
  static const std::vector<Overload>* const table = new std::vector<Overload>(MakeTable());
  return *table;
}

std::vector<const Overload*> OverloadsOf(absl::string_view name, Overload::Style style) {
  std::vector<const Overload*> found;
  for (const Overload& overload : Overloads()) {
    if (overload.name == name && overload.style == style) found.push_back(&overload);
  }
  return found;
}

}  // namespace tcpmedic::expr
