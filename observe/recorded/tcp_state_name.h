// The names that tools give the TCP states. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_TCP_STATE_NAME_H_
#define TCPMEDIC_OBSERVE_RECORDED_TCP_STATE_NAME_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// As ss and netstat print them and as ss's filters spell them, of either case: "ESTAB",
// "ESTABLISHED", "established", "FIN-WAIT-1", "FIN_WAIT1", "listening". nullopt: none of them.
std::optional<TcpState> TcpStateOfName(absl::string_view name);

// The same where it is printed in a column: capitals only, so that prose is not taken for it.
std::optional<TcpState> TcpStateOfColumn(absl::string_view word);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_TCP_STATE_NAME_H_
