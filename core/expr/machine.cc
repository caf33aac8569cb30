#include "core/expr/machine.h"

#include <algorithm>
#include <array>
#include <optional>

namespace tcpmedic::expr {
namespace {

using Op = Instruction::Op;

// What a strict operation gives whose operands are not all known: unknown if any is, with all that
// is missing, else the first error. Nullopt where all are known.
std::optional<Value> Absorb(absl::Span<const Value> operands) {
  // What nearly every operation finds, told apart first.
  if (std::all_of(operands.begin(), operands.end(),
                  [](const Value& operand) { return operand.is_known(); })) {
    return std::nullopt;
  }
  SlotSet missing;
  const Value* first_error = nullptr;
  bool unknown = false;
  for (const Value& operand : operands) {
    if (operand.is_unknown()) {
      missing.Merge(operand.missing());
      unknown = true;
    } else if (operand.is_error() && first_error == nullptr) {
      first_error = &operand;
    }
  }
  if (unknown) return Value::Unknown(missing);
  return *first_error;
}

Value Decide(const Value& a, const Value& b, bool decisive) {
  const auto decides = [decisive](const Value& side) {
    return side.kind() == Kind::kBool && side.as_bool() == decisive;
  };
  if (decides(a) || decides(b)) return Value::Bool(decisive);
  if (a.is_known() && b.is_known()) return Value::Bool(!decisive);
  const Value sides[] = {a, b};
  return Absorb(sides).value();
}

// Left uninitialised: most programs use a few of these, and an evaluation per socket has to be
// cheap.
union Stack {
  Stack() {}
  std::array<Value, kMaxStack> values;
};

class Machine {
 public:
  Machine(const Program& program, const Activation& activation, Scratch* scratch)
      : program_(program), activation_(activation), scratch_(scratch), top_(stack_.values.data()) {
    if (program.has_loops) loops_.emplace();
  }

  Value Run() {
    const int end = static_cast<int>(program_.code.size());
    for (int at = 0; at < end;) {
      const Instruction& instruction = program_.code[at];
      ++at;
      switch (instruction.op) {
        case Op::kLiteral:
          Push(program_.literals[instruction.index]);
          break;
        case Op::kAttribute:
          Push(Attribute(instruction));
          break;
        case Op::kHasAttribute:
          Push(Value::Bool(!activation_.Get(instruction.index).is_unknown()));
          break;
        case Op::kVariable:
          Push(Variable((*loops_)[instruction.index]));
          break;
        case Op::kCall: {
          const Overload& overload = *program_.overloads[instruction.index];
          Replace(instruction.count,
                  [&](absl::Span<const Value> values) { return overload.call(values, scratch_); });
          break;
        }
        case Op::kHasKey:
          HasKey();
          break;
        case Op::kMatches: {
          const re2::RE2& pattern = *program_.constants->patterns[instruction.index];
          Replace(1, [&pattern](absl::Span<const Value> values) {
            const absl::string_view text = values[0].as_string();
            return Value::Bool(
                re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern));
          });
          break;
        }
        case Op::kList:
          Replace(instruction.count,
                  [this](absl::Span<const Value> values) { return MakeList(values, scratch_); });
          break;
        case Op::kMap:
          Replace(instruction.count,
                  [this](absl::Span<const Value> values) { return MakeMap(values, scratch_); });
          break;
        case Op::kJumpIfFalse:
          if (Top().is_false()) at = instruction.target;
          break;
        case Op::kJumpIfTrue:
          if (Top().is_true()) at = instruction.target;
          break;
        case Op::kAnd:
        case Op::kOr: {
          const Value b = Pop();
          const Value a = Pop();
          Push(instruction.op == Op::kAnd ? And(a, b) : Or(a, b));
          break;
        }
        case Op::kBranch:
          if (Top().is_true()) {
            Pop();
          } else if (Top().is_false()) {
            Pop();
            at = instruction.target;
          } else {
            at = instruction.target2;
          }
          break;
        case Op::kJump:
          at = instruction.target;
          break;
        case Op::kLoopBegin:
          if (!Begin(instruction)) at = instruction.target;
          break;
        case Op::kLoopNext:
          if ((*loops_)[instruction.index].next == SizeOf((*loops_)[instruction.index].range)) {
            Push(Result(instruction.macro, (*loops_)[instruction.index]));
            at = instruction.target;
          } else if (++steps_ > kMaxLoopSteps) {
            return Value::Error(Error::kTooLarge);
          }
          break;
        case Op::kLoopStep:
          Step(instruction.macro, Pop(), &(*loops_)[instruction.index]);
          at = instruction.target;
          break;
      }
    }
    return Pop();
  }

 private:
  struct Loop {
    Value range;  // a list, or a map whose keys it goes through
    Value sum;    // what all, exists and exists_one know so far; what spoils map and filter
    Value* built = nullptr;  // by map and filter
    size_t built_size = 0;
    size_t next = 0;  // the element after the present one
  };

