// What to tell a person about a name or a call that does not fit, and what would. Pure.
#ifndef TCPMEDIC_CORE_EXPR_ADVICE_H_
#define TCPMEDIC_CORE_EXPR_ADVICE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/expr/functions.h"
#include "core/expr/source.h"
#include "core/expr/syntax.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

// How a kCall or kMemberCall is written.
Overload::Style StyleOf(const Node& call);
std::string Spelling(const Node& call);  // "+" for "_+_", "size()" for "size"
std::string WithArticle(Type type);      // "an int", "a list(string)"

void ReportUnknownName(Span span, const std::string& name, absl::Span<const std::string> known,
                       Mistakes* mistakes);
// `further`: functions that are not in the table.
void ReportUnknownFunction(const Node& call, absl::Span<const absl::string_view> further,
                           Mistakes* mistakes);
// Of a call whose checked operands fit none of `overloads`, which is not empty.
void ReportWrongTypes(const Node& call, absl::Span<const Overload* const> overloads,
                      Mistakes* mistakes);
// Of a call with constant operands, a list or a map, which gives `error` and nothing else.
void ReportFailure(const Node& node, Error error, Mistakes* mistakes);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_ADVICE_H_
