#include "tests/observe/capture/packet_bytes.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

}  // namespace

std::string BigEndian16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string BigEndian32(uint32_t value) {
  return BigEndian16(static_cast<uint16_t>(value >> 16)) +
         BigEndian16(static_cast<uint16_t>(value));
}

std::string TcpBytes(const TcpFields& fields) {
  const uint16_t words = static_cast<uint16_t>((20 + fields.options.size()) / 4);
  return absl::StrCat(
      BigEndian16(fields.src_port), BigEndian16(fields.dst_port), BigEndian32(fields.seq),
      BigEndian32(fields.ack), BigEndian16(static_cast<uint16_t>(words << 12 | fields.flags)),
      BigEndian16(fields.window), std::string(4, '\0'), fields.options, fields.payload);
}

std::string Ipv4Bytes(uint8_t protocol, absl::string_view payload, uint16_t fragment,
                      absl::string_view options) {
  const uint16_t header = static_cast<uint16_t>(20 + options.size());
  std::string ip =
      absl::StrCat(BigEndian16(static_cast<uint16_t>((0x40 | header / 4) << 8)),
                   BigEndian16(static_cast<uint16_t>(header + payload.size())), BigEndian16(1),
                   BigEndian16(fragment), BigEndian16(static_cast<uint16_t>(64 << 8 | protocol)),
                   BigEndian16(0));
  for (const int byte : {10, 0, 0, 5, 10, 0, 0, 9}) ip += static_cast<char>(byte);
  return absl::StrCat(ip, options, payload);
}

std::string Ipv6Bytes(uint8_t next_header, absl::string_view payload) {
  std::string ip =
      absl::StrCat(BigEndian32(0x60000000), BigEndian16(static_cast<uint16_t>(payload.size())),
                   BigEndian16(static_cast<uint16_t>(next_header << 8 | 64)));
  for (const char last : {'\5', '\x09'}) {
    absl::StrAppend(&ip, BigEndian32(0x20010db8), std::string(11, '\0'), std::string(1, last));
  }
  return absl::StrCat(ip, payload);
}

std::string EthernetBytes(uint16_t ether_type, absl::string_view payload) {
  return absl::StrCat("\x02host1\x02host2", BigEndian16(ether_type), payload);
}

std::string PcapFile(uint32_t link_type, const std::vector<PcapPacket>& packets) {
  std::string file =
      absl::StrCat(LittleEndian(0xa1b2c3d4, 4), LittleEndian(2, 2), LittleEndian(4, 2),
                   LittleEndian(0, 8), LittleEndian(262144, 4), LittleEndian(link_type, 4));
  for (const PcapPacket& packet : packets) {
    absl::StrAppend(
        &file, LittleEndian(packet.time_us / 1'000'000, 4),
        LittleEndian(packet.time_us % 1'000'000, 4), LittleEndian(packet.bytes.size(), 4),
        LittleEndian(packet.wire_bytes ? packet.wire_bytes : packet.bytes.size(), 4), packet.bytes);
  }
  return file;
}

}  // namespace tcpmedic
