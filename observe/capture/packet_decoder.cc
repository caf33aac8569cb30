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
constexpr uint8_t kProtoIcmp = 1;
constexpr uint8_t kProtoIpv4 = 4;
constexpr uint8_t kProtoTcp = 6;
constexpr uint8_t kProtoIpv6 = 41;
constexpr uint8_t kProtoRouting = 43;
constexpr uint8_t kProtoFragment = 44;
constexpr uint8_t kProtoAuthentication = 51;
constexpr uint8_t kProtoIcmpv6 = 58;
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
      case 19:
        segment->signed_by_md5 = length == 18;
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

// What a packet holds; `related` is for later fragments and ICMP errors.
struct Decoded {
  CapturedSegment segment;
  RelatedPacket related;
};

// What an ICMP error quotes: an IP packet's beginning, of its payload eight bytes or more. False:
// no TCP, a later fragment, or cut before the end of the sequence number.
bool DecodeQuoted(Rest quoted, RelatedPacket* related) {
  if (quoted.size() < 20) return false;
  size_t header_bytes;
  if (quoted[0] >> 4 == 4) {
    header_bytes = (quoted[0] & 0xfu) * 4;
    if (header_bytes < 20 || quoted[9] != kProtoTcp || (quoted.U16(6) & 0x1fff) != 0) return false;
    related->src_ip = IpAddress::FromV4(quoted.bytes.data() + 12);
    related->dst_ip = IpAddress::FromV4(quoted.bytes.data() + 16);
  } else {
    header_bytes = 40;
    // Extension headers are rare, and those before TCP are mostly those of tunnels.
    if (quoted[0] >> 4 != 6 || quoted.size() < header_bytes || quoted[6] != kProtoTcp) return false;
    related->src_ip = IpAddress::FromV6(quoted.bytes.data() + 8);
    related->dst_ip = IpAddress::FromV6(quoted.bytes.data() + 24);
  }
  if (quoted.size() < header_bytes + 8) return false;
  related->src_port = quoted.U16(header_bytes);
  related->dst_port = quoted.U16(header_bytes + 2);
  related->seq = quoted.U32(header_bytes + 4);
  return true;
}

PacketKind DecodeIcmp(bool v6, Rest icmp, Decoded* decoded) {
  if (icmp.size() < 8) return PacketKind::kNotTcp;
  const std::optional<IcmpError> error = IcmpErrorOf(v6, icmp[0], icmp[1]);
  if (!error.has_value()) return PacketKind::kNotTcp;
  RelatedPacket& related = decoded->related;
  related.kind = RelatedPacket::Kind::kIcmpError;
  related.error = *error;
  related.from = decoded->segment.src_ip;
  if (*error == IcmpError::kPacketTooBig) related.mtu = v6 ? icmp.U32(4) : icmp.U16(6);
  icmp.Skip(8);
  return DecodeQuoted(icmp, &related) ? PacketKind::kIcmpError : PacketKind::kNotTcp;
}

PacketKind LaterFragment(Decoded* decoded) {
  decoded->related.kind = RelatedPacket::Kind::kLaterFragment;
  decoded->related.src_ip = decoded->segment.src_ip;
  decoded->related.dst_ip = decoded->segment.dst_ip;
  return PacketKind::kLaterFragment;
}

PacketKind DecodeIp(Rest ip, int depth, Decoded* decoded);

PacketKind DecodeIpv4(Rest ip, int depth, Decoded* decoded) {
  if (ip.size() < 20) return PacketKind::kCut;
  const uint32_t header_bytes = (ip[0] & 0xfu) * 4;
  uint32_t total_bytes = ip.U16(2);
  if (total_bytes == 0) total_bytes = ip.wire;
  if (header_bytes < 20 || total_bytes < header_bytes) return PacketKind::kMalformed;
  const uint8_t protocol = ip[9];
  if (protocol != kProtoTcp && protocol != kProtoIpv4 && protocol != kProtoIpv6 &&
      protocol != kProtoIcmp) {
    return PacketKind::kNotTcp;
  }
  decoded->segment.src_ip = IpAddress::FromV4(ip.bytes.data() + 12);
  decoded->segment.dst_ip = IpAddress::FromV4(ip.bytes.data() + 16);
  if ((ip.U16(6) & 0x1fff) != 0) {
    return protocol == kProtoIcmp ? PacketKind::kNotTcp : LaterFragment(decoded);
  }
  if (ip.size() < header_bytes) return PacketKind::kCut;
  // What is behind the packet's end pads the frame.
  ip.bytes = ip.bytes.subspan(0, total_bytes);
  ip.wire = total_bytes;
  ip.Skip(header_bytes);
  if (protocol == kProtoIcmp) return DecodeIcmp(/*v6=*/false, ip, decoded);
  if (protocol != kProtoTcp) return DecodeIp(ip, depth + 1, decoded);
  return DecodeTcp(ip, total_bytes - header_bytes, &decoded->segment);
}

