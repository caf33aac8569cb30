#include "observe/capture/packet_decoder.h"

#include <algorithm>

namespace tcpmedic {
namespace {

constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherIpv6 = 0x86dd;
constexpr uint16_t kEtherPppoe = 0x8864;  // RFC 2516, session stage
constexpr uint16_t kPppIpv4 = 0x0021;
constexpr uint16_t kPppIpv6 = 0x0057;

constexpr uint8_t kProtoHopByHop = 0;
constexpr uint8_t kProtoIpv4 = 4;
constexpr uint8_t kProtoTcp = 6;
constexpr uint8_t kProtoIpv6 = 41;
constexpr uint8_t kProtoRouting = 43;
constexpr uint8_t kProtoFragment = 44;
constexpr uint8_t kProtoAuthentication = 51;
constexpr uint8_t kProtoDestination = 60;
constexpr uint8_t kProtoMobility = 135;

constexpr int kMaxTags = 4;              // VLAN tags of one frame; two are usual, more a joke
constexpr int kMaxExtensionHeaders = 8;  // of one IPv6 packet; RFC 8200 §4.1 has six kinds
constexpr int kMaxIpInIp = 2;

// Bytes that are left, and how many there were on the wire.
struct Rest {
  absl::Span<const uint8_t> bytes;
  uint32_t wire;

