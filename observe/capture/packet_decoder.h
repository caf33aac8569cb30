// A captured packet's bytes → the TCP segment in it, or the one that it tells of. The bytes are
// hostile: each length is checked before it is used, loops over headers are bounded. Pure; no heap.
//
// Read through: Ethernet with 802.1Q, QinQ and PPPoE tags; Linux cooked v1 and v2; raw IP; BSD and
// OpenBSD loopback; IPv4 with options; IPv6 with extension headers; IP in IP (as tcpdump does).
// Other tunnels (GRE, VXLAN) count as not TCP.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_PACKET_DECODER_H_
#define TCPMEDIC_OBSERVE_CAPTURE_PACKET_DECODER_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "observe/capture/related_packet.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

// What stands before the IP header, as pcap-linktype(7) describes it.
enum class LinkType : uint8_t {
  kEthernet,
  kLinuxCooked,   // LINKTYPE_LINUX_SLL, "tcpdump -i any" up to 4.98
  kLinuxCooked2,  // LINKTYPE_LINUX_SLL2
  kRawIp,         // RAW, IPV4, IPV6: nothing
  kBsdLoopback,   // NULL and LOOP: the address family, in either byte order
};
// Of a DLT_ value, as pcap_datalink(3) gives it on Linux. Unset: not one of these.
std::optional<LinkType> LinkTypeOf(int dlt);

enum class PacketKind : uint8_t {
  kSegment,
  kNotTcp,
  kIcmpError,      // about a TCP segment, which it quotes
  kLaterFragment,  // of an IP packet: its TCP header was in the first one
  kCut,            // by the snapshot length, before the window field
  kMalformed,      // a header contradicts itself or what it stands in
};
inline constexpr int kPacketKinds = 6;
// Why a packet of this kind could not be read: "not TCP". Empty: it was.
absl::string_view ReasonText(PacketKind kind);
// Of segments whose `truncated` is set.
inline constexpr absl::string_view kOptionsCutReason =
    "TCP options cut by the snapshot length: window scale, SACK and timestamps may be missing; "
    "capture again with -s 128 or more";

// Fills `segment` but for its time, only where it returns kSegment, and `related` so for kIcmpError
// and kLaterFragment. `wire_bytes`: how long the packet was before the snapshot length cut it; it
// stands in for an IP length of 0 (BIG TCP, and hosts that capture what the network card is to
// segment).
PacketKind DecodePacket(LinkType link, absl::Span<const uint8_t> bytes, uint32_t wire_bytes,
                        CapturedSegment* segment, RelatedPacket* related);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_PACKET_DECODER_H_
