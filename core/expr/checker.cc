#include "core/expr/checker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/expr/advice.h"
#include "core/expr/functions.h"

namespace tcpmedic::expr {
namespace {

using Form = Node::Form;
using Style = Overload::Style;

// Programs of patterns are compiled once; RE2 matches in linear time, within this much memory.
constexpr int64_t kMaxPatternMemoryBytes = 1 << 20;

bool IsPoison(Type type) { return type == Type::Poison(); }

// The type that holds values of both; nullopt where there is none.
std::optional<Type> Join(Type a, Type b) {
  if (a == b || b == Type::Nothing()) return a;
  if (a == Type::Nothing()) return b;
  if (IsPoison(a) || IsPoison(b)) return Type::Poison();
  if (!a.is_container() || a.kind() != b.kind()) return std::nullopt;
  const std::optional<Type> element = Join(a.element(), b.element());
  if (!element) return std::nullopt;
  return a.kind() == Kind::kList ? Type::List(*element) : Type::Map(*element);
}

bool Comparable(Type a, Type b) {
  return (a.is_numeric() && b.is_numeric()) || Join(a, b).has_value();
}

bool Ordered(Type a, Type b) {
  if (IsPoison(a) || IsPoison(b) || (a.is_numeric() && b.is_numeric())) return true;
  if (a == Type::Nothing() || b == Type::Nothing()) return true;
  constexpr Kind kKinds[] = {Kind::kBool, Kind::kString, Kind::kBytes, Kind::kDuration,
                             Kind::kTimestamp};
  return a == b && std::find(std::begin(kKinds), std::end(kKinds), a.kind()) != std::end(kKinds);
}

bool Fits(Type argument, Type parameter) {
  if (parameter == Type::Nothing() || argument == Type::Nothing() || IsPoison(argument))
    return true;
  return Join(argument, parameter) == argument ||
         (parameter.is_container() && argument.kind() == parameter.kind());
}

// What is written like a function and checked here, not in the table.
constexpr absl::string_view kMacroNames[] = {"all",    "exists", "exists_one", "map",
                                             "filter", "has",    "matches"};

bool IsLoop(absl::string_view name) {
  return name == "all" || name == "exists" || name == "exists_one" || name == "map" ||
         name == "filter";
}

class Checker {
 public:
  Checker(const Schema& schema, Constants* constants, Mistakes* mistakes)
      : schema_(schema), constants_(constants), mistakes_(mistakes) {}

  void Check(Node* node) {
    switch (node->form) {
      case Form::kMistake:
        for (const NodePtr& operand : node->operands) Check(operand.get());
        node->type = Type::Poison();
        return;
      case Form::kName:
      case Form::kSelect:
        return CheckName(node);
      case Form::kCall:
        if (node->name == "has") return CheckHas(node);
        return CheckCall(node);
      case Form::kMemberCall:
        if (IsLoop(node->name)) return CheckLoop(node);
        return CheckCall(node);
      case Form::kList:
        return CheckList(node);
      case Form::kMap:
        return CheckMap(node);
      case Form::kAnd:
      case Form::kOr:
        for (const NodePtr& operand : node->operands) CheckIs(operand.get(), Type::Bool(), *node);
        node->type = Type::Bool();
        return;
      case Form::kConditional:
        return CheckConditional(node);
      default:  // literals, and what was checked before
        return;
    }
  }

 private:
  void Add(Span span, std::string message, std::string hint = "") {
    mistakes_->Add(span, std::move(message), std::move(hint));
  }
  void Spoil(Node* node) {
    node->form = Form::kMistake;
    node->type = Type::Poison();
  }

  void CheckIs(Node* node, Type type, const Node& user) {
    Check(node);
    if (node->type == type || node->type == Type::Nothing() || IsPoison(node->type)) return;
    std::string what = user.form == Form::kAnd           ? "'&&'"
                       : user.form == Form::kOr          ? "'||'"
                       : user.form == Form::kConditional ? "'?'"
                                                         : Spelling(user);
    Add(node->span, absl::StrCat(what, " takes ", WithArticle(type), ", and this is ",
                                 WithArticle(node->type)));
  }

  // ---- Names

  struct Variable {
    std::string name;
    Type type;
  };

  int FindVariable(absl::string_view name) const {
    for (int loop = static_cast<int>(variables_.size()) - 1; loop >= 0; --loop) {
      if (variables_[loop].name == name) return loop;
    }
    return -1;
  }

