// An address and a port as ss(8) and netstat(8) print them. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_ENDPOINT_H_
#define TCPMEDIC_OBSERVE_RECORDED_ENDPOINT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/ip_address.h"

namespace tcpmedic {

struct PrintedEndpoint {
  IpAddress ip;       // unmapped
  uint16_t port = 0;  // 0 for "*"
  bool v4_mapped = false;
  std::string unknown_port_name;  // PortOfName does not know it: `port` is 0
};

// "10.0.0.5:44120", "[::1]:https", "::1:443", "[fe80::1]%eth0:22", "127.0.0.53%lo:53", "0.0.0.0:*".
// "*:443" is a socket of both families: its address is "::". A zone is dropped. nullopt: anything
// else, a host's name among it.
std::optional<PrintedEndpoint> ParsePrintedEndpoint(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_ENDPOINT_H_
