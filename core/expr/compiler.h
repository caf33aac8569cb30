// The stages of compilation in a row. Internal: callers use Compile and CompileTemplate.
#ifndef TCPMEDIC_CORE_EXPR_COMPILER_H_
#define TCPMEDIC_CORE_EXPR_COMPILER_H_

#include <memory>
#include <optional>
#include <vector>

#include "core/expr/expression.h"
#include "core/expr/program.h"
#include "core/expr/source.h"
#include "core/expr/syntax.h"

namespace tcpmedic::expr {

class Compiler {
 public:
  // The expression in `range` of `source`; issues are positioned in the whole source. No
  // `expected`: of any type.
  static std::optional<Expression> Compile(const Source& source, Span range, const Schema& schema,
                                           std::optional<Type> expected,
                                           std::vector<Issue>* issues);

 private:
  static std::shared_ptr<Expression::Rep> Build(const Source& source, Span range, const Node& node,
                                                std::shared_ptr<const Constants> constants,
                                                Mistakes* mistakes);
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_COMPILER_H_
