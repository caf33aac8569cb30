// The flat program that an expression is compiled to: code for a stack machine. Immutable once
// emitted.
#ifndef TCPMEDIC_CORE_EXPR_PROGRAM_H_
#define TCPMEDIC_CORE_EXPR_PROGRAM_H_

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/expr/functions.h"
#include "core/expr/scratch.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

// Bounds on one program, so that the machine needs no heap.
inline constexpr int kMaxStack = 256;
inline constexpr int kMaxLoops = 8;  // within each other

enum class Macro : uint8_t { kAll, kExists, kExistsOne, kMap, kFilter };

struct Instruction {
  enum class Op : uint8_t {
    kLiteral,       // push literals[index]
    kAttribute,     // push the attribute in slot `index`, which is of `kind`
    kHasAttribute,  // push whether the attribute in slot `index` is reported
    kVariable,      // push the variable of loop `index`
    kCall,          // pop `count` arguments, push what overloads[index] gives
    kHasKey,        // pop key and map, push whether the key is there
    kMatches,       // pop a text, push whether patterns[index] is found in it
    kList,          // pop `count` elements, push their list
    kMap,           // pop `count` keys and values, push their map
    kJumpIfFalse,   // to `target`, leaving the false
    kJumpIfTrue,    // to `target`, leaving the true
    kAnd,           // pop two, push CEL's &&
    kOr,
    kBranch,     // pop; true: go on; false: to `target`; otherwise push it back, to `target2`
    kJump,       // to `target`
    kLoopBegin,  // pop the range of loop `index`; where it is not known push it back, to `target`
    kLoopNext,   // set the loop's variable; at the end push the loop's result, to `target`
    kLoopStep,   // pop the body's value and take it into account, to `target`
  };
  Op op;
  Kind kind = Kind::kNothing;
  Macro macro = Macro::kAll;
  int count = 0;
  int index = 0;
  int target = 0;
  int target2 = 0;
};

// What an expression's literals view. Shared between an expression and its conjuncts.
struct Constants {
  Scratch texts;
  std::vector<std::unique_ptr<const re2::RE2>> patterns;
};

struct Program {
  std::vector<Instruction> code;
  std::vector<Value> literals;
  std::vector<const Overload*> overloads;
  std::shared_ptr<const Constants> constants;
  bool has_loops = false;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_PROGRAM_H_
