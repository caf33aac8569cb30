// What ICMP errors say of one connection: each kind and sender once, with its count, and in words.
// Bounded: anybody can send them. Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_ICMP_REPORT_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_ICMP_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/ip_address.h"
#include "observe/capture/related_packet.h"

namespace tcpmedic {

absl::string_view Name(IcmpError error);  // "host unreachable", "packet too big"

struct IcmpReport {
  int64_t number = 0;  // of the first: line or packet, as Place::line
  int64_t count = 1;
  IcmpError error = IcmpError::kUnreachable;
  IpAddress from;
  uint32_t mtu = 0;                     // 0: not said
  bool about_syn = false;               // it quotes a SYN, without ACK
  bool of_client = false;               // what it quotes was sent by the client
  std::optional<absl::Duration> after;  // since the segment that it quotes, where both have times
};

// Whether it is about a SYN, and who sent that can expect no answer any more.
bool AnswersSyn(const IcmpReport& report);
// The first that answers a SYN of the client; null: none.
const IcmpReport* AnswerToSyn(absl::Span<const IcmpReport> reports);

// "198.51.100.1 reported ICMP packet too big (1400 bytes fit its next link), 1.2 ms after it".
std::string ReportText(const IcmpReport& report);
// "192.0.2.1 answered the SYN with ICMP host unreachable, 10.8 ms after it: …"; `host` is whom the
// SYN was for.
std::string SynReportText(const IcmpReport& report, const IpAddress& host);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_ICMP_REPORT_H_
