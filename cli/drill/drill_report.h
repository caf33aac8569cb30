// What a drill found, as one value, and how it is shown: JSON for programs, text for people. Pure.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_REPORT_H_
#define TCPMEDIC_CLI_DRILL_DRILL_REPORT_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/drill/outcome.h"
#include "cli/render/text.h"
#include "lab/path_stats.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

// A socket of the transfer as a fresh dump of the lab showed it at the end, whatever the agent
// says.
struct LiveSocket {
  uint64_t cookie = 0;
  std::string congestion_control;
};

struct DrillReport {
  std::string drill;  // "lossy-path"
  Outcome outcome = Outcome::kNotDetected;
  Expectation expectation;
  std::string policies_digest;
  std::optional<v1::IncidentView> incident;        // as it stood last
  std::optional<absl::Duration> fault_to_finding;  // by the controller's record of both
  std::optional<absl::Duration> approval_to_applied;
  std::optional<absl::Duration> applied_to_verdict;
  // What the receiving program counted, over exactly the agent's windows.
  std::optional<double> receiver_before_bps;
  std::optional<double> receiver_after_bps;
  std::vector<LiveSocket> live_sockets;
  std::string why_not;                            // in one line, where nothing was detected
  std::optional<v1::SignatureActivity> activity;  // what that line is made of
  lab::PathStats path;
  std::vector<std::string> problems;  // that make the result void
  std::vector<std::string> left_behind;

  bool as_expected() const {
    return outcome == expectation.outcome && problems.empty() && left_behind.empty();
  }
};

// The windows that are compared: those of the order where there is one, else the finding's
// `before`. Null where there is none.
const v1::Measurement* Before(const DrillReport& report);
const v1::Measurement* After(const DrillReport& report);

nlohmann::ordered_json ToJson(const DrillReport& report);

// The agent's goodput beside the receiver's, what was left behind, and whether that was expected.
// What was found itself is the incident's own screen.
std::string RenderDrill(const DrillReport& report, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_REPORT_H_
