// Expressions of signatures and policies: a statically typed, side-effect-free subset of CEL
// (Common Expression Language). Text → Compile against a Schema → Expression → Evaluate against an
// Activation.
//
// Compile reports every mistake with its position; a compiled Expression cannot fail on types.
// Evaluation is bounded by the program's length, never allocates for scalar results, and follows
// CEL's semantics: && and || absorb unknowns and errors on one side where the other decides, and
// what is missing is unknown, neither true nor false. An Expression is immutable and may be
// evaluated from several threads at once.
#ifndef TCPMEDIC_CORE_EXPR_EXPRESSION_H_
#define TCPMEDIC_CORE_EXPR_EXPRESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/expr/schema.h"
#include "core/expr/scratch.h"
#include "core/expr/value.h"
#include "core/issue.h"

namespace tcpmedic::expr {

// Bounds on one expression; over them is an Issue.
inline constexpr size_t kMaxTextBytes = 16 * 1024;
inline constexpr int kMaxDepth = 64;

// Where the values of a schema's attributes come from during one evaluation.
class Activation {
 public:
  virtual ~Activation() = default;
  // The value of the attribute in `slot`, of the schema's type; Value::Unknown(slot) where it is
  // not reported.
  virtual Value Get(int slot) const = 0;
};

class Expression {
 public:
  // Strings, lists and maps in the result are views into the activation, the expression or
  // `scratch`.
  Value Evaluate(const Activation& activation, Scratch* scratch) const;
  // Without storage for texts and lists: one that an attribute holds is returned, one that was
  // built, as by bitrate(…), is error kNoScratch. Allocates nothing unless one is built on the way.
  Value Evaluate(const Activation& activation) const;

  const std::string& text() const;
  Type type() const;
  // The schema slots that it reads, ascending, each once.
  absl::Span<const int> slots() const;
  // The operands of the top-level &&, in order, each with its own text; itself where there is none.
  std::vector<Expression> Conjuncts() const;

 private:
  friend class Compiler;
  struct Rep;
  explicit Expression(std::shared_ptr<const Rep> rep);
  std::shared_ptr<const Rep> rep_;
};

// Compiles `text`, which must be of type `expected`. On failure returns nullopt and appends at
// least one Issue, positioned within `text` (line 1, column 1 is its first byte) with a caret, and
// a nearest name where one is near. `schema` is only read during the call.
std::optional<Expression> Compile(absl::string_view text, const Schema& schema, Type expected,
                                  std::vector<Issue>* issues);
// The same for an expression of any type.
std::optional<Expression> CompileAny(absl::string_view text, const Schema& schema,
                                     std::vector<Issue>* issues);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_EXPRESSION_H_
