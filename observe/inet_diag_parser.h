// The bytes of one inet_diag answer → a SocketSample. Pure; no allocation unless the bytes are
// malformed.
#ifndef TCPMEDIC_OBSERVE_INET_DIAG_PARSER_H_
#define TCPMEDIC_OBSERVE_INET_DIAG_PARSER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// Decodes the payload of one netlink message: struct inet_diag_msg and its attributes. Overwrites
// all of
// `*sample` but key.netns_cookie, which the message does not carry. An older kernel's shorter
// tcp_info and missing attributes leave fields unset. Returns how many bytes it did not understand:
// attributes and tcp_info fields of a newer kernel. DataLoss names the byte offset of what is
// malformed; `*sample` is then partly filled.
absl::StatusOr<int64_t> ParseInetDiagMessage(absl::Span<const char> payload, SocketSample* sample);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_INET_DIAG_PARSER_H_
