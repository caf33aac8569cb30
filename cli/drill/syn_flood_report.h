// What the syn-flood drill came to: what the controller and the agent say, and beside it what the
// lab's legitimate clients experienced and which settings stand in the server's namespace. Pure.
#ifndef TCPMEDIC_CLI_DRILL_SYN_FLOOD_REPORT_H_
#define TCPMEDIC_CLI_DRILL_SYN_FLOOD_REPORT_H_

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/drill/drill_report.h"
#include "cli/drill/server_view.h"
#include "lab/connect_log.h"

namespace tcpmedic::cli {

struct SynFloodReport : DrillReport {
  // Of the server's namespace before the fault, by a reading of our own: the agent measures what it
  // suspects, and there was nothing yet.
  std::optional<v1::Measurement> baseline;
  // Attempts of the legitimate clients. Before: those that began once the queue had time to fill,
  // and whose timeout ended before the change, or before the drill's end where nothing was changed.
  // After: those that began after the change.
  std::optional<lab::ConnectStats> legit_baseline;
  std::optional<lab::ConnectStats> legit_before;
  std::optional<lab::ConnectStats> legit_after;
  std::optional<int64_t> syns_sent;  // of the flood or the scan
  // Of the server's namespace, read from outside before anything began and before everything was
  // taken down.
  Sysctls sysctls_before;
  Sysctls sysctls_after;
};

nlohmann::ordered_json ToJson(const SynFloodReport& report);

// The frame, with what the legitimate clients experienced.
std::string RenderDrill(const SynFloodReport& report, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_SYN_FLOOD_REPORT_H_
