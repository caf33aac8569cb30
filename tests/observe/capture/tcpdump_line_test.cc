#include "observe/capture/tcpdump_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tcpmedic {
namespace {

using Kind = TcpdumpLine::Kind;
using Form = TcpdumpTime::Form;

TEST(TcpdumpLine, ASynWithOptions) {
  const TcpdumpLine line = ParseTcpdumpLine(
      "22:13:20.000001 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [S], seq 1000000, win 64240, "
      "options [mss 1460,sackOK,TS val 11 ecr 0,nop,wscale 7], length 0");
  ASSERT_EQ(line.kind, Kind::kSegment);
  EXPECT_EQ(EndpointText(line.segment.src_ip, line.segment.src_port), "10.0.0.5:51514");
  EXPECT_EQ(EndpointText(line.segment.dst_ip, line.segment.dst_port), "10.0.0.9:6379");
  EXPECT_EQ(line.segment.flags, kSyn);
  EXPECT_EQ(line.segment.seq, 1'000'000u);
  EXPECT_FALSE(line.segment.ack.has_value());
  EXPECT_EQ(line.segment.window, 64240);
  EXPECT_TRUE(line.segment.options_known);
  EXPECT_EQ(line.segment.mss, 1460);
  EXPECT_EQ(line.segment.window_scale, 7);
  EXPECT_EQ(line.segment.ts_val, 11u);
  EXPECT_EQ(line.segment.ts_ecr, 0u);
}

TEST(TcpdumpLine, APayloadIsItsRangeOrItsLength) {
  const auto bytes = [](absl::string_view fields) {
    const TcpdumpLine line = ParseTcpdumpLine(
        std::string("IP 10.0.0.5.1 > 10.0.0.9.2: Flags [P.], ") + std::string(fields));
    EXPECT_EQ(line.kind, Kind::kSegment) << fields;
    return line.segment.payload_bytes;
  };
  EXPECT_EQ(bytes("seq 1:15, ack 1, win 502, length 14: HTTP: GET / HTTP/1.1, length 9"), 14u);
  EXPECT_EQ(bytes("seq 1, ack 1, win 502, length 14"), 14u);                  // edited by hand
  EXPECT_EQ(bytes("seq 4294967290:10, ack 1, win 502, options [nop,"), 16u);  // cut: over the wrap
  EXPECT_EQ(bytes("ack 1, win 502, length 0"), 0u);
}

TEST(TcpdumpLine, EachFlagHasItsLetter) {
  const TcpdumpLine line = ParseTcpdumpLine(
      "IP 10.0.0.5.1 > 10.0.0.9.2: Flags [FSRP.UEWe], seq 1, ack 1, win 5, urg 3, length 0");
  ASSERT_EQ(line.kind, Kind::kSegment);
  EXPECT_EQ(line.segment.flags, 0x1ff);
  EXPECT_EQ(
      ParseTcpdumpLine("IP 10.0.0.5.1 > 10.0.0.9.2: Flags [none], win 9, length 0").segment.flags,
      0);
}

// As tcpdump 4.99.3 printed crafted packets, and by hand where it says so.
TEST(TcpdumpLine, SegmentsInManyDresses) {
  struct Case {
    std::string name, text, src, dst;
  };
  const std::vector<Case> cases = {
      {"doubled blanks (by hand)",
       "14:02:11.001 IP 10.0.0.9.6379  > 10.0.0.5.51514: Flags [S.], seq 4200000, ack 1000001, win "
       "65160, length 0",
       "10.0.0.9:6379", "10.0.0.5:51514"},
      {"port names",
       "IP6 2001:db8::1.1000 > 2001:db8::2.https: Flags [S], seq 77, win 100, length 0",
       "[2001:db8::1]:1000", "[2001:db8::2]:443"},
      {"-e",
       "22:13:20.000001 07:08:09:0a:0b:0c > 01:02:03:04:05:06, ethertype IPv4 (0x0800), length 74: "
       "10.0.0.5.51514 > 10.0.0.9.6379: Flags [S], seq 1000000, win 64240, length 0",
       "10.0.0.5:51514", "10.0.0.9:6379"},
      {"-e, QinQ",
       "22:13:20.000001 07:08:09:0a:0b:0c > 01:02:03:04:05:06, ethertype 802.1Q-QinQ (0x88a8), "
       "length 82: vlan 5, p 0, ethertype 802.1Q (0x8100), vlan 7, p 0, ethertype IPv4 (0x0800), "
       "10.0.0.5.51514 > 10.0.0.9.6379: Flags [S], seq 1000000, win 64240, length 0",
       "10.0.0.5:51514", "10.0.0.9:6379"},
      {"-e, cooked",
       "22:13:20.000001  In 01:02:03:04:05:06 ethertype IPv4 (0x0800), length 76: 10.0.0.5.51514 > "
       "10.0.0.9.6379: Flags [S], seq 1000000, win 64240, length 0",
       "10.0.0.5:51514", "10.0.0.9:6379"},
      {"cooked v2",
       "22:13:20.000001 ifb0  Out IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [.], ack 1, win 502, "
       "length 0",
       "10.0.0.5:51514", "10.0.0.9:6379"},
      {"second line of -v",
       "    10.0.0.5.51514 > 10.0.0.9.6379: Flags [S], cksum 0x0000 (incorrect -> 0x148c), seq "
       "1000000, win 64240, length 0",
       "10.0.0.5:51514", "10.0.0.9:6379"},
      {"IPv6 with -v",
       "22:13:28.026001 IP6 (hlim 64, next-header TCP (6) payload length: 40) 2001:db8::1.1000 > "
       "2001:db8::2.443: Flags [S], cksum 0x0000 (incorrect -> 0xe636), seq 77, win 100, length 0",
       "[2001:db8::1]:1000", "[2001:db8::2]:443"},
      {"behind an IPv6 extension header",
       "22:13:29.027001 IP6 2001:db8::1 > 2001:db8::2: HBH 1000 > 443: Flags [S], seq 77, win 100, "
       "length 0",
       "[2001:db8::1]:1000", "[2001:db8::2]:443"},
      {"first IPv6 fragment",
       "22:13:29.028001 IP6 2001:db8::1 > 2001:db8::2: frag (0|40) 1000 > 443: Flags [S], seq 77, "
       "win 100, length 0",
       "[2001:db8::1]:1000", "[2001:db8::2]:443"},
      {"IP in IP",
       "22:13:26.019001 IP 10.0.0.5 > 10.0.0.9: IP 10.0.0.9.1 > 10.0.0.5.83: Flags [.], ack 5, win "
       "9, length 0",
       "10.0.0.9:1", "10.0.0.5:83"},
      {"-#",
       "    5  22:13:21.004001 IP 10.0.0.9.6379 > 10.0.0.5.51514: Flags [.], ack 1, win 502, "
       "length 0",
       "10.0.0.9:6379", "10.0.0.5:51514"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const TcpdumpLine line = ParseTcpdumpLine(test.text);
    ASSERT_EQ(line.kind, Kind::kSegment) << line.reason;
    EXPECT_EQ(EndpointText(line.segment.src_ip, line.segment.src_port), test.src);
    EXPECT_EQ(EndpointText(line.segment.dst_ip, line.segment.dst_port), test.dst);
  }
}

TEST(TcpdumpLine, OptionsAsTcpdumpNamesThem) {
  const auto parse = [](absl::string_view options) {
    return ParseTcpdumpLine(std::string("IP 10.0.0.5.1 > 10.0.0.9.2: Flags [.], ack 1, win 5, ") +
                            std::string(options))
        .segment;
  };
  CapturedSegment segment = parse("options [nop,nop,sack 2 {8:15}{4294967295:3}], length 0");
  ASSERT_EQ(segment.sack_blocks, 2);
  EXPECT_EQ(segment.sack[0].begin, 8u);
  EXPECT_EQ(segment.sack[1].begin, 4294967295u);
  EXPECT_EQ(segment.sack[1].end, 3u);

  segment = parse("options [tfo  cookiereq,nop,nop], length 0");
  EXPECT_TRUE(segment.fast_open);
  EXPECT_EQ(segment.fast_open_cookie_bytes, 0);
  segment = parse("options [tfo  cookie 0102030405060708,nop,nop], length 0");
  EXPECT_EQ(segment.fast_open_cookie_bytes, 8);
  EXPECT_TRUE(parse("options [exp-tfo cookiereq], length 0").fast_open);

  // Commas and brackets inside one, and one that is not closed.
  segment = parse(
      "options [md5 shared secret not supplied with -M, can't check - 0707,nop,wscale 3], "
      "length 12");
  EXPECT_EQ(segment.window_scale, 3);
  EXPECT_EQ(segment.payload_bytes, 12u);
  segment = parse("options [mss 1460,sackOK, [|tcp]");
  EXPECT_EQ(segment.mss, 1460);
  EXPECT_TRUE(segment.truncated);
  EXPECT_FALSE(segment.options_known);
  segment = parse("options [mss 1460,wscale 1");  // "wscale 10", cut
  EXPECT_FALSE(segment.window_scale.has_value());
  EXPECT_FALSE(parse("length 0").options_known);
}

TEST(TcpdumpLine, TimesByTheirForm) {
  const auto time = [](absl::string_view text) {
    return ParseTcpdumpLine(std::string(text) +
                            " IP 10.0.0.5.1 > 10.0.0.9.2: Flags [.], ack 1, win 5, length 0")
        .time;
  };
  const absl::Duration of_day = absl::Hours(14) + absl::Minutes(2) + absl::Seconds(11);
  EXPECT_EQ(time("14:02:11.001")->value, of_day + absl::Milliseconds(1));
  EXPECT_EQ(time("14:02:11.001")->form, Form::kOfDay);
  EXPECT_EQ(time("14:02:11.000000001")->value, of_day + absl::Nanoseconds(1));
  EXPECT_EQ(time("14:02:11")->value, of_day);
  EXPECT_EQ(time("1700000000.000001")->value, absl::Seconds(1'700'000'000) + absl::Microseconds(1));
  EXPECT_EQ(time("1700000000.000001")->form, Form::kEpoch);
  // 1,700,000,000 s since the epoch is 2023-11-14 22:13:20 UTC (date -u -d @1700000000).
  EXPECT_EQ(time("2023-11-14 22:13:20.5")->value,
            absl::Seconds(1'700'000'000) + absl::Milliseconds(500));
  EXPECT_EQ(time("2023-11-14 22:13:20.5")->form, Form::kDate);
  EXPECT_EQ(time(" 00:00:01.001000")->form, Form::kDifference);
  EXPECT_EQ(time("-00:00:01.001000")->value, -absl::Milliseconds(1001));
  EXPECT_EQ(time("00:00:00.000000")->form, Form::kDifference);
  EXPECT_FALSE(time("").has_value());
  EXPECT_FALSE(time("2023-02-30 00:00:01.0").has_value());
}

TEST(TcpdumpLine, PacketsWithoutASegmentSayWhy) {
  struct Case {
    std::string text, reason;
  };
  const std::vector<Case> cases = {
      {"22:13:25.016001 IP 10.0.0.5.53 > 10.0.0.9.4711: 12 1/0/0 A 10.0.0.1 (44)", "not TCP"},
      {"22:13:25.016001 ARP, Request who-has 10.0.0.9 tell 10.0.0.5, length 28", "not TCP"},
      {"ARP, Request who-has 10.0.0.9 tell 10.0.0.5, length 28", "not TCP"},
      {"22:13:26.020001 IP 10.0.0.9 > 10.0.0.5: ICMP 10.0.0.9 udp port 84 unreachable, length 48",
       "not TCP"},
      {"22:13:26.020001 IP 10.0.0.9 > 10.0.0.5: ICMP echo request, id 1, seq 1, length 64",
       "not TCP"},
      {"22:13:26.020001 IP 10.0.0.1 > 10.0.0.5: ICMP time exceeded in-transit, length 68",
       "an ICMP error whose address tcpdump does not print: tcpdump -w captures it"},
      {"22:13:25.017001 IP 10.0.0.5 > 10.0.0.9: ip-proto-6",
       "a later fragment of an IP packet, without a TCP header: its bytes are in no count"},
      {"22:13:29.029001 IP6 2001:db8::1 > 2001:db8::2: frag (8|8)",
       "a later fragment of an IP packet, without a TCP header: its bytes are in no count"},
      {"22:13:20.000001 IP 10.0.0.5.51514 > 10.0.0.9.6379:  [|tcp]",
       "cut by the snapshot length before the end of the TCP header: capture again with -s 128 or "
       "more"},
      {"22:13:20.000001 IP 10.0.0.5.51514 > 10.0.0.9.6379: tcp 14",
       "tcpdump -q leaves out flags and numbers"},
      {"IP web.example.com.51514 > 10.0.0.9.80: Flags [.], ack 1, win 5, length 0",
       "a host name instead of an address: tcpdump -n shows addresses"},
      {"IP 10.0.0.5.51514 > 10.0.0.9.frobnicate: Flags [.], ack 1, win 5, length 0",
       "the port name \"frobnicate\" is not known: tcpdump -n shows numbers"},
      {"IP 10.0.0.5.1 > 10.0.0.9.2: Flags [S], seq 1000",
       "a line of tcpdump without its window: cut"},
      {"IP 10.0.0.5.1 > 10.0.0.9.2: Flags [S], seq x, win 5", "not as tcpdump writes a segment"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.text);
    const TcpdumpLine line = ParseTcpdumpLine(test.text);
    EXPECT_EQ(line.kind, Kind::kOtherPacket);
    EXPECT_EQ(line.reason, test.reason);
  }
}

// The wording of print-icmp.c and print-icmp6.c (4.99).
TEST(TcpdumpLine, IcmpErrorsTellOfASegment) {
  struct Case {
    std::string text;
    IcmpError error;
    std::string from, to, about;
    std::optional<uint16_t> port;
    uint32_t mtu = 0;
  };
  const std::vector<Case> cases = {
      {"IP 10.0.0.1 > 10.0.0.5: ICMP host 10.0.0.9 unreachable, length 68",
       IcmpError::kHostUnreachable, "10.0.0.1", "10.0.0.5", "10.0.0.9", std::nullopt},
      {"IP 10.0.0.1 > 10.0.0.5: ICMP net 10.0.0.9 unreachable, length 68",
       IcmpError::kNetUnreachable, "10.0.0.1", "10.0.0.5", "10.0.0.9", std::nullopt},
      {"IP 10.0.0.9 > 10.0.0.5: ICMP 10.0.0.9 tcp port 84 unreachable, length 48",
       IcmpError::kPortUnreachable, "10.0.0.9", "10.0.0.5", "10.0.0.9", 84},
      {"IP 10.0.0.9 > 10.0.0.5: ICMP 10.0.0.9 tcp port https unreachable, length 48",
       IcmpError::kPortUnreachable, "10.0.0.9", "10.0.0.5", "10.0.0.9", 443},
      {"02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 102: 10.0.0.1 > "
       "10.0.0.5: ICMP host 10.0.0.9 unreachable - admin prohibited filter, length 68",
       IcmpError::kProhibited, "10.0.0.1", "10.0.0.5", "10.0.0.9", std::nullopt},
      {"eth0  In  IP 10.0.0.1 > 10.0.0.5: ICMP 10.0.0.9 unreachable - need to frag (mtu 1400), "
       "length 556",
       IcmpError::kPacketTooBig, "10.0.0.1", "10.0.0.5", "10.0.0.9", std::nullopt, 1400},
      {"IP6 2001:db8::1 > 2001:db8::5: ICMP6, destination unreachable, unreachable address "
       "2001:db8::9, length 88",
       IcmpError::kHostUnreachable, "2001:db8::1", "2001:db8::5", "2001:db8::9", std::nullopt},
      {"IP6 2001:db8::1 > 2001:db8::5: ICMP6, time exceeded in-transit for 2001:db8::9, length 88",
       IcmpError::kTimeExceeded, "2001:db8::1", "2001:db8::5", "2001:db8::9", std::nullopt},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.text);
    const TcpdumpLine line = ParseTcpdumpLine("22:13:26.020001 " + test.text);
    EXPECT_EQ(line.kind, Kind::kOtherPacket);
    EXPECT_EQ(line.reason, "");
    ASSERT_TRUE(line.related.has_value());
    EXPECT_EQ(line.related->kind, RelatedPacket::Kind::kIcmpError);
    EXPECT_EQ(line.related->error, test.error);
    EXPECT_EQ(line.related->from.ToString(), test.from);
    EXPECT_EQ(line.related->src_ip.ToString(), test.to);
    EXPECT_EQ(line.related->dst_ip.ToString(), test.about);
    EXPECT_EQ(line.related->dst_port, test.port);
    EXPECT_EQ(line.related->mtu, test.mtu);
  }
}

TEST(TcpdumpLine, ALaterFragmentNamesItsAddresses) {
  const TcpdumpLine line = ParseTcpdumpLine("22:13:25.017001 IP 10.0.0.5 > 10.0.0.9: ip-proto-6");
  ASSERT_TRUE(line.related.has_value());
  EXPECT_EQ(line.related->kind, RelatedPacket::Kind::kLaterFragment);
  EXPECT_EQ(line.related->src_ip.ToString(), "10.0.0.5");
  EXPECT_EQ(line.related->dst_ip.ToString(), "10.0.0.9");
}

TEST(TcpdumpLine, OtherLinesAreToldApart) {
  const std::vector<std::pair<std::string, Kind>> cases = {
      {"", Kind::kNotTcpdump},
      {"ESTAB 0 0 10.0.0.5:44120 203.0.113.20:443", Kind::kNotTcpdump},
      {"(thousands more SYNs from random sources; almost none send the final ACK)",
       Kind::kNotTcpdump},
      {"14:02:11.001 ERROR connection lost > retry", Kind::kNotTcpdump},
      {"41827 SYN cookies sent", Kind::kNotTcpdump},
      {"Flags [S]", Kind::kNotTcpdump},
      {"listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes",
       Kind::kOwnWords},
      {"reading from file a.pcap, link-type EN10MB (Ethernet), snapshot length 65535",
       Kind::kOwnWords},
      {"tcpdump: verbose output suppressed, use -v[v]... for full protocol decode",
       Kind::kOwnWords},
      {"^C10 packets captured", Kind::kOwnWords},
      {"1 packet captured", Kind::kOwnWords},
      {"0 packets dropped by kernel", Kind::kOwnWords},
      {"7 packets dropped by kernel", Kind::kDrops},
      {"\t0x0010:  0a00 0009 c93a 18eb 000f 4240 0000 0000", Kind::kHexDump},
      {"\tGET / HTTP/1.1", Kind::kContinuation},
      {"22:13:20.000001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)",
       Kind::kHeader},
  };
  for (const auto& [text, kind] : cases) EXPECT_EQ(ParseTcpdumpLine(text).kind, kind) << text;
}

}  // namespace
}  // namespace tcpmedic