  // "host.labels.tier" of such a chain of fields; nullopt for one that does not begin with a free
  // name.
  std::optional<std::string> DottedName(const Node& node) const {
    if (node.form == Form::kName) {
      if (FindVariable(node.name) >= 0) return std::nullopt;
      return node.name;
    }
    if (node.form != Form::kSelect) return std::nullopt;
    std::optional<std::string> prefix = DottedName(*node.operands[0]);
    if (prefix) absl::StrAppend(&*prefix, ".", node.name);
    return prefix;
  }

  // Whether the chain, or the beginning of it, is an attribute.
  bool BeginsWithAttribute(const Node& node) const {
    const std::optional<std::string> name = DottedName(node);
    if (!name) return false;
    if (schema_.Find(*name)) return true;
    return node.form == Form::kSelect && BeginsWithAttribute(*node.operands[0]);
  }

  void CheckName(Node* node) {
    if (node->form == Form::kName) {
      const int variable = FindVariable(node->name);
      if (variable >= 0) {
        node->form = Form::kVariable;
        node->index = variable;
        node->type = variables_[variable].type;
        return;
      }
    }
    const std::optional<std::string> name = DottedName(*node);
    if (!name) return CheckField(node);
    if (const std::optional<int> slot = schema_.Find(*name)) {
      node->form = Form::kAttribute;
      node->index = *slot;
      node->type = schema_.at(*slot).type;
      node->operands.clear();
      return;
    }
    if (BeginsWithAttribute(*node)) return CheckField(node);
    ReportUnknownName(node->span, *name, KnownNames(), mistakes_);
    Spoil(node);
  }

  std::vector<std::string> KnownNames() const {
    std::vector<std::string> known;
    for (int slot = 0; slot < schema_.size(); ++slot) known.push_back(schema_.at(slot).name);
    for (const Variable& variable : variables_) known.push_back(variable.name);
    return known;
  }

  // map.key
  void CheckField(Node* node) {
    Node* const map = node->operands[0].get();
    Check(map);
    if (map->type.kind() != Kind::kMap) {
      if (!IsPoison(map->type)) {
        Add(node->name_span,
            absl::StrCat(WithArticle(map->type), " has no field '", node->name, "'"));
      }
      return Spoil(node);
    }
    node->operands.push_back(KeyOf(*node));
    node->form = Form::kCall;
    node->name = "_[_]";
    Resolve(node);
  }

  NodePtr KeyOf(const Node& select) {
    auto key = std::make_unique<Node>();
    key->form = Form::kLiteral;
    key->span = select.name_span;
    key->type = Type::String();
    key->value = constants_->texts.String(select.name);
    return key;
  }

  void CheckHas(Node* node) {
    Node* const argument = node->operands.size() == 1 ? node->operands[0].get() : nullptr;
    if (argument != nullptr && (argument->form == Form::kSelect || argument->form == Form::kName)) {
      const std::optional<std::string> name = DottedName(*argument);
      const std::optional<int> slot = name ? schema_.Find(*name) : std::nullopt;
      if (slot) {
        node->form = Form::kHasAttribute;
        node->index = *slot;
        node->type = Type::Bool();
        node->operands.clear();
        return;
      }
      if (name && !BeginsWithAttribute(*argument)) {
        Check(argument);  // which says that there is no such name
        return Spoil(node);
      }
      if (argument->form == Form::kSelect) {
        argument->operands.push_back(KeyOf(*argument));
        return CheckHasKey(node);
      }
    }
    if (argument != nullptr && argument->name == "_[_]") return CheckHasKey(node);
    if (argument != nullptr && argument->form == Form::kMistake) {
      Check(argument);
      return Spoil(node);
    }
    Add(node->span, "has() takes the name of an attribute, or a map and a key",
        "write has(name), has(map.key) or has(map[\"key\"])");
    Spoil(node);
  }

  // has() of a map and a key, which are the operands of has's argument.
  void CheckHasKey(Node* node) {
    std::vector<NodePtr> map_and_key = std::move(node->operands[0]->operands);
    node->operands = std::move(map_and_key);
    Check(node->operands[0].get());
    const Type map = node->operands[0]->type;
    if (!IsPoison(map) && map.kind() != Kind::kMap) {
      Add(node->operands[0]->span,
          absl::StrCat("has() looks for a key in a map, and this is ", WithArticle(map)));
    }
    CheckIs(node->operands[1].get(), Type::String(), *node);
    node->form = Form::kHasKey;
    node->type = Type::Bool();
  }

  // ---- Calls

  void CheckCall(Node* node) {
    for (const NodePtr& operand : node->operands) Check(operand.get());
    Resolve(node);
  }

