// A TCP SYN as it goes over the wire, IP header included. Pure.
#ifndef TCPMEDIC_LAB_SYN_PACKET_H_
#define TCPMEDIC_LAB_SYN_PACKET_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/ip_address.h"

namespace tcpmedic::lab {

struct Syn {
  IpAddress source;  // of the same family as `destination`
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t sequence = 0;
  uint32_t timestamp = 0;  // TSval
};

// The IPv6 header, the TCP header, and its options.
inline constexpr size_t kMaxSynBytes = 40 + 20 + 20;
using SynPacket = std::array<uint8_t, kMaxSynBytes>;

// Writes the packet and returns its length. It carries the options that a Linux client sends (MSS,
// SACK, timestamps, window scale): a server remembers as much of it as of a real one. The TCP
// checksum is set; IPv4's header checksum is left to the kernel, which always fills it in (raw(7)).
size_t WriteSyn(const Syn& syn, SynPacket* packet);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_SYN_PACKET_H_
