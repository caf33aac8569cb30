// What the lossy-path drill came to: what the controller and the agent say, and beside it what the
// receiving program counted and what a dump of the lab's sockets shows. Pure.
#ifndef TCPMEDIC_CLI_DRILL_LOSSY_PATH_REPORT_H_
#define TCPMEDIC_CLI_DRILL_LOSSY_PATH_REPORT_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/drill/drill_report.h"

namespace tcpmedic::cli {

// A socket of the transfer as a fresh dump of the lab showed it at the end, whatever the agent
// says.
struct LiveSocket {
  uint64_t cookie = 0;
  std::string congestion_control;
};

struct LossyPathReport : DrillReport {
  // What the receiving program counted, over exactly the agent's windows.
  std::optional<double> receiver_before_bps;
  std::optional<double> receiver_after_bps;
  std::vector<LiveSocket> live_sockets;
};

nlohmann::ordered_json ToJson(const LossyPathReport& report);

// The frame, with the agent's goodput held against the receiver's.
std::string RenderDrill(const LossyPathReport& report, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_LOSSY_PATH_REPORT_H_
