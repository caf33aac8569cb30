// A SYN flood, as `tcpmedic-lab syn-flood` sends it: SYNs at a steady rate whose source addresses
// nobody has, so that no SYN-ACK is ever answered.
//
// The sources are drawn from 198.18.0.0/15 (RFC 2544) or 2001:2::/48 (RFC 5180), both set aside for
// benchmarks. The SYN-ACKs to them come to the client's host, which does not forward and so drops
// them without a word (net/ipv4/route.c ip_error, net/ipv6/ip6_output.c ip6_forward). Same seed,
// same packets.
#ifndef TCPMEDIC_LAB_SYN_FLOOD_H_
#define TCPMEDIC_LAB_SYN_FLOOD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/syn_program.h"

namespace tcpmedic::lab {

using SynFlood = SynProgram;

struct SynFloodOptions {
  double rate_pps = 2000;  // 1 to 100,000
  uint16_t port = 443;
  absl::Duration duration = absl::Minutes(2);  // then it ends; at most an hour
  uint64_t seed = 1;

  bool operator==(const SynFloodOptions&) const = default;
};

// InvalidArgument, naming the field.
absl::Status Validate(const SynFloodOptions& options);

// Floods the lab's server. InvalidArgument: `address` is not that of a lab's server: this program
// floods nobody else. PermissionDenied: not allowed to open a raw socket. NotFound: it does not run
// on a lab's host.
absl::Status SendSynFlood(const std::string& address, const SynFloodOptions& options,
                          SynRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_SYN_FLOOD_H_
