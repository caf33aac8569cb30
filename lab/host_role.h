// The lab's two hosts and what they are called. Pure.
#ifndef TCPMEDIC_LAB_HOST_ROLE_H_
#define TCPMEDIC_LAB_HOST_ROLE_H_

#include "absl/strings/string_view.h"

namespace tcpmedic::lab {

enum class HostRole { kClient, kServer };

inline constexpr absl::string_view Name(HostRole role) {
  return role == HostRole::kClient ? "client" : "server";
}

// Of the ranges reserved for documentation (RFC 5737, RFC 3849), which no real path uses.
inline constexpr absl::string_view AddressOf(HostRole role, bool ipv6) {
  if (ipv6) return role == HostRole::kClient ? "2001:db8:1::10" : "2001:db8:2::20";
  return role == HostRole::kClient ? "198.51.100.10" : "203.0.113.20";
}

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_HOST_ROLE_H_
