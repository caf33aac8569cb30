#include "observe/capture/packet_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/observe/capture/packet_bytes.h"

namespace tcpmedic {
namespace {

constexpr uint8_t kTcp = 6;

// A string of bytes with NULs among them.
template <size_t N>
std::string Bytes(const char (&text)[N]) {
  return std::string(text, N - 1);
}

// What Linux sends in a SYN: mss 1460, SACK permitted, timestamps 7 and 0, wscale 7.
const std::string& SynOptions() {
  static const std::string options =
      Bytes("\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x07\0\0\0\0\x01\x03\x03\x07");
  return options;
}

struct Decoded {
  PacketKind kind;
  CapturedSegment segment;
  RelatedPacket related{};
};

Decoded Decode(LinkType link, const std::string& bytes, size_t captured = std::string::npos) {
  // A buffer of its own, so that a sanitizer sees a read past the end.
  const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + std::min(captured, bytes.size()));
  Decoded decoded;
  decoded.kind = DecodePacket(link, cut, static_cast<uint32_t>(bytes.size()), &decoded.segment,
                              &decoded.related);
  return decoded;
}

TEST(PacketDecoder, SynWithOptions) {
  TcpFields syn;
  syn.options = SynOptions();
  const auto [kind, segment, _] =
      Decode(LinkType::kEthernet, EthernetBytes(0x0800, Ipv4Bytes(kTcp, TcpBytes(syn))));
  ASSERT_EQ(kind, PacketKind::kSegment);
  EXPECT_EQ(EndpointText(segment.src_ip, segment.src_port), "10.0.0.5:51514");
  EXPECT_EQ(EndpointText(segment.dst_ip, segment.dst_port), "10.0.0.9:6379");
  EXPECT_EQ(segment.flags, kSyn);
  EXPECT_EQ(segment.seq, 1'000'000u);
  EXPECT_FALSE(segment.ack.has_value());
  EXPECT_FALSE(segment.relative);
  EXPECT_EQ(segment.window, 64240);
  EXPECT_EQ(segment.payload_bytes, 0u);
  EXPECT_FALSE(segment.truncated);
  EXPECT_TRUE(segment.options_known);
  EXPECT_EQ(segment.mss, 1460);
  EXPECT_EQ(segment.window_scale, 7);
  EXPECT_TRUE(segment.sack_permitted);
  EXPECT_EQ(segment.ts_val, 7u);
  EXPECT_EQ(segment.ts_ecr, 0u);
}

TEST(PacketDecoder, EachLinkTypeHoldsTheSameSegment) {
  TcpFields data;
  data.flags = kAck | kPsh;
  data.ack = 4'200'001;
  data.payload = "PING";
  const std::string v4 = Ipv4Bytes(kTcp, TcpBytes(data));
  const std::string v6 = Ipv6Bytes(kTcp, TcpBytes(data));
  const std::string mac = Bytes("\0\0\0\1\0\6\1\2\3\4\5\6\0\0");
  struct Case {
    std::string name;
    LinkType link;
    std::string bytes;
  };
  const std::vector<Case> cases = {
      {"Ethernet", LinkType::kEthernet, EthernetBytes(0x0800, v4)},
      {"Ethernet, IPv6", LinkType::kEthernet, EthernetBytes(0x86dd, v6)},
      {"Ethernet, padded to 60 bytes", LinkType::kEthernet,
       EthernetBytes(0x0800, v4) + std::string(2, '\0')},
      {"VLAN", LinkType::kEthernet, EthernetBytes(0x8100, Bytes("\0\7\x08\0") + v4)},
      {"QinQ", LinkType::kEthernet, EthernetBytes(0x88a8, Bytes("\0\5\x81\0\0\7\x86\xdd") + v6)},
      {"PPPoE", LinkType::kEthernet, EthernetBytes(0x8864, Bytes("\x11\0\0\1\0\x2e\0\x21") + v4)},
      {"cooked", LinkType::kLinuxCooked, mac + Bytes("\x08\0") + v4},
      {"cooked, VLAN", LinkType::kLinuxCooked, mac + Bytes("\x81\0\0\7\x08\0") + v4},
      {"cooked v2", LinkType::kLinuxCooked2,
       Bytes("\x86\xdd\0\0\0\0\0\2\0\1\4\6\1\2\3\4\5\6\0\0") + v6},
      {"raw", LinkType::kRawIp, v4},
      {"raw, IPv6", LinkType::kRawIp, v6},
      {"loopback, little-endian", LinkType::kBsdLoopback, Bytes("\2\0\0\0") + v4},
      {"loopback, big-endian", LinkType::kBsdLoopback, Bytes("\0\0\0\2") + v4},
      {"loopback, IPv6 of macOS", LinkType::kBsdLoopback, Bytes("\x1e\0\0\0") + v6},
      {"IPv4 options", LinkType::kRawIp,
       Ipv4Bytes(kTcp, TcpBytes(data), 0x4000, Bytes("\x94\4\0\0"))},
      {"first fragment", LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(data), 0x2000)},
      {"IPv6 hop-by-hop and destination options", LinkType::kRawIp,
       Ipv6Bytes(0, Bytes("\x3c\0\1\4\0\0\0\0\6\0\1\4\0\0\0\0") + TcpBytes(data))},
      {"IPv6 first fragment", LinkType::kRawIp,
       Ipv6Bytes(44, Bytes("\6\0\0\1\0\0\0\x09") + TcpBytes(data))},
      {"IPv6 authentication header", LinkType::kRawIp,
       Ipv6Bytes(51, Bytes("\6\1\0\0\0\0\0\1\0\0\0\1") + TcpBytes(data))},
      {"IP in IP", LinkType::kRawIp, Ipv4Bytes(4, v4)},
      {"IPv6 in IP", LinkType::kRawIp, Ipv4Bytes(41, v6)},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const auto [kind, segment, _] = Decode(test.link, test.bytes);
    ASSERT_EQ(kind, PacketKind::kSegment);
    EXPECT_EQ(segment.src_port, 51514);
    EXPECT_EQ(segment.seq, 1'000'000u);
    EXPECT_EQ(segment.ack, 4'200'001u);
    EXPECT_EQ(segment.payload_bytes, 4u);
    EXPECT_EQ(segment.src_ip.ToString(), segment.src_ip.v6 ? "2001:db8::5" : "10.0.0.5");
  }
}

