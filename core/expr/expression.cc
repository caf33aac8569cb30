#include "core/expr/expression.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/expr/advice.h"
#include "core/expr/checker.h"
#include "core/expr/compiler.h"
#include "core/expr/emitter.h"
#include "core/expr/machine.h"
#include "core/expr/parser.h"

namespace tcpmedic::expr {
namespace {

using Form = Node::Form;

void CollectSlots(const Node& node, std::set<int>* slots) {
  if (node.form == Form::kAttribute || node.form == Form::kHasAttribute) slots->insert(node.index);
  for (const NodePtr& operand : node.operands) CollectSlots(*operand, slots);
}

// Whether `value` views memory that dies with `scratch`.
bool LivesIn(const Scratch& scratch, const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
      return scratch.Holds(value.as_string().data());
    case Kind::kBytes:
      return scratch.Holds(value.as_bytes().data());
    case Kind::kList:
      return scratch.Holds(value.as_list().data());
    case Kind::kMap:
      return scratch.Holds(value.as_map().data());
    default:
      return false;
  }
}

}  // namespace

struct Expression::Rep {
  std::string text;
  Type type;
  Program program;
  std::vector<int> slots;
  std::vector<Expression> conjuncts;  // empty where there is no top-level &&
};

Expression::Expression(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}

Value Expression::Evaluate(const Activation& activation, Scratch* scratch) const {
  return Run(rep_->program, activation, scratch);
}

Value Expression::Evaluate(const Activation& activation) const {
  Scratch scratch;
  const Value value = Run(rep_->program, activation, &scratch);
  return LivesIn(scratch, value) ? Value::Error(Error::kNoScratch) : value;
}

const std::string& Expression::text() const { return rep_->text; }
Type Expression::type() const { return rep_->type; }
absl::Span<const int> Expression::slots() const { return rep_->slots; }

std::vector<Expression> Expression::Conjuncts() const {
  if (rep_->conjuncts.empty()) return {*this};
  return rep_->conjuncts;
}

std::shared_ptr<Expression::Rep> Compiler::Build(const Source& source, Span range, const Node& node,
                                                 std::shared_ptr<const Constants> constants,
                                                 Mistakes* mistakes) {
  auto rep = std::make_shared<Expression::Rep>();
  rep->text = std::string(source.Text(range));
  rep->type = node.type;
  rep->program = Emit(node, std::move(constants), mistakes);
  std::set<int> slots;
  CollectSlots(node, &slots);
  rep->slots.assign(slots.begin(), slots.end());
  return rep;
}

std::optional<Expression> Compiler::Compile(const Source& source, Span range, const Schema& schema,
                                            std::optional<Type> expected,
                                            std::vector<Issue>* issues) {
  Mistakes mistakes(source);
  if (static_cast<size_t>(range.end - range.begin) > kMaxTextBytes) {
    mistakes.Add({range.begin, range.begin + 1},
                 absl::StrCat("the expression is longer than ", kMaxTextBytes, " bytes"));
    mistakes.AppendTo(issues);
    return std::nullopt;
  }
  auto constants = std::make_shared<Constants>();
  const NodePtr root = Parse(source, range, &constants->texts, &mistakes);
  Check(root.get(), schema, constants.get(), &mistakes);
  const bool fits = !expected || root->type == *expected || root->type == Type::Poison();
  if (!fits) {
    mistakes.Add(root->span, absl::StrCat("this is ", WithArticle(root->type), ", and ",
                                          WithArticle(*expected), " is needed"));
  }
  std::shared_ptr<Expression::Rep> rep;
  if (mistakes.empty()) {
    rep = Build(source, range, *root, constants, &mistakes);
    if (root->form == Form::kAnd) {
      for (const NodePtr& operand : root->operands) {
        rep->conjuncts.push_back(
            Expression(Build(source, operand->span, *operand, constants, &mistakes)));
      }
    }
  }
  if (!mistakes.empty()) {
    mistakes.AppendTo(issues);
    return std::nullopt;
  }
  return Expression(std::move(rep));
}

std::optional<Expression> Compile(absl::string_view text, const Schema& schema, Type expected,
                                  std::vector<Issue>* issues) {
  return Compiler::Compile(Source(text), {0, static_cast<int>(text.size())}, schema, expected,
                           issues);
}

std::optional<Expression> CompileAny(absl::string_view text, const Schema& schema,
                                     std::vector<Issue>* issues) {
  return Compiler::Compile(Source(text), {0, static_cast<int>(text.size())}, schema, std::nullopt,
                           issues);
}

}  // namespace tcpmedic::expr
