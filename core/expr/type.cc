#include "core/expr/type.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic::expr {

absl::string_view Name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kDuration:
      return "duration";
    case Kind::kTimestamp:
      return "timestamp";
    case Kind::kIp:
      return "ip";
    case Kind::kCidr:
      return "cidr";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kUnknown:
      return "unknown";
    case Kind::kError:
      return "error";
    case Kind::kNothing:
      return "nothing";
  }
  return "invalid";
}

std::string Type::ToString() const {
  switch (kind()) {
    case Kind::kList:
      if (element() == Nothing()) return "list";
      return absl::StrCat("list(", element().ToString(), ")");
    case Kind::kMap:
      if (element() == Nothing()) return "map";
      return absl::StrCat("map(string, ", element().ToString(), ")");
    default:
      return std::string(Name(kind()));
  }
}

}  // namespace tcpmedic::expr