TEST(PacketDecoder, OtherPacketsAreNamedByWhatTheyAre) {
  const std::string tcp = TcpBytes({});
  std::string short_header = tcp;
  short_header[12] = 0x40;
  std::string long_header = tcp;
  long_header[12] = static_cast<char>(0xf0);
  std::string short_ip = Ipv4Bytes(kTcp, tcp);
  short_ip[3] = 19;
  struct Case {
    std::string name;
    LinkType link;
    std::string bytes;
    PacketKind kind;
  };
  const std::vector<Case> cases = {
      {"ARP", LinkType::kEthernet, EthernetBytes(0x0806, std::string(28, '\0')),
       PacketKind::kNotTcp},
      {"802.3 length", LinkType::kEthernet, EthernetBytes(38, std::string(38, '\0')),
       PacketKind::kNotTcp},
      {"UDP", LinkType::kRawIp, Ipv4Bytes(17, std::string(8, '\0')), PacketKind::kNotTcp},
      {"UDP in IPv6", LinkType::kRawIp, Ipv6Bytes(17, std::string(8, '\0')), PacketKind::kNotTcp},
      {"loopback of another family", LinkType::kBsdLoopback, Bytes("\7\0\0\0aaaa"),
       PacketKind::kNotTcp},
      {"later fragment", LinkType::kRawIp, Ipv4Bytes(kTcp, tcp, 0x0001),
       PacketKind::kLaterFragment},
      {"later fragment of UDP", LinkType::kRawIp, Ipv4Bytes(17, tcp, 0x0001), PacketKind::kNotTcp},
      {"IPv6 later fragment", LinkType::kRawIp,
       Ipv6Bytes(44, Bytes("\6\0\0\x08\0\0\0\x09zzzzzzzz")), PacketKind::kLaterFragment},
      {"data offset below 5", LinkType::kRawIp, Ipv4Bytes(kTcp, short_header),
       PacketKind::kMalformed},
      {"data offset past the packet", LinkType::kRawIp, Ipv4Bytes(kTcp, long_header),
       PacketKind::kMalformed},
      {"IP length below its header", LinkType::kRawIp, short_ip, PacketKind::kMalformed},
      {"neither IPv4 nor IPv6", LinkType::kRawIp, std::string(40, '\x70'), PacketKind::kMalformed},
      {"endless extension headers", LinkType::kRawIp, Ipv6Bytes(0, std::string(400, '\0')),
       PacketKind::kMalformed},
      {"endless IP in IP", LinkType::kRawIp,
       Ipv4Bytes(4, Ipv4Bytes(4, Ipv4Bytes(4, Ipv4Bytes(kTcp, tcp)))), PacketKind::kNotTcp},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(Decode(test.link, test.bytes).kind, test.kind);
  }
}

