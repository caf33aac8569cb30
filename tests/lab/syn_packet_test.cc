#include "lab/syn_packet.h"

#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include <cstring>
#include <vector>

namespace tcpmedic::lab {
namespace {

IpAddress Address(const char* text) { return *IpAddress::Parse(text); }

// The one's complement sum that a receiver makes: all ones where the checksum is right (RFC 1071).
uint16_t ReceiversSum(const std::vector<uint8_t>& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += uint64_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

void Append(std::vector<uint8_t>* to, const void* bytes, size_t count) {
  const auto* const from = static_cast<const uint8_t*>(bytes);
  to->insert(to->end(), from, from + count);
}

TEST(SynPacketTest, Ipv4HeaderAndTcpHeaderAreWhatTheKernelsStructsSay) {
  SynPacket packet;
  const size_t length = WriteSyn({.source = Address("198.19.7.200"),
                                  .destination = Address("203.0.113.20"),
                                  .source_port = 51'000,
                                  .destination_port = 443,
                                  .sequence = 0x89abcdef,
                                  .timestamp = 0x01020304},
                                 &packet);
  ASSERT_EQ(length, 60u);
  iphdr ip;
  std::memcpy(&ip, packet.data(), sizeof(ip));
  EXPECT_EQ(ip.version, 4);
  EXPECT_EQ(ip.ihl, 5);
  EXPECT_EQ(ntohs(ip.tot_len), 60);
  EXPECT_EQ(ip.protocol, IPPROTO_TCP);
  EXPECT_EQ(ntohl(ip.saddr), 0xc61307c8);
  EXPECT_EQ(ntohl(ip.daddr), 0xcb007114);
  tcphdr tcp;
  std::memcpy(&tcp, packet.data() + 20, sizeof(tcp));
  EXPECT_EQ(ntohs(tcp.source), 51'000);
  EXPECT_EQ(ntohs(tcp.dest), 443);
  EXPECT_EQ(ntohl(tcp.seq), 0x89abcdef);
  EXPECT_EQ(tcp.doff, 10);
  EXPECT_EQ(tcp.th_flags, TH_SYN);
  const std::vector<uint8_t> options(packet.begin() + 40, packet.begin() + 60);
  EXPECT_EQ(options, (std::vector<uint8_t>{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2,
                                           3, 4, 0,    0,    0, 0, 1, 3,  3, 7}));  // MSS 1460
}

TEST(SynPacketTest, TcpChecksumIsRightForEveryFamily) {
  for (const bool v6 : {false, true}) {
    for (uint32_t i = 0; i < 1'000; ++i) {
      Syn syn = {.source = Address(v6 ? "2001:2::ff:fe00:1" : "198.18.255.254"),
                 .destination = Address(v6 ? "2001:db8:2::20" : "203.0.113.20"),
                 .source_port = static_cast<uint16_t>(65'535 - i),
                 .destination_port = 443,
                 .sequence = i * 2'654'435'761u,
                 .timestamp = ~i};
      SynPacket packet;
      const size_t length = WriteSyn(syn, &packet);
      const size_t ip_bytes = v6 ? 40 : 20;
      // Source, destination, zero and protocol, length; then the segment.
      std::vector<uint8_t> summed;
      Append(&summed, syn.source.bytes.data(), v6 ? 16 : 4);
      Append(&summed, syn.destination.bytes.data(), v6 ? 16 : 4);
      const uint8_t rest[] = {0, IPPROTO_TCP, 0, 40};
      Append(&summed, rest, sizeof(rest));
      Append(&summed, packet.data() + ip_bytes, length - ip_bytes);
      ASSERT_EQ(ReceiversSum(summed), 0xffff) << v6 << " " << i;
    }
  }
}

TEST(SynPacketTest, Ipv6HeaderSaysWhatFollows) {
  SynPacket packet;
  EXPECT_EQ(
      WriteSyn({.source = Address("2001:2::1"), .destination = Address("2001:db8:2::20")}, &packet),
      80u);
  ip6_hdr ip;
  std::memcpy(&ip, packet.data(), sizeof(ip));
  EXPECT_EQ(ip.ip6_vfc, 0x60);
  EXPECT_EQ(ntohs(ip.ip6_plen), 40);
  EXPECT_EQ(ip.ip6_nxt, IPPROTO_TCP);
  EXPECT_EQ(IpAddress::FromV6(&ip.ip6_src).ToString(), "2001:2::1");
  EXPECT_EQ(IpAddress::FromV6(&ip.ip6_dst).ToString(), "2001:db8:2::20");
  EXPECT_EQ(packet[62] << 8 | packet[63], 1440);  // MSS: 1500 less both headers
}

}  // namespace
}  // namespace tcpmedic::lab
