// A half-open port scan, as `tcpmedic-lab port-scan` makes it: SYNs from the client's own address
// to one port of the server after the other. Closed ports answer RST; what an open one answers, the
// client's kernel resets. Nothing to do with a flood, but as many SYNs.
#ifndef TCPMEDIC_LAB_PORT_SCAN_H_
#define TCPMEDIC_LAB_PORT_SCAN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/syn_program.h"

namespace tcpmedic::lab {

using PortScan = SynProgram;

struct PortScanOptions {
  double rate_pps = 2000;  // 1 to 100,000
  // Both included; again from the start when all have been tried.
  uint16_t first_port = 1;
  uint16_t last_port = 65535;
  absl::Duration duration = absl::Minutes(2);  // then it ends; at most an hour

  bool operator==(const PortScanOptions&) const = default;
};

// InvalidArgument, naming the field.
absl::Status Validate(const PortScanOptions& options);

// As SendSynFlood.
absl::Status SendPortScan(const std::string& address, const PortScanOptions& options,
                          SynRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_PORT_SCAN_H_