// RFC 792: type, code, checksum, 4 bytes of which the last two are RFC 1191's MTU, then the quote.
TEST(PacketDecoder, AnIcmpErrorTellsOfTheSegmentThatItQuotes) {
  TcpFields syn;
  syn.seq = 1'957'821'338;
  const std::string quoted = Ipv4Bytes(kTcp, TcpBytes(syn));
  const auto icmp = [&](const std::string& head, const std::string& quote) {
    return Ipv4Bytes(1, head + quote);
  };
  const Decoded host = Decode(LinkType::kRawIp, icmp(Bytes("\3\1\0\0\0\0\0\0"), quoted));
  ASSERT_EQ(host.kind, PacketKind::kIcmpError);
  EXPECT_EQ(host.related.kind, RelatedPacket::Kind::kIcmpError);
  EXPECT_EQ(host.related.error, IcmpError::kHostUnreachable);
  EXPECT_EQ(host.related.from.ToString(), "10.0.0.5");
  EXPECT_EQ(host.related.src_ip.ToString(), "10.0.0.5");
  EXPECT_EQ(host.related.dst_ip.ToString(), "10.0.0.9");
  EXPECT_EQ(host.related.src_port, 51514);
  EXPECT_EQ(host.related.dst_port, 6379);
  EXPECT_EQ(host.related.seq, 1'957'821'338u);
  // Routers need not quote more than eight bytes of it.
  const Decoded too_big =
      Decode(LinkType::kRawIp, icmp(Bytes("\3\4\0\0\0\0\x05\x78"), quoted.substr(0, 28)));
  ASSERT_EQ(too_big.kind, PacketKind::kIcmpError);
  EXPECT_EQ(too_big.related.error, IcmpError::kPacketTooBig);
  EXPECT_EQ(too_big.related.mtu, 1400u);

  const std::string quoted6 = Ipv6Bytes(kTcp, TcpBytes(syn));
  const Decoded too_big6 =
      Decode(LinkType::kRawIp, Ipv6Bytes(58, Bytes("\2\0\0\0\0\0\x05\0") + quoted6));
  ASSERT_EQ(too_big6.kind, PacketKind::kIcmpError);
  EXPECT_EQ(too_big6.related.error, IcmpError::kPacketTooBig);
  EXPECT_EQ(too_big6.related.mtu, 1280u);
  EXPECT_EQ(too_big6.related.dst_ip.ToString(), "2001:db8::9");
  EXPECT_EQ(too_big6.related.dst_port, 6379);
}

TEST(PacketDecoder, IcmpThatQuotesNoWholeTcpHeadIsNotTcp) {
  const std::string quoted = Ipv4Bytes(kTcp, TcpBytes({}));
  const std::string head = Bytes("\3\1\0\0\0\0\0\0");
  const std::vector<std::string> cases = {
      Ipv4Bytes(1, Bytes("\x08\0\0\0\0\1\0\1") + quoted),                 // an echo request
      Ipv4Bytes(1, head + quoted.substr(0, 27)),                          // cut
      Ipv4Bytes(1, head),                                                 // no quote at all
      Ipv4Bytes(1, head + Ipv4Bytes(17, std::string(8, '\0'))),           // UDP
      Ipv4Bytes(1, head + Ipv4Bytes(kTcp, TcpBytes({}), 0x0001)),         // a later fragment
      Ipv4Bytes(1, head + std::string(40, '\x4f')),                       // options past its end
      Ipv6Bytes(58, Bytes("\x87\0\0\0\0\0\0\0") + std::string(16, 'a')),  // neighbour discovery
      Ipv6Bytes(58, Bytes("\1\4\0\0\0\0\0\0") + quoted.substr(0, 24)),
  };
  for (const std::string& packet : cases) {
    EXPECT_EQ(Decode(LinkType::kRawIp, packet).kind, PacketKind::kNotTcp);
  }
}

TEST(PacketDecoder, IcmpCodesOfBothVersionsMeanTheSame) {
  EXPECT_EQ(IcmpErrorOf(false, 3, 0), IcmpError::kNetUnreachable);
  EXPECT_EQ(IcmpErrorOf(true, 1, 0), IcmpError::kNetUnreachable);
  EXPECT_EQ(IcmpErrorOf(true, 1, 3), IcmpError::kHostUnreachable);
  EXPECT_EQ(IcmpErrorOf(false, 3, 3), IcmpError::kPortUnreachable);
  EXPECT_EQ(IcmpErrorOf(true, 1, 4), IcmpError::kPortUnreachable);
  EXPECT_EQ(IcmpErrorOf(false, 3, 13), IcmpError::kProhibited);
  EXPECT_EQ(IcmpErrorOf(true, 1, 1), IcmpError::kProhibited);
  EXPECT_EQ(IcmpErrorOf(false, 11, 0), IcmpError::kTimeExceeded);
  EXPECT_EQ(IcmpErrorOf(true, 3, 1), IcmpError::kReassemblyTimeExceeded);
  EXPECT_EQ(IcmpErrorOf(false, 5, 1), std::nullopt);   // redirect
  EXPECT_EQ(IcmpErrorOf(true, 128, 0), std::nullopt);  // echo request
}

TEST(PacketDecoder, ALaterFragmentNamesItsAddresses) {
  const Decoded later = Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes({}), 0x0001));
  ASSERT_EQ(later.kind, PacketKind::kLaterFragment);
  EXPECT_EQ(later.related.src_ip.ToString(), "10.0.0.5");
  EXPECT_EQ(later.related.dst_ip.ToString(), "10.0.0.9");
  EXPECT_EQ(later.related.src_port, std::nullopt);
}

