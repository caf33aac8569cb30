// Tokens → syntax tree, going on after a mistake so that all of a text's mistakes are found. Pure.
#ifndef TCPMEDIC_CORE_EXPR_PARSER_H_
#define TCPMEDIC_CORE_EXPR_PARSER_H_

#include "core/expr/scratch.h"
#include "core/expr/source.h"
#include "core/expr/syntax.h"

namespace tcpmedic::expr {

// Never null and never deeper than kMaxDepth: what could not be parsed is a kMistake in the tree,
// and reported. Texts of literals are copied into `constants`.
NodePtr Parse(const Source& source, Span range, Scratch* constants, Mistakes* mistakes);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_PARSER_H_