  size_t size() const { return bytes.size(); }
  uint8_t operator[](size_t at) const { return bytes[at]; }
  uint16_t U16(size_t at) const { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
  uint32_t U32(size_t at) const {
    return static_cast<uint32_t>(U16(at)) << 16 | static_cast<uint32_t>(U16(at + 2));
  }
  // Takes `count` bytes off the front. Precondition: there are that many.
  void Skip(size_t count) {
    bytes.remove_prefix(count);
    wire -= std::min<uint32_t>(wire, static_cast<uint32_t>(count));
  }
};

bool IsVlanTag(uint16_t ether_type) {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

// The options of a TCP header; false where the snapshot length or a wrong length ended them early.
bool DecodeOptions(absl::Span<const uint8_t> options, CapturedSegment* segment) {
  const auto u16 = [&](size_t at) {
    return static_cast<uint16_t>(options[at] << 8 | options[at + 1]);
  };
  const auto u32 = [&](size_t at) {
    return static_cast<uint32_t>(u16(at)) << 16 | static_cast<uint32_t>(u16(at + 2));
  };
  const auto fast_open = [&](size_t cookie_bytes) {
    segment->fast_open = true;
    segment->fast_open_cookie_bytes = static_cast<uint8_t>(cookie_bytes);
  };
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t kind = options[at];
    if (kind == 0) return true;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) return false;
    const size_t length = options[at + 1];
    if (length < 2 || length > options.size() - at) return false;
    switch (kind) {
      case 2:
        if (length == 4) segment->mss = u16(at + 2);
        break;
      case 3:  // RFC 7323 §2.3: more than 14 counts as 14
        if (length == 3) segment->window_scale = std::min<uint8_t>(options[at + 2], 14);
        break;
      case 4:
        segment->sack_permitted = true;
        break;
      case 5:
        for (size_t block = at + 2; block + 8 <= at + length && segment->sack_blocks < 4;
             block += 8) {
          segment->sack[segment->sack_blocks++] = {u32(block), u32(block + 4)};
        }
        break;
      case 8:
        if (length == 10) {
          segment->ts_val = u32(at + 2);
          segment->ts_ecr = u32(at + 6);
        }
        break;
      case 34:
        fast_open(length - 2);
        break;
      case 254:  // RFC 7413 appendix A: the experimental option with its magic number
        if (length >= 4 && u16(at + 2) == 0xf989) fast_open(length - 4);
        break;
      default:
        break;
    }
    at += length;
  }
  return true;
}

PacketKind DecodeTcp(const Rest& tcp, uint32_t ip_payload_bytes, CapturedSegment* segment) {
  if (ip_payload_bytes < 20) return PacketKind::kMalformed;
  if (tcp.size() < 16) return PacketKind::kCut;
  const uint32_t header_bytes = (tcp[12] >> 4) * 4u;
  if (header_bytes < 20 || header_bytes > ip_payload_bytes) return PacketKind::kMalformed;
  segment->src_port = tcp.U16(0);
  segment->dst_port = tcp.U16(2);
  segment->seq = tcp.U32(4);
  segment->flags = tcp.U16(12) & 0x1ff;
  if (segment->Has(kAck)) segment->ack = tcp.U32(8);
  segment->window = tcp.U16(14);
  segment->payload_bytes = ip_payload_bytes - header_bytes;
  segment->truncated = tcp.size() < header_bytes;
  segment->options_known = !segment->truncated;
  if (tcp.size() > 20 && header_bytes > 20) {
    const size_t captured = std::min<size_t>(tcp.size(), header_bytes);
    if (!DecodeOptions(tcp.bytes.subspan(20, captured - 20), segment)) {
      segment->options_known = false;
    }
  }
  return PacketKind::kSegment;
}

PacketKind DecodeIp(Rest ip, int depth, CapturedSegment* segment);

PacketKind DecodeIpv4(Rest ip, int depth, CapturedSegment* segment) {
  if (ip.size() < 20) return PacketKind::kCut;
  const uint32_t header_bytes = (ip[0] & 0xfu) * 4;
  uint32_t total_bytes = ip.U16(2);
  if (total_bytes == 0) total_bytes = ip.wire;
  if (header_bytes < 20 || total_bytes < header_bytes) return PacketKind::kMalformed;
  const uint8_t protocol = ip[9];
  if (protocol != kProtoTcp && protocol != kProtoIpv4 && protocol != kProtoIpv6) {
    return PacketKind::kNotTcp;
  }
  if ((ip.U16(6) & 0x1fff) != 0) return PacketKind::kLaterFragment;
  if (ip.size() < header_bytes) return PacketKind::kCut;
  segment->src_ip = IpAddress::FromV4(ip.bytes.data() + 12);
  segment->dst_ip = IpAddress::FromV4(ip.bytes.data() + 16);
  // What is behind the packet's end pads the frame.
  ip.bytes = ip.bytes.subspan(0, total_bytes);
  ip.wire = total_bytes;
  ip.Skip(header_bytes);
  if (protocol != kProtoTcp) return DecodeIp(ip, depth + 1, segment);
  return DecodeTcp(ip, total_bytes - header_bytes, segment);
}

PacketKind DecodeIpv6(Rest ip, int depth, CapturedSegment* segment) {
  if (ip.size() < 40) return PacketKind::kCut;
  uint32_t payload_bytes = ip.U16(4);
  if (payload_bytes == 0) payload_bytes = ip.wire < 40 ? 0 : ip.wire - 40;
  uint8_t next = ip[6];
  segment->src_ip = IpAddress::FromV6(ip.bytes.data() + 8);
  segment->dst_ip = IpAddress::FromV6(ip.bytes.data() + 24);
  ip.Skip(40);
  ip.bytes = ip.bytes.subspan(0, payload_bytes);
  ip.wire = payload_bytes;
  for (int i = 0; i <= kMaxExtensionHeaders; ++i) {
    uint32_t header_bytes = 0;
    switch (next) {
      case kProtoTcp:
        return DecodeTcp(ip, ip.wire, segment);
      case kProtoIpv4:
      case kProtoIpv6:
        return DecodeIp(ip, depth + 1, segment);
      case kProtoHopByHop:
      case kProtoRouting:
      case kProtoDestination:
      case kProtoMobility:
        if (ip.size() < 8) return PacketKind::kCut;
        header_bytes = (ip[1] + 1u) * 8;
        break;
      case kProtoFragment:
        if (ip.size() < 8) return PacketKind::kCut;
        if ((ip.U16(2) & 0xfff8) != 0) {
          return ip[0] == kProtoTcp ? PacketKind::kLaterFragment : PacketKind::kNotTcp;
        }
        header_bytes = 8;
        break;
      case kProtoAuthentication:
        if (ip.size() < 8) return PacketKind::kCut;
        header_bytes = (ip[1] + 2u) * 4;
        break;
      default:
        return PacketKind::kNotTcp;
    }
    if (header_bytes > ip.wire) return PacketKind::kMalformed;
    next = ip[0];
    if (header_bytes > ip.size()) return PacketKind::kCut;
    ip.Skip(header_bytes);
  }
  return PacketKind::kMalformed;
}

PacketKind DecodeIp(Rest ip, int depth, CapturedSegment* segment) {
  if (ip.size() == 0) return PacketKind::kCut;
  if (depth > kMaxIpInIp) return PacketKind::kNotTcp;
  switch (ip[0] >> 4) {
    case 4:
      return DecodeIpv4(ip, depth, segment);
    case 6:
      return DecodeIpv6(ip, depth, segment);
    default:
      return PacketKind::kMalformed;
  }
}

// `rest` begins after the field that held `ether_type`.
PacketKind DecodeEtherType(uint16_t ether_type, Rest rest, CapturedSegment* segment) {
  for (int tags = 0; IsVlanTag(ether_type) && tags < kMaxTags; ++tags) {
    if (rest.size() < 4) return PacketKind::kCut;
    ether_type = rest.U16(2);
    rest.Skip(4);
  }
  if (ether_type == kEtherPppoe) {
    if (rest.size() < 8) return PacketKind::kCut;
    const uint16_t protocol = rest.U16(6);
    if (protocol != kPppIpv4 && protocol != kPppIpv6) return PacketKind::kNotTcp;
    rest.Skip(8);
    return DecodeIp(rest, 0, segment);
  }
  if (ether_type != kEtherIpv4 && ether_type != kEtherIpv6) return PacketKind::kNotTcp;
  return DecodeIp(rest, 0, segment);
}

PacketKind DecodeBsdLoopback(Rest rest, CapturedSegment* segment) {
  if (rest.size() < 4) return PacketKind::kCut;
  // The byte order is the capturing machine's, or the network's: families are small numbers.
  uint32_t family = rest.U32(0);
  if (family > 0xffff) family = __builtin_bswap32(family);
  // AF_INET is 2 everywhere; AF_INET6 10 on Linux, 24, 28 and 30 on the BSDs and macOS.
  if (family != 2 && family != 10 && family != 24 && family != 28 && family != 30) {
    return PacketKind::kNotTcp;
  }
  rest.Skip(4);
  return DecodeIp(rest, 0, segment);
}

PacketKind DecodeLink(LinkType link, Rest rest, CapturedSegment* segment) {
  switch (link) {
    case LinkType::kEthernet: {
      if (rest.size() < 14) return PacketKind::kCut;
      const uint16_t ether_type = rest.U16(12);
      rest.Skip(14);
      return DecodeEtherType(ether_type, rest, segment);
    }
    case LinkType::kLinuxCooked: {
      if (rest.size() < 16) return PacketKind::kCut;
      const uint16_t ether_type = rest.U16(14);
      rest.Skip(16);
      return DecodeEtherType(ether_type, rest, segment);
    }
    case LinkType::kLinuxCooked2: {
      if (rest.size() < 20) return PacketKind::kCut;
      const uint16_t ether_type = rest.U16(0);
      rest.Skip(20);
      return DecodeEtherType(ether_type, rest, segment);
    }
    case LinkType::kRawIp:
      return DecodeIp(rest, 0, segment);
    case LinkType::kBsdLoopback:
      return DecodeBsdLoopback(rest, segment);
  }
  return PacketKind::kNotTcp;
}

}  // namespace

std::optional<LinkType> LinkTypeOf(int dlt) {
  switch (dlt) {
    case 1:
      return LinkType::kEthernet;
    case 113:
      return LinkType::kLinuxCooked;
    case 276:
      return LinkType::kLinuxCooked2;
    case 12:   // DLT_RAW on Linux
    case 14:   // DLT_RAW on OpenBSD
    case 101:  // LINKTYPE_RAW
    case 228:  // IPV4
    case 229:  // IPV6
      return LinkType::kRawIp;
    case 0:    // NULL
    case 108:  // LOOP
      return LinkType::kBsdLoopback;
    default:
      return std::nullopt;
  }
}

absl::string_view ReasonText(PacketKind kind) {
  switch (kind) {
    case PacketKind::kSegment:
      return "";
    case PacketKind::kNotTcp:
      return "not TCP";
    case PacketKind::kLaterFragment:
      return "a later fragment of an IP packet: its TCP header is in the first";
    case PacketKind::kCut:
      return "cut by the snapshot length before the end of the TCP header";
    case PacketKind::kMalformed:
      return "malformed: a header's length does not fit its packet";
  }
  return "";
}

PacketKind DecodePacket(LinkType link, absl::Span<const uint8_t> bytes, uint32_t wire_bytes,
                        CapturedSegment* segment) {
  // Longer than the wire: a capture file may say so, no packet was.
  wire_bytes = std::max<uint32_t>(wire_bytes, static_cast<uint32_t>(bytes.size()));
  CapturedSegment decoded;
  const PacketKind kind = DecodeLink(link, {bytes, wire_bytes}, &decoded);
  if (kind == PacketKind::kSegment) *segment = decoded;
  return kind;
}

}  // namespace tcpmedic
