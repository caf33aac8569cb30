// Runs programs. Pure; a program may run in several threads at once.
#ifndef TCPMEDIC_CORE_EXPR_MACHINE_H_
#define TCPMEDIC_CORE_EXPR_MACHINE_H_

#include "core/expr/expression.h"
#include "core/expr/program.h"

namespace tcpmedic::expr {

// Bound on the steps of all loops of one run together; over it the result is error kTooLarge.
inline constexpr int kMaxLoopSteps = 10'000;

Value Run(const Program& program, const Activation& activation, Scratch* scratch);

// CEL's && and ||: one side may decide alone; else unknown, then an error, then the value.
Value And(const Value& a, const Value& b);
Value Or(const Value& a, const Value& b);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_MACHINE_H_
