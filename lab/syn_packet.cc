#include "lab/syn_packet.h"

#include <netinet/in.h>

#include <algorithm>

#include "lab/host_network.h"

namespace tcpmedic::lab {
namespace {

constexpr size_t kTcpBytes = 20;
constexpr size_t kOptionBytes = 20;
constexpr uint8_t kTimeToLive = 64;
constexpr uint16_t kWindow = 64240;  // as Linux has it for a path of Ethernet's MTU
constexpr uint8_t kWindowScale = 7;

void Put16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
void Put32(uint8_t* at, uint32_t value) {
  Put16(at, value >> 16);
  Put16(at + 2, value);
}

// Of an even number of bytes, to be folded (RFC 1071).
uint32_t Sum(const uint8_t* bytes, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; i += 2) sum += uint32_t{bytes[i]} << 8 | bytes[i + 1];
  return sum;
}

// RFC 791 §3.1. Returns the header's length.
size_t WriteIpv4(const Syn& syn, uint8_t* header) {
  constexpr size_t kBytes = 20;
  header[0] = 0x45;
  Put16(header + 2, kBytes + kTcpBytes + kOptionBytes);
  Put16(header + 6, 0x4000);  // don't fragment
  header[8] = kTimeToLive;
  header[9] = IPPROTO_TCP;
  std::copy_n(syn.source.bytes.begin(), 4, header + 12);
  std::copy_n(syn.destination.bytes.begin(), 4, header + 16);
  return kBytes;
}

// RFC 8200 §3. Returns the header's length.
size_t WriteIpv6(const Syn& syn, uint8_t* header) {
  header[0] = 0x60;
  Put16(header + 4, kTcpBytes + kOptionBytes);
  header[6] = IPPROTO_TCP;
  header[7] = kTimeToLive;
  std::copy_n(syn.source.bytes.begin(), 16, header + 8);
  std::copy_n(syn.destination.bytes.begin(), 16, header + 24);
  return 40;
}

}  // namespace

size_t WriteSyn(const Syn& syn, SynPacket* packet) {
  packet->fill(0);
  const bool v6 = syn.destination.v6;
  const size_t ip_bytes = v6 ? WriteIpv6(syn, packet->data()) : WriteIpv4(syn, packet->data());
  // RFC 9293 §3.1.
  uint8_t* const tcp = packet->data() + ip_bytes;
  Put16(tcp, syn.source_port);
  Put16(tcp + 2, syn.destination_port);
  Put32(tcp + 4, syn.sequence);
  tcp[12] = (kTcpBytes + kOptionBytes) / 4 << 4;
  tcp[13] = 0x02;  // SYN
  Put16(tcp + 14, kWindow);
  uint8_t* const options = tcp + kTcpBytes;
  options[0] = 2;  // maximum segment size
  options[1] = 4;
  Put16(options + 2, kMtuBytes - static_cast<uint32_t>(ip_bytes + kTcpBytes));
  options[4] = 4;  // SACK permitted
  options[5] = 2;
  options[6] = 8;  // timestamps
  options[7] = 10;
  Put32(options + 8, syn.timestamp);
  options[16] = 1;  // no operation
  options[17] = 3;  // window scale
  options[18] = 3;
  options[19] = kWindowScale;
  // The pseudo-header: both addresses, the length, the protocol.
  const size_t address_bytes = v6 ? 16 : 4;
  uint32_t sum = Sum(syn.source.bytes.data(), address_bytes) +
                 Sum(syn.destination.bytes.data(), address_bytes) + IPPROTO_TCP + kTcpBytes +
                 kOptionBytes + Sum(tcp, kTcpBytes + kOptionBytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  Put16(tcp + 16, ~sum);
  return ip_bytes + kTcpBytes + kOptionBytes;
}

}  // namespace tcpmedic::lab