TEST(PacketDecoder, SnapshotLengthAnywhereNeverReadsPastIt) {
  TcpFields syn;
  syn.options = SynOptions();
  syn.payload = std::string(100, 'x');
  const std::string packet =
      EthernetBytes(0x8100, Bytes("\0\7\x08\0") + Ipv4Bytes(kTcp, TcpBytes(syn)));
  const size_t tcp_at = 14 + 4 + 20;
  for (size_t captured = 0; captured <= packet.size(); ++captured) {
    SCOPED_TRACE(captured);
    const auto [kind, segment, _] = Decode(LinkType::kEthernet, packet, captured);
    if (captured < tcp_at + 16) {
      EXPECT_EQ(kind, PacketKind::kCut);
      continue;
    }
    ASSERT_EQ(kind, PacketKind::kSegment);
    EXPECT_EQ(segment.payload_bytes, 100u);  // by the IP header
    EXPECT_EQ(segment.truncated, captured < tcp_at + 40);
    EXPECT_EQ(segment.options_known, captured >= tcp_at + 40);
    EXPECT_EQ(segment.mss.has_value(), captured >= tcp_at + 24);
    EXPECT_EQ(segment.ts_val.has_value(), captured >= tcp_at + 36);
  }
}

TEST(PacketDecoder, SackBlocksUpToFour) {
  TcpFields ack;
  ack.flags = kAck;
  ack.options = Bytes("\1\1\5\x12") + BigEndian32(1'001'448) + BigEndian32(1'002'896) +
                BigEndian32(0xffffff00) + BigEndian32(0x100);
  const auto [kind, segment, _] = Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(ack)));
  ASSERT_EQ(kind, PacketKind::kSegment);
  ASSERT_EQ(segment.sack_blocks, 2);
  EXPECT_EQ(segment.sack[0].begin, 1'001'448u);
  EXPECT_EQ(segment.sack[0].end, 1'002'896u);
  EXPECT_EQ(segment.sack[1].begin, 0xffffff00u);
  EXPECT_EQ(segment.sack[1].end, 0x100u);
}

