// The language's functions and operators, with their types: one table, which the checker resolves
// calls against and the machine calls into. Pure; immutable.
#ifndef TCPMEDIC_CORE_EXPR_FUNCTIONS_H_
#define TCPMEDIC_CORE_EXPR_FUNCTIONS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/expr/scratch.h"
#include "core/expr/type.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

struct Overload {
  enum class Style { kOperator, kFunction, kMember };  // a + b, size(a), a.size()

  absl::string_view name;  // operators as CEL names them: "_+_", "!_", "_[_]"
  Style style;
  // Nothing stands for any type here, and list(nothing) for any list: operators on those have rules
  // of their own.
  std::vector<Type> parameters;
  Type result;
  // `arguments` are known values of the parameters' types. What it builds is in `scratch`.
  Value (*call)(absl::Span<const Value> arguments, Scratch* scratch);
};

// The table. An Overload never moves, so that a program can point to it.
absl::Span<const Overload> Overloads();

// All that are called `name` in that style, in the table's order.
std::vector<const Overload*> OverloadsOf(absl::string_view name, Overload::Style style);

// List and map literals, of known values. Keys are strings; kDuplicateKey where one is there twice.
Value MakeList(absl::Span<const Value> elements, Scratch* scratch);
Value MakeMap(absl::Span<const Value> keys_and_values, Scratch* scratch);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_FUNCTIONS_H_
