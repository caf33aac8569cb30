// Gives every node of a syntax tree its meaning and type: names become attributes of the schema or
// loop variables, calls become overloads, and what is constant is computed. Pure.
#ifndef TCPMEDIC_CORE_EXPR_CHECKER_H_
#define TCPMEDIC_CORE_EXPR_CHECKER_H_

#include "core/expr/program.h"
#include "core/expr/schema.h"
#include "core/expr/source.h"
#include "core/expr/syntax.h"

namespace tcpmedic::expr {

// Annotates the tree in place. A tree without mistakes can be emitted.
void Check(Node* root, const Schema& schema, Constants* constants, Mistakes* mistakes);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_CHECKER_H_