  // Operands are checked.
  void Resolve(Node* node) {
    if (node->name == "matches") return ResolveMatches(node);
    const std::vector<const Overload*> overloads = OverloadsOf(node->name, StyleOf(*node));
    if (overloads.empty()) {
      ReportUnknownFunction(*node, kMacroNames, mistakes_);
      return Spoil(node);
    }
    const bool poisoned =
        std::any_of(node->operands.begin(), node->operands.end(),
                    [](const NodePtr& operand) { return IsPoison(operand->type); });
    for (const Overload* overload : overloads) {
      if (!Takes(*overload, *node)) continue;
      node->overload = overload;
      node->type = ResultOf(*overload, *node);
      if (poisoned) {
        // A test is a bool whatever it tests; the type of anything else is anyone's guess.
        node->form = Form::kMistake;
        if (overload->result != Type::Bool()) node->type = Type::Poison();
        return;
      }
      if (!GoTogether(*node)) {
        ReportWrongTypes(*node, overloads, mistakes_);
        return Spoil(node, overload->result);
      }
      return Fold(node, [this](const std::vector<Value>& values, const Node& call) {
        return call.overload->call(values, &constants_->texts);
      });
    }
    if (!poisoned) ReportWrongTypes(*node, overloads, mistakes_);
    Spoil(node, overloads.front()->result);
  }

  // After a mistake in a call that is a bool in any case, what follows is still checked against
  // that.
  void Spoil(Node* node, Type result) {
    Spoil(node);
    if (result == Type::Bool()) node->type = result;
  }

  static bool Takes(const Overload& overload, const Node& node) {
    return std::equal(overload.parameters.begin(), overload.parameters.end(), node.operands.begin(),
                      node.operands.end(), [](Type parameter, const NodePtr& operand) {
                        return Fits(operand->type, parameter);
                      });
  }

  static Type ResultOf(const Overload& overload, const Node& node) {
    if (overload.name == "_[_]") return node.operands[0]->type.element();
    if (overload.result.kind() == Kind::kList) {
      return Join(node.operands[0]->type, node.operands[1]->type).value_or(Type::Poison());
    }
    return overload.result;
  }

  // What the table cannot say: the rules between operands of any type.
  static bool GoTogether(const Node& node) {
    if (node.overload->style != Style::kOperator || node.operands.size() < 2) return true;
    const Type a = node.operands[0]->type;
    const Type b = node.operands[1]->type;
    if (node.name == "_==_" || node.name == "_!=_") return Comparable(a, b);
    if (node.name == "_in_" && b.kind() == Kind::kList) return Comparable(a, b.element());
    if (node.name == "_+_" && a.kind() == Kind::kList) return Join(a, b).has_value();
    if (node.name.find_first_of("<>") != std::string::npos) return Ordered(a, b);
    return true;
  }

  // text.matches(pattern), matches(text, pattern). The pattern is a literal and compiled here.
  void ResolveMatches(Node* node) {
    if (node->operands.size() != 2) {
      Add(node->span, "matches() takes a text and a pattern", "write text.matches(r\"…\")");
      return Spoil(node, Type::Bool());
    }
    for (const NodePtr& operand : node->operands) {
      if (operand->type == Type::String() || IsPoison(operand->type)) continue;
      Add(operand->span,
          absl::StrCat("matches() takes a string, and this is ", WithArticle(operand->type)));
    }
    const Node& pattern = *node->operands[1];
    node->form = Form::kMatches;
    node->type = Type::Bool();
    if (pattern.type != Type::String()) return;
    if (pattern.form != Form::kLiteral) {
      Add(pattern.span, "the pattern of matches() must be written in the expression");
      return;
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMaxPatternMemoryBytes);
    const absl::string_view text = pattern.value.as_string();
    auto compiled =
        std::make_unique<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!compiled->ok()) {
      Add(pattern.span, absl::StrCat("this is no regular expression: ", compiled->error()));
      return;
    }
    node->index = static_cast<int>(constants_->patterns.size());
    constants_->patterns.push_back(std::move(compiled));
    node->operands.pop_back();
  }

  // ---- Constants

  // Computes what does not depend on any attribute. A constant that always fails is a mistake.
  template <typename Compute>
  void Fold(Node* node, Compute compute) {
    std::vector<Value> values;
    for (const NodePtr& operand : node->operands) {
      if (operand->form != Form::kLiteral) return;
      if (operand->value.is_error()) return ReportFailure(*node, operand->value.error(), mistakes_);
      values.push_back(operand->value);
    }
    const Value value = compute(values, *node);
    if (value.is_error()) {
      ReportFailure(*node, value.error(), mistakes_);
      node->form = Form::kMistake;
      return;
    }
    node->form = Form::kLiteral;
    node->value = value;
    node->operands.clear();
  }

  // ---- Lists, maps, conditions, loops

