// The port that a service name stands for, as ss(8) and tcpdump(8) print it without -n:
// ":https". A fixed table, so that a recording reads the same on every host, whatever its
// /etc/services. Pure.
#ifndef TCPMEDIC_OBSERVE_PORT_NAMES_H_
#define TCPMEDIC_OBSERVE_PORT_NAMES_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace tcpmedic {

// TCP's port; case counts, as in services(5). nullopt: a name that the table lacks, or a number.
std::optional<uint16_t> PortOfName(absl::string_view name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_PORT_NAMES_H_
