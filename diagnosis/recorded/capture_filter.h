// What a capture's filter keeps out of sight. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_CAPTURE_FILTER_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_CAPTURE_FILTER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

// The filter of a tcpdump or tshark command that shows SYNs but not the ACK which ends a handshake:
// "tcp[tcpflags] & tcp-syn != 0", "tcp[13] & 2 != 0", "tcp[tcpflags] & (tcp-syn|tcp-ack) ==
// tcp-syn". nullopt: it has no such filter. One that is written otherwise is not recognised: the
// segments themselves tell then.
std::optional<std::string> FilterForSyns(absl::string_view command);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_CAPTURE_FILTER_H_