  void CheckList(Node* node) {
    Type element;
    for (const NodePtr& operand : node->operands) {
      Check(operand.get());
      element = JoinElement(*operand, element, "list");
    }
    if (!SetContainer(node, element, Kind::kList)) return;
    Fold(node, [this](const std::vector<Value>& values, const Node&) {
      return MakeList(values, &constants_->texts);
    });
  }

  void CheckMap(Node* node) {
    Type element;
    for (size_t i = 0; i + 1 < node->operands.size(); i += 2) {
      Node* const key = node->operands[i].get();
      Check(key);
      if (key->type != Type::String() && !IsPoison(key->type)) {
        Add(key->span,
            absl::StrCat("a map's key is a string, and this is ", WithArticle(key->type)));
      }
      Check(node->operands[i + 1].get());
      element = JoinElement(*node->operands[i + 1], element, "map");
    }
    if (!SetContainer(node, element, Kind::kMap)) return;
    const bool has_wrong_key = [node] {
      for (size_t i = 0; i < node->operands.size(); i += 2) {
        if (node->operands[i]->type != Type::String()) return true;
      }
      return false;
    }();
    if (has_wrong_key) return Spoil(node);
    Fold(node, [this](const std::vector<Value>& values, const Node&) {
      return MakeMap(values, &constants_->texts);
    });
  }

  Type JoinElement(const Node& element, Type before, absl::string_view container) {
    if (const std::optional<Type> joined = Join(before, element.type)) return *joined;
    Add(element.span, absl::StrCat("the values of a ", container, " are of one type: ",
                                   WithArticle(element.type), " after ", WithArticle(before)));
    return Type::Poison();
  }

  bool SetContainer(Node* node, Type element, Kind kind) {
    if (IsPoison(element)) {
      Spoil(node);
      return false;
    }
    if (element.depth() >= Type::kMaxDepth) {
      Add(node->span, absl::StrCat("lists and maps nest at most ", Type::kMaxDepth - 1, " deep"));
      Spoil(node);
      return false;
    }
    node->type = kind == Kind::kList ? Type::List(element) : Type::Map(element);
    return true;
  }

  void CheckConditional(Node* node) {
    CheckIs(node->operands[0].get(), Type::Bool(), *node);
    Check(node->operands[1].get());
    Check(node->operands[2].get());
    const Type then = node->operands[1]->type;
    const Type otherwise = node->operands[2]->type;
    const std::optional<Type> joined = Join(then, otherwise);
    if (!joined) {
      Add(node->operands[2]->span,
          absl::StrCat("both outcomes of '?' are of one type: ", WithArticle(otherwise), " after ",
                       WithArticle(then)));
    }
    node->type = joined.value_or(Type::Poison());
  }

  // range.macro(variable, body)
  void CheckLoop(Node* node) {
    if (node->operands.size() != 3 || node->operands[1]->form != Form::kName) {
      Add(node->span, absl::StrCat(node->name, "() takes the name of a variable and an expression"),
          absl::StrCat("write list.", node->name, "(x, …)"));
      return Spoil(node);
    }
    Node* const range = node->operands[0].get();
    Node* const body = node->operands[2].get();
    Check(range);
    Type element = Type::Poison();
    if (range->type.kind() == Kind::kList) element = range->type.element();
    if (range->type.kind() == Kind::kMap) element = Type::String();
    if (IsPoison(element) && !IsPoison(range->type)) {
      Add(range->span,
          absl::StrCat(node->name, "() goes through a list or a map's keys, and this is ",
                       WithArticle(range->type)));
    }
    if (variables_.size() == kMaxLoops) {
      Add(node->span, absl::StrCat("at most ", kMaxLoops, " loops can be within each other"));
      return Spoil(node);
    }
    variables_.push_back({node->operands[1]->name, element});
    if (node->name == "map") {
      Check(body);
    } else {
      CheckIs(body, Type::Bool(), *node);
    }
    variables_.pop_back();

    node->form = Form::kLoop;
    node->index = static_cast<int>(variables_.size());
    node->operands.erase(node->operands.begin() + 1);
    node->type = Type::Bool();
    if (node->name == "filter") node->type = element;
    if (node->name == "map") node->type = body->type;
    if (node->name == "filter" || node->name == "map") SetContainer(node, node->type, Kind::kList);
  }

  const Schema& schema_;
  Constants* const constants_;
  Mistakes* const mistakes_;
  std::vector<Variable> variables_;  // of the loops around, the outermost first
};

}  // namespace

void Check(Node* root, const Schema& schema, Constants* constants, Mistakes* mistakes) {
  Checker(schema, constants, mistakes).Check(root);
}

}  // namespace tcpmedic::expr