  void Push(const Value& value) { *top_++ = value; }
  Value Pop() { return *--top_; }
  const Value& Top() const { return top_[-1]; }

  // Pops `count` operands and pushes what `compute` makes of them, or what absorbs it.
  template <typename Compute>
  void Replace(int count, Compute compute) {
    const absl::Span<const Value> operands(top_ - count, count);
    const std::optional<Value> absorbed = Absorb(operands);
    const Value result = absorbed ? *absorbed : compute(operands);
    top_ -= count;
    Push(result);
  }

  Value Attribute(const Instruction& instruction) const {
    const Value value = activation_.Get(instruction.index);
    if (value.is_known() && value.kind() != instruction.kind) {
      return Value::Error(Error::kWrongType);
    }
    return value.WithOrigin(instruction.index);
  }

  // A map that is not reported has no keys: the answer is known either way.
  void HasKey() {
    const Value key = Pop();
    const Value map = Pop();
    if (!key.is_known() || map.is_error()) {
      Push(map.is_error() ? map : key);
      return;
    }
    if (map.is_unknown()) {
      Push(Value::Bool(false));
      return;
    }
    Push(Value::Bool(map.Lookup(key.as_string()).is_known()));
  }

  static size_t SizeOf(const Value& range) {
    return range.kind() == Kind::kList ? range.as_list().size() : range.as_map().size();
  }
  static Value ElementOf(const Value& range, size_t index) {
    return range.kind() == Kind::kList ? range.as_list()[index]
                                       : Value::String(range.as_map()[index].key);
  }
  static Value Variable(const Loop& loop) { return ElementOf(loop.range, loop.next); }

  // False where there is nothing to go through, and the reason is the loop's value.
  bool Begin(const Instruction& instruction) {
    if (!Top().is_known()) return false;
    Loop& loop = (*loops_)[instruction.index];
    loop = Loop();
    loop.range = Pop();
    switch (instruction.macro) {
      case Macro::kAll:
        loop.sum = Value::Bool(true);
        return true;
      case Macro::kExists:
        loop.sum = Value::Bool(false);
        return true;
      case Macro::kExistsOne:
        loop.sum = Value::Int(0);
        return true;
      case Macro::kMap:
      case Macro::kFilter:
        loop.built = scratch_->Values(SizeOf(loop.range));
        if (loop.built != nullptr) return true;
        Push(Value::Error(Error::kTooLarge));
        return false;
    }
    return true;
  }

  void Step(Macro macro, const Value& body, Loop* loop) {
    const Value element = Variable(*loop);
    ++loop->next;
    switch (macro) {
      case Macro::kAll:
      case Macro::kExists:
        loop->sum = macro == Macro::kAll ? And(loop->sum, body) : Or(loop->sum, body);
        // Decided: no other element can change it.
        if (macro == Macro::kAll ? loop->sum.is_false() : loop->sum.is_true()) {
          loop->next = SizeOf(loop->range);
        }
        return;
      case Macro::kExistsOne:
        if (!Spoiled(body, loop) && body.as_bool()) {
          loop->sum = Value::Int(loop->sum.as_int() + 1);
        }
        return;
      case Macro::kMap:
        if (!Spoiled(body, loop)) loop->built[loop->built_size++] = body;
        return;
      case Macro::kFilter:
        if (!Spoiled(body, loop) && body.as_bool()) loop->built[loop->built_size++] = element;
        return;
    }
  }

  // One body that is not known makes the whole result that.
  static bool Spoiled(const Value& body, Loop* loop) {
    const Value both[] = {loop->sum, body};
    const std::optional<Value> absorbed = Absorb(both);
    if (absorbed) loop->sum = *absorbed;
    return absorbed.has_value();
  }

  static Value Result(Macro macro, const Loop& loop) {
    if (!loop.sum.is_known()) return loop.sum;
    switch (macro) {
      case Macro::kAll:
      case Macro::kExists:
        return loop.sum;
      case Macro::kExistsOne:
        return Value::Bool(loop.sum.as_int() == 1);
      case Macro::kMap:
      case Macro::kFilter:
        break;
    }
    return Value::List({loop.built, loop.built_size});
  }

  const Program& program_;
  const Activation& activation_;
  Scratch* const scratch_;
  Stack stack_;
  Value* top_;  // above the topmost value
  std::optional<std::array<Loop, kMaxLoops>> loops_;
  int steps_ = 0;
};

}  // namespace

Value And(const Value& a, const Value& b) { return Decide(a, b, false); }
Value Or(const Value& a, const Value& b) { return Decide(a, b, true); }

Value Run(const Program& program, const Activation& activation, Scratch* scratch) {
  return Machine(program, activation, scratch).Run();
}

}  // namespace tcpmedic::expr
