// An address and a port as the socket calls want it. Pure.
#ifndef TCPMEDIC_LAB_ENDPOINT_H_
#define TCPMEDIC_LAB_ENDPOINT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic::lab {

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }

  // InvalidArgument: `address` is neither IPv4 nor IPv6.
  static absl::StatusOr<Endpoint> Of(const std::string& address, uint16_t port) {
    Endpoint endpoint;
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&endpoint.storage);
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.storage);
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      endpoint.length = sizeof(*v4);
    } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      endpoint.length = sizeof(*v6);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("'", address, "' is no address"));
    }
    return endpoint;
  }
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_ENDPOINT_H_
