#include "core/expr/advice.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tcpmedic::expr {
namespace {

using Form = Node::Form;
using Style = Overload::Style;

std::string DidYouMean(absl::string_view name) {
  return absl::StrCat("did you mean '", name, "'?");
}

std::string Joined(absl::Span<const Type> types) {
  return absl::StrJoin(
      types, " and ", [](std::string* text, Type type) { absl::StrAppend(text, type.ToString()); });
}

bool IsArithmetic(const Node& call) {
  return call.name == "_+_" || call.name == "_-_" || call.name == "_*_" || call.name == "_/_" ||
         call.name == "_%_";
}

// A constructor of `type` from a string, such as duration("…").
bool IsWrittenAsCall(Type type) {
  return type == Type::Duration() || type == Type::Timestamp() || type == Type::Ip() ||
         type == Type::Cidr();
}

// How `a` could be written to go together with `b`; empty where nothing is known.
std::string HintForOperand(const Node& call, const Node& a, const Node& b) {
  if (a.type == Type::Null()) return "ask with has() whether a value is there";
  const bool scales = call.name == "_*_" || call.name == "_/_" || call.name == "_%_";
  if (a.type.is_numeric() && b.type == Type::Duration() && !scales) {
    return "a duration is written with its unit, as duration(\"40ms\")";
  }
  if (a.form != Form::kLiteral) return "";
  if (a.type == Type::Int() && b.type == Type::Double()) {
    return absl::StrCat("write ", a.value.as_int(), ".0");
  }
  if (a.type == Type::Int() && b.type == Type::Uint() && a.value.as_int() >= 0) {
    return absl::StrCat("write ", a.value.as_int(), "u");
  }
  if (a.type == Type::String() && IsWrittenAsCall(b.type)) {
    return absl::StrCat("write ", b.type.ToString(), "(\"", a.value.as_string(), "\")");
  }
  return "";
}

std::string HintForOperands(const Node& call) {
  if (call.operands.size() != 2) return "";
  const Node& left = *call.operands[0];
  const Node& right = *call.operands[1];
  if (call.name == "_in_") {
    if (right.type == Type::Cidr()) return "write prefix.containsIP(address)";
    return right.type.is_container() ? "" : "'in' looks into a list or a map";
  }
  for (std::string hint : {HintForOperand(call, left, right), HintForOperand(call, right, left)}) {
    if (!hint.empty()) return hint;
  }
  if (IsArithmetic(call) && left.type.is_numeric() && right.type.is_numeric()) {
    return "arithmetic does not mix kinds of numbers: convert one with int(), uint() or double()";
  }
  return "";
}

struct TextForm {
  Type type;
  absl::string_view name;
  absl::string_view hint;
};
constexpr TextForm kTextForms[] = {
    {Type::Duration(), "a duration", "durations look like \"40ms\", \"1.5s\" or \"2h30m\""},
    {Type::Timestamp(), "a timestamp", "timestamps look like \"2026-01-31T12:00:00Z\""},
    {Type::Ip(), "an IP address", "addresses look like \"192.0.2.1\" or \"2001:db8::1\""},
    {Type::Cidr(), "a prefix", "prefixes look like \"10.0.0.0/8\" or \"2001:db8::/32\""},
    {Type::Bool(), "a bool", "write \"true\" or \"false\""},
};

}  // namespace

Overload::Style StyleOf(const Node& call) {
  if (call.form == Form::kMemberCall) return Style::kMember;
  return call.name.front() == '_' || call.name.back() == '_' ? Style::kOperator : Style::kFunction;
}

std::string Spelling(const Node& call) {
  if (call.name == "_[_]") return "[…]";
  if (StyleOf(call) != Style::kOperator) return absl::StrCat(call.name, "()");
  std::string symbol = call.name;  // "_+_" or "-_"
  symbol.erase(symbol.find_last_not_of('_') + 1);
  symbol.erase(0, symbol.find_first_not_of('_'));
  return symbol;
}

