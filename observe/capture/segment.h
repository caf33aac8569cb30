// One TCP segment as a capture shows it, from a pcap or from tcpdump's text. Plain, without heap:
// millions of them pass by.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_SEGMENT_H_
#define TCPMEDIC_OBSERVE_CAPTURE_SEGMENT_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "core/ip_address.h"

namespace tcpmedic {

// The flags of RFC 9293 §3.1 as they stand in the header, and of RFC 3168 and 7560.
enum TcpFlag : uint16_t {
  kFin = 0x01,
  kSyn = 0x02,
  kRst = 0x04,
  kPsh = 0x08,
  kAck = 0x10,
  kUrg = 0x20,
  kEce = 0x40,
  kCwr = 0x80,
  kAe = 0x100,
};

struct SackBlock {
  uint32_t begin = 0;  // first sequence number
  uint32_t end = 0;    // one past the last
};

// What a time counts from.
enum class TimeBase : uint8_t {
  kEpoch,        // pcap, tcpdump -tt and -tttt
  kMidnight,     // tcpdump as it is: of the first packet's day, which is not known
  kFirstPacket,  // tcpdump -ttt and -ttttt
};

struct CapturedSegment {
  std::optional<absl::Duration> time;  // unset: tcpdump -t
  TimeBase time_base = TimeBase::kEpoch;

  IpAddress src_ip, dst_ip;
  uint16_t src_port = 0, dst_port = 0;  // host order
  uint16_t flags = 0;                   // of TcpFlag
  // tcpdump without -S shows numbers relative to the first of a connection, but in its SYNs; then
  // they are so here too. A segment without data has no seq in tcpdump's text: unset.
  std::optional<uint32_t> seq;
  std::optional<uint32_t> ack;  // unset: no ACK flag
  bool relative = false;
  uint16_t window = 0;  // as in the header, unscaled
  // By the IP header's length: also where the snaplen cut the packet. Of one that comes in
  // fragments those of the first; the others are later fragments (related_packet.h).
  uint32_t payload_bytes = 0;
  bool truncated = false;  // the TCP header or its options were cut: options may be missing

  // Options, as far as they were captured. tcpdump's text may leave them out altogether.
  bool options_known = true;
  std::optional<uint16_t> mss;
  std::optional<uint8_t> window_scale;  // the shift, 0 to 14
  bool sack_permitted = false;
  std::optional<uint32_t> ts_val, ts_ecr;
  uint8_t sack_blocks = 0;  // how many of `sack` are set
  std::array<SackBlock, 4> sack{};
  bool signed_by_md5 = false;          // RFC 2385: option 19
  bool fast_open = false;              // RFC 7413: option 34, with a cookie or a request for one
  uint8_t fast_open_cookie_bytes = 0;  // 0: a request

  bool Has(TcpFlag flag) const { return (flags & flag) != 0; }
  // What it takes of the sequence space: SYN and FIN consume one number each.
  uint32_t SequenceLength() const {
    return payload_bytes + (Has(kSyn) ? 1 : 0) + (Has(kFin) ? 1 : 0);
  }
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_SEGMENT_H_
