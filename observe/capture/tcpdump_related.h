// The lines of tcpdump(8) that are no segment and yet tell of one (print-icmp.c, print-icmp6.c,
// print-ip.c). Pure.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_RELATED_H_
#define TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_RELATED_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "observe/capture/related_packet.h"

namespace tcpmedic {

// "IP 10.0.0.1 > 10.0.0.5: ICMP host 10.0.0.9 unreachable, length 68", or a later fragment; with or
// without what -e and -i any set before it. Without time. Unset: none of these, about UDP, or it
// does not say which address it was for ("time exceeded in-transit"). But for port unreachable the
// line does not say either whether it was TCP.
std::optional<RelatedPacket> ParseTcpdumpRelated(absl::string_view text);

// Whether it is an ICMP error that leaves out which address it was for.
bool IsIcmpErrorWithoutAddress(absl::string_view text);

// Whether the line is a later fragment of TCP's.
bool IsLaterFragment(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_RELATED_H_