std::string WithArticle(Type type) {
  const bool vowel = type.kind() == Kind::kInt || type.kind() == Kind::kIp;
  return absl::StrCat(vowel ? "an " : "a ", type.ToString());
}

void ReportUnknownName(Span span, const std::string& name, absl::Span<const std::string> known,
                       Mistakes* mistakes) {
  std::string hint;
  const std::string nearest = NearestName(name, known);
  if (!nearest.empty()) hint = DidYouMean(nearest);
  for (const std::string& candidate : known) {
    if (!hint.empty()) break;
    if (absl::EndsWith(candidate, absl::StrCat(".", name))) hint = DidYouMean(candidate);
  }
  for (const std::string& candidate : known) {
    if (!hint.empty()) break;
    if (absl::StartsWith(candidate, absl::StrCat(name, "."))) {
      hint = absl::StrCat("'", name, "' is a group of names, such as '", candidate, "'");
    }
  }
  mistakes->Add(span, absl::StrCat("unknown name '", name, "'"), hint);
}

void ReportUnknownFunction(const Node& call, absl::Span<const absl::string_view> further,
                           Mistakes* mistakes) {
  std::string hint;
  const Style style = StyleOf(call);
  if (style != Style::kMember && !OverloadsOf(call.name, Style::kMember).empty()) {
    hint = absl::StrCat("write value.", call.name, "(…)");
  } else if (style == Style::kMember && !OverloadsOf(call.name, Style::kFunction).empty()) {
    hint = absl::StrCat("write ", call.name, "(value)");
  } else {
    std::vector<std::string> known(further.begin(), further.end());
    for (const Overload& overload : Overloads()) {
      if (overload.style != Style::kOperator) known.emplace_back(overload.name);
    }
    const std::string nearest = NearestName(call.name, known);
    if (!nearest.empty()) hint = DidYouMean(nearest);
  }
  mistakes->Add(call.name_span, absl::StrCat("unknown function '", call.name, "'"), hint);
}

void ReportWrongTypes(const Node& call, absl::Span<const Overload* const> overloads,
                      Mistakes* mistakes) {
  const Style style = StyleOf(call);
  const size_t receiver = style == Style::kMember ? 1 : 0;
  const size_t arity = overloads.front()->parameters.size() - receiver;
  if (call.operands.size() - receiver != arity) {
    mistakes->Add(call.span, absl::StrCat(Spelling(call), " takes ", arity,
                                          arity == 1 ? " argument" : " arguments", ", not ",
                                          call.operands.size() - receiver));
    return;
  }
  std::vector<Type> types;
  for (const NodePtr& operand : call.operands) types.push_back(operand->type);
  if (style == Style::kOperator) {
    const bool infix = call.operands.size() == 2 && call.name != "_[_]";
    mistakes->Add(infix ? call.name_span : call.span,
                  absl::StrCat("'", Spelling(call), "' does not take ", Joined(types)),
                  HintForOperands(call));
    return;
  }
  const std::string alternatives =
      absl::StrJoin(overloads, " or ", [](std::string* text, const Overload* overload) {
        absl::StrAppend(text, Joined(overload->parameters));
      });
  mistakes->Add(call.span, absl::StrCat(Spelling(call), " does not take ", Joined(types)),
                absl::StrCat("it takes ", alternatives));
}

void ReportFailure(const Node& node, Error error, Mistakes* mistakes) {
  const bool conversion = error == Error::kBadConversion && node.operands.size() == 1 &&
                          node.operands[0]->value.kind() == Kind::kString;
  if (!conversion) {
    mistakes->Add(node.span, std::string(Describe(error)));
    return;
  }
  TextForm form{node.type, "", ""};
  for (const TextForm& known : kTextForms) {
    if (known.type == node.type) form = known;
  }
  const Node& text = *node.operands[0];
  mistakes->Add(text.span,
                absl::StrCat("\"", text.value.as_string(), "\" is not ",
                             form.name.empty() ? WithArticle(node.type) : std::string(form.name)),
                std::string(form.hint));
}

}  // namespace tcpmedic::expr
