// The syntax tree of one expression: what the parser makes, the checker annotates and the emitter
// reads.
#ifndef TCPMEDIC_CORE_EXPR_SYNTAX_H_
#define TCPMEDIC_CORE_EXPR_SYNTAX_H_

#include <memory>
#include <string>
#include <vector>

#include "core/expr/source.h"
#include "core/expr/type.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

struct Overload;
struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  enum class Form {
    // As parsed.
    kMistake,      // reported already; nothing about it is reported again
    kLiteral,      // value
    kName,         // name
    kSelect,       // operand.name
    kCall,         // name(operands): functions, operators ("_+_"), indexing ("_[_]")
    kMemberCall,   // operand.name(further operands)
    kList,         // operands
    kMap,          // operands: key, value, key, value, …
    kAnd,          // two or more operands, none of them a kAnd
    kOr,           // likewise
    kConditional,  // condition, then, else
    // What the checker finds out about a name or a call.
    kAttribute,     // index: the slot
    kVariable,      // index: the loop, counted from the outermost
    kHasAttribute,  // index: the slot
    kHasKey,        // map, key
    kMatches,       // text; index: the pattern
    kLoop,          // range, body; name: the macro's; index: the loop
  };

  Form form = Form::kMistake;
  Span span;       // without parentheses around it
  Span name_span;  // of `name`: the operator, the function's name, the field
  std::string name;
  std::vector<NodePtr> operands;
  int depth = 1;  // of this tree

  // Of a literal when parsed, of all nodes when checked. A mistake's type is kError.
  Type type;
  Value value;                         // kLiteral
  const Overload* overload = nullptr;  // kCall, kMemberCall
  int index = -1;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_SYNTAX_H_
