// An IPv4 or IPv6 address as a plain 17-byte value. v4-mapped IPv6 addresses compare and print as
// IPv4 once Unmapped(). Pure; no allocation but for the text.
#ifndef TCPMEDIC_CORE_IP_ADDRESS_H_
#define TCPMEDIC_CORE_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // network order; IPv4 in the first four, the rest 0
  bool v6 = false;

  auto operator<=>(const IpAddress&) const = default;

  // The IPv4 address inside ::ffff:a.b.c.d, else the address itself.
  IpAddress Unmapped() const;
  std::string ToString() const;  // RFC 5952 for IPv6

  static std::optional<IpAddress> Parse(absl::string_view text);  // no zone, no port
  static IpAddress FromV4(const void* four_bytes);
  static IpAddress FromV6(const void* sixteen_bytes);

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& ip) {
    return H::combine(std::move(h), ip.bytes, ip.v6);
  }
};

// "203.0.113.20:443", "[2001:db8::1]:443".
std::string EndpointText(const IpAddress& ip, uint16_t port);

// A prefix such as 10.0.0.0/8.
struct IpPrefix {
  IpAddress address;
  int length = 0;  // bits

  bool Contains(const IpAddress& ip) const;  // false across families
  static std::optional<IpPrefix> Parse(absl::string_view text);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_IP_ADDRESS_H_
