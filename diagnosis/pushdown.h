// What a signature's condition lets the kernel leave out of a dump. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_PUSHDOWN_H_
#define TCPMEDIC_DIAGNOSIS_PUSHDOWN_H_

#include "core/expr/expression.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// The TCP states in which `condition` (over SocketSchema) can be true: it is evaluated once per
// state with nothing else known, and a state is left out only where that is known to be false.
TcpStateMask StatesThatCanMatch(const expr::Expression& condition);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PUSHDOWN_H_
