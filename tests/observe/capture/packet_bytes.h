// Packets written byte by byte for tests, and the pcap around them. Checksums are left 0: captures
// on the sending host have none either (offload).
#ifndef TCPMEDIC_TESTS_OBSERVE_CAPTURE_PACKET_BYTES_H_
#define TCPMEDIC_TESTS_OBSERVE_CAPTURE_PACKET_BYTES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tcpmedic {

struct TcpFields {
  uint16_t src_port = 51514, dst_port = 6379;
  uint32_t seq = 1'000'000, ack = 0;
  uint16_t flags = 0x02;  // SYN
  uint16_t window = 64240;
  std::string options;  // a multiple of four bytes
  std::string payload;
};

std::string BigEndian16(uint16_t value);
std::string BigEndian32(uint32_t value);

std::string TcpBytes(const TcpFields& fields);
// 10.0.0.5 to 10.0.0.9. `fragment`: flags and offset as in the header. `options`: a multiple of 4.
std::string Ipv4Bytes(uint8_t protocol, absl::string_view payload, uint16_t fragment = 0x4000,
                      absl::string_view options = "");
// 2001:db8::5 to 2001:db8::9.
std::string Ipv6Bytes(uint8_t next_header, absl::string_view payload);
std::string EthernetBytes(uint16_t ether_type, absl::string_view payload);

struct PcapPacket {
  int64_t time_us = 1'700'000'000'000'000;
  std::string bytes;
  uint32_t wire_bytes = 0;  // 0: as many as there are
};
// Little-endian, microseconds (0xa1b2c3d4).
std::string PcapFile(uint32_t link_type, const std::vector<PcapPacket>& packets);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_CAPTURE_PACKET_BYTES_H_
