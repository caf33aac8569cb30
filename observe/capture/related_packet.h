// A packet that has no TCP segment of its own and yet tells of one: a later fragment of its IP
// packet, or an ICMP error that quotes it (RFC 792, RFC 4443 §3). Plain, without heap.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_RELATED_PACKET_H_
#define TCPMEDIC_OBSERVE_CAPTURE_RELATED_PACKET_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "core/ip_address.h"

namespace tcpmedic {

// What ICMP and ICMPv6 report alike.
enum class IcmpError : uint8_t {
  kNetUnreachable,       // no route
  kHostUnreachable,      // nobody answers ARP or neighbour discovery
  kProtocolUnreachable,  // no TCP there
  kPortUnreachable,      // of TCP: a firewall that rejects
  kProhibited,           // by a firewall
  kUnreachable,          // for another reason
  kPacketTooBig,         // does not fit the next link, and must not be fragmented
  kTimeExceeded,         // its hops were used up
  kReassemblyTimeExceeded,
};
// By the type and code of the header; unset: it reports no error, or none of these.
std::optional<IcmpError> IcmpErrorOf(bool v6, uint8_t type, uint8_t code);

struct RelatedPacket {
  enum class Kind : uint8_t { kLaterFragment, kIcmpError };
  Kind kind = Kind::kLaterFragment;
  std::optional<absl::Duration> time;  // as CapturedSegment::time

  // Of the segment that it tells of. A fragment has no ports; tcpdump's text seldom names those of
  // a quoted segment, and never its number.
  IpAddress src_ip, dst_ip;
  std::optional<uint16_t> src_port, dst_port;  // host order
  std::optional<uint32_t> seq;                 // absolute

  // kIcmpError.
  IcmpError error = IcmpError::kUnreachable;
  IpAddress from;    // who reports it: a router, a firewall, or the destination itself
  uint32_t mtu = 0;  // of kPacketTooBig: what fits; 0: not said (before RFC 1191)
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_RELATED_PACKET_H_