PacketKind DecodeIpv6(Rest ip, int depth, Decoded* decoded) {
  if (ip.size() < 40) return PacketKind::kCut;
  uint32_t payload_bytes = ip.U16(4);
  if (payload_bytes == 0) payload_bytes = ip.wire < 40 ? 0 : ip.wire - 40;
  uint8_t next = ip[6];
  decoded->segment.src_ip = IpAddress::FromV6(ip.bytes.data() + 8);
  decoded->segment.dst_ip = IpAddress::FromV6(ip.bytes.data() + 24);
  ip.Skip(40);
  ip.bytes = ip.bytes.subspan(0, payload_bytes);
  ip.wire = payload_bytes;
  for (int i = 0; i <= kMaxExtensionHeaders; ++i) {
    uint32_t header_bytes = 0;
    switch (next) {
      case kProtoTcp:
        return DecodeTcp(ip, ip.wire, &decoded->segment);
      case kProtoIpv4:
      case kProtoIpv6:
        return DecodeIp(ip, depth + 1, decoded);
      case kProtoIcmpv6:
        return DecodeIcmp(/*v6=*/true, ip, decoded);
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
          return ip[0] == kProtoTcp ? LaterFragment(decoded) : PacketKind::kNotTcp;
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

PacketKind DecodeIp(Rest ip, int depth, Decoded* decoded) {
  if (ip.size() == 0) return PacketKind::kCut;
  if (depth > kMaxIpInIp) return PacketKind::kNotTcp;
  switch (ip[0] >> 4) {
    case 4:
      return DecodeIpv4(ip, depth, decoded);
    case 6:
      return DecodeIpv6(ip, depth, decoded);
    default:
      return PacketKind::kMalformed;
  }
}

// `rest` begins after the field that held `ether_type`.
PacketKind DecodeEtherType(uint16_t ether_type, Rest rest, Decoded* decoded) {
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
    return DecodeIp(rest, 0, decoded);
  }
  if (ether_type != kEtherIpv4 && ether_type != kEtherIpv6) return PacketKind::kNotTcp;
  return DecodeIp(rest, 0, decoded);
}

PacketKind DecodeBsdLoopback(Rest rest, Decoded* decoded) {
  if (rest.size() < 4) return PacketKind::kCut;
  // The byte order is the capturing machine's, or the network's: families are small numbers.
  uint32_t family = rest.U32(0);
  if (family > 0xffff) family = __builtin_bswap32(family);
  // AF_INET is 2 everywhere; AF_INET6 10 on Linux, 24, 28 and 30 on the BSDs and macOS.
  if (family != 2 && family != 10 && family != 24 && family != 28 && family != 30) {
    return PacketKind::kNotTcp;
  }
  rest.Skip(4);
  return DecodeIp(rest, 0, decoded);
}

PacketKind DecodeLink(LinkType link, Rest rest, Decoded* decoded) {
  switch (link) {
    case LinkType::kEthernet: {
      if (rest.size() < 14) return PacketKind::kCut;
      const uint16_t ether_type = rest.U16(12);
      rest.Skip(14);
      return DecodeEtherType(ether_type, rest, decoded);
    }
    case LinkType::kLinuxCooked: {
      if (rest.size() < 16) return PacketKind::kCut;
      const uint16_t ether_type = rest.U16(14);
      rest.Skip(16);
      return DecodeEtherType(ether_type, rest, decoded);
    }
    case LinkType::kLinuxCooked2: {
      if (rest.size() < 20) return PacketKind::kCut;
      const uint16_t ether_type = rest.U16(0);
      rest.Skip(20);
      return DecodeEtherType(ether_type, rest, decoded);
    }
    case LinkType::kRawIp:
      return DecodeIp(rest, 0, decoded);
    case LinkType::kBsdLoopback:
      return DecodeBsdLoopback(rest, decoded);
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
    case PacketKind::kIcmpError:
      return "";
    case PacketKind::kNotTcp:
      return "not TCP";
    case PacketKind::kLaterFragment:
      return "a later fragment of an IP packet, without a TCP header: its bytes are in no count";
    case PacketKind::kCut:
      return "cut by the snapshot length before the end of the TCP header: capture again with -s "
             "128 or "
             "more";
    case PacketKind::kMalformed:
      return "malformed: a header's length does not fit its packet";
  }
  return "";
}

PacketKind DecodePacket(LinkType link, absl::Span<const uint8_t> bytes, uint32_t wire_bytes,
                        CapturedSegment* segment, RelatedPacket* related) {
  // Longer than the wire: a capture file may say so, no packet was.
  wire_bytes = std::max<uint32_t>(wire_bytes, static_cast<uint32_t>(bytes.size()));
  Decoded decoded;
  const PacketKind kind = DecodeLink(link, {bytes, wire_bytes}, &decoded);
  if (kind == PacketKind::kSegment) *segment = decoded.segment;
  if (kind == PacketKind::kIcmpError || kind == PacketKind::kLaterFragment) {
    *related = decoded.related;
  }
  return kind;
}

}  // namespace tcpmedic
