// Checked syntax tree → program. Pure.
#ifndef TCPMEDIC_CORE_EXPR_EMITTER_H_
#define TCPMEDIC_CORE_EXPR_EMITTER_H_

#include <memory>

#include "core/expr/program.h"
#include "core/expr/source.h"
#include "core/expr/syntax.h"

namespace tcpmedic::expr {

// The program of `root`, in which there is no mistake. The only mistake left to make is to need
// more than kMaxStack.
Program Emit(const Node& root, std::shared_ptr<const Constants> constants, Mistakes* mistakes);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_EMITTER_H_
