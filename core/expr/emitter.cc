#include "core/expr/emitter.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tcpmedic::expr {
namespace {

using Form = Node::Form;
using Op = Instruction::Op;

class Emitter {
 public:
  explicit Emitter(std::shared_ptr<const Constants> constants) {
    program_.constants = std::move(constants);
  }

  // Leaves the node's value on the stack.
  void Emit(const Node& node) {
    switch (node.form) {
      case Form::kLiteral:
        Append({.op = Op::kLiteral, .index = static_cast<int>(program_.literals.size())}, 0, 1);
        program_.literals.push_back(node.value);
        return;
      case Form::kAttribute:
        Append({.op = Op::kAttribute, .kind = node.type.kind(), .index = node.index}, 0, 1);
        return;
      case Form::kVariable:
        Append({.op = Op::kVariable, .index = node.index}, 0, 1);
        return;
      case Form::kHasAttribute:
        Append({.op = Op::kHasAttribute, .index = node.index}, 0, 1);
        return;
      case Form::kCall:
      case Form::kMemberCall:
        EmitOperands(node);
        Append({.op = Op::kCall, .count = Operands(node), .index = OverloadIndex(node.overload)},
               Operands(node), 1);
        return;
      case Form::kHasKey:
        EmitOperands(node);
        Append({.op = Op::kHasKey}, 2, 1);
        return;
      case Form::kMatches:
        EmitOperands(node);
        Append({.op = Op::kMatches, .index = node.index}, 1, 1);
        return;
      case Form::kList:
        EmitOperands(node);
        Append({.op = Op::kList, .count = Operands(node)}, Operands(node), 1);
        return;
      case Form::kMap:
        EmitOperands(node);
        Append({.op = Op::kMap, .count = Operands(node)}, Operands(node), 1);
        return;
      case Form::kAnd:
        return EmitLogic(node, Op::kJumpIfFalse, Op::kAnd);
      case Form::kOr:
        return EmitLogic(node, Op::kJumpIfTrue, Op::kOr);
      case Form::kConditional:
        return EmitConditional(node);
      case Form::kLoop:
        return EmitLoop(node);
      case Form::kMistake:
      case Form::kName:
      case Form::kSelect:
        break;
    }
    assert(false && "a tree with mistakes, or one that was not checked");
  }

  int deepest() const { return deepest_; }
  Program Take() { return std::move(program_); }

 private:
  static int Operands(const Node& node) { return static_cast<int>(node.operands.size()); }
  int Here() const { return static_cast<int>(program_.code.size()); }

  // The instruction's place, for patching its target.
  int Append(const Instruction& instruction, int pops, int pushes) {
    program_.code.push_back(instruction);
    depth_ += pushes - pops;
    deepest_ = std::max(deepest_, depth_);
    return Here() - 1;
  }

  void EmitOperands(const Node& node) {
    for (const NodePtr& operand : node.operands) Emit(*operand);
  }

  int OverloadIndex(const Overload* overload) {
    auto& overloads = program_.overloads;
    const auto found = std::find(overloads.begin(), overloads.end(), overload);
    const int index = static_cast<int>(found - overloads.begin());
    if (found == overloads.end()) overloads.push_back(overload);
    return index;
  }

  // a; stop if it decides; b; merge; stop if that decides; c; merge
  void EmitLogic(const Node& node, Op stop, Op merge) {
    std::vector<int> stops;
    Emit(*node.operands.front());
    for (size_t i = 1; i < node.operands.size(); ++i) {
      stops.push_back(Append({.op = stop}, 0, 0));
      Emit(*node.operands[i]);
      Append({.op = merge}, 2, 1);
    }
    for (const int place : stops) program_.code[place].target = Here();
  }

  void EmitConditional(const Node& node) {
    Emit(*node.operands[0]);
    const int branch = Append({.op = Op::kBranch}, 1, 0);
    Emit(*node.operands[1]);
    const int jump = Append({.op = Op::kJump}, 1, 0);  // one of the outcomes pushes, not both
    program_.code[branch].target = Here();
    Emit(*node.operands[2]);
    program_.code[branch].target2 = Here();
    program_.code[jump].target = Here();
  }

  void EmitLoop(const Node& node) {
    program_.has_loops = true;
    const Macro macro = node.name == "all"          ? Macro::kAll
                        : node.name == "exists"     ? Macro::kExists
                        : node.name == "exists_one" ? Macro::kExistsOne
                        : node.name == "map"        ? Macro::kMap
                                                    : Macro::kFilter;
    Emit(*node.operands[0]);
    const int begin = Append({.op = Op::kLoopBegin, .macro = macro, .index = node.index}, 1, 0);
    const int next = Append({.op = Op::kLoopNext, .macro = macro, .index = node.index}, 0, 0);
    Emit(*node.operands[1]);
    Append({.op = Op::kLoopStep, .macro = macro, .index = node.index, .target = next}, 1, 1);
    program_.code[begin].target = Here();
    program_.code[next].target = Here();
  }

  Program program_;
  int depth_ = 0;
  int deepest_ = 0;
};

}  // namespace

Program Emit(const Node& root, std::shared_ptr<const Constants> constants, Mistakes* mistakes) {
  Emitter emitter(std::move(constants));
  emitter.Emit(root);
  if (emitter.deepest() > kMaxStack) {
    mistakes->Add(root.span,
                  absl::StrCat("the expression needs more than ", kMaxStack, " values at once"));
  }
  return emitter.Take();
}

}  // namespace tcpmedic::expr