TEST(PacketDecoder, FastOpenCookieRequestAndExperimentalOption) {
  TcpFields syn;
  syn.options = Bytes("\x22\2\1\1");
  CapturedSegment segment = Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment;
  EXPECT_TRUE(segment.fast_open);
  EXPECT_EQ(segment.fast_open_cookie_bytes, 0);
  syn.options = Bytes("\x22\x0a") + "COOKIE88" + Bytes("\1\1");
  segment = Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment;
  EXPECT_TRUE(segment.fast_open);
  EXPECT_EQ(segment.fast_open_cookie_bytes, 8);
  syn.options = Bytes("\xfe\4\xf9\x89");
  EXPECT_TRUE(Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment.fast_open);
}

TEST(PacketDecoder, Md5SignatureIsOption19OfEighteenBytes) {
  TcpFields syn;
  EXPECT_FALSE(Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment.signed_by_md5);
  syn.options = Bytes("\x13\x12") + std::string(16, 'd') + Bytes("\1\1");
  EXPECT_TRUE(Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment.signed_by_md5);
}

TEST(PacketDecoder, WrongOptionLengthsEndTheOptions) {
  TcpFields syn;
  for (const std::string& bad : {Bytes("\x02\x09\1\1"), Bytes("\x02\0\1\1"), Bytes("\1\1\1\2")}) {
    syn.options = Bytes("\x03\x03\x09\1") + bad;
    const auto [kind, segment, _] = Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn)));
    ASSERT_EQ(kind, PacketKind::kSegment);
    EXPECT_EQ(segment.window_scale, 9);
    EXPECT_FALSE(segment.options_known);
  }
}

TEST(PacketDecoder, WindowScaleAboveFourteenCountsAsFourteen) {
  TcpFields syn;
  syn.options = Bytes("\x03\x03\x0f\1");
  EXPECT_EQ(Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment.window_scale, 14);
}

TEST(PacketDecoder, AnIpLengthOfZeroMeansTheWireLength) {
  TcpFields data;
  data.flags = kAck;
  data.payload = std::string(1000, 'x');
  std::string v4 = Ipv4Bytes(kTcp, TcpBytes(data));
  v4[2] = v4[3] = 0;
  EXPECT_EQ(Decode(LinkType::kRawIp, v4, 64).segment.payload_bytes, 1000u);
  std::string v6 = Ipv6Bytes(kTcp, TcpBytes(data));
  v6[4] = v6[5] = 0;
  EXPECT_EQ(Decode(LinkType::kRawIp, v6, 64).segment.payload_bytes, 1000u);
}

TEST(PacketDecoder, AccurateEcnFlagIsInTheLowBitOfTheOffset) {
  TcpFields syn;
  syn.flags = kSyn | kEce | kCwr | kAe;
  EXPECT_EQ(Decode(LinkType::kRawIp, Ipv4Bytes(kTcp, TcpBytes(syn))).segment.flags, 0x1c2);
}

TEST(PacketDecoder, LinkTypesByTheirNumbers) {
  EXPECT_EQ(LinkTypeOf(1), LinkType::kEthernet);
  EXPECT_EQ(LinkTypeOf(113), LinkType::kLinuxCooked);
  EXPECT_EQ(LinkTypeOf(276), LinkType::kLinuxCooked2);
  EXPECT_EQ(LinkTypeOf(12), LinkType::kRawIp);
  EXPECT_EQ(LinkTypeOf(0), LinkType::kBsdLoopback);
  EXPECT_EQ(LinkTypeOf(105), std::nullopt);  // IEEE802_11
}

}  // namespace
}  // namespace tcpmedic
