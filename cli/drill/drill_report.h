// What a drill came to, as far as all drills are alike, and how it is shown: JSON for programs,
// text for people. What a drill alone knows is beside it, in a report of its own. Pure.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_REPORT_H_
#define TCPMEDIC_CLI_DRILL_DRILL_REPORT_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cli/drill/outcome.h"
#include "cli/render/text.h"
#include "lab/path_stats.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

struct DrillReport {
  std::string drill;  // "lossy-path"
  Outcome outcome = Outcome::kNotDetected;
  Expectation expectation;
  std::string policies_digest;
  std::optional<v1::IncidentView> incident;        // as it stood last
  std::optional<absl::Duration> fault_to_finding;  // by the controller's record of both
  std::optional<absl::Duration> approval_to_applied;
  std::optional<absl::Duration> applied_to_verdict;
  std::string why_not;                            // in one line, where nothing was detected
  std::optional<v1::SignatureActivity> activity;  // what that line is made of
  lab::PathStats path;
  std::vector<std::string> problems;  // that make the result void
  std::vector<std::string> left_behind;

  // Empty: nothing was found.
  std::string signature() const;
  bool as_expected() const;
};

// The windows that are compared: those of the order where there is one, else the finding's
// `before`. Null where there is none.
const v1::Measurement* Before(const DrillReport& report);
const v1::Measurement* After(const DrillReport& report);

// A measurement's value by its name; null: not reported.
const v1::Evidence* FindMeasured(const v1::Measurement& measurement, absl::string_view name);

// Its values by the names of `measured`, null where not reported, and its start and end.
nlohmann::ordered_json MeasurementJson(const v1::Measurement& measurement,
                                       absl::Span<const absl::string_view> measured);

// The keys that all drills share. `measured`: what `before` and `after` have, by its names in a
// measurement.
nlohmann::ordered_json FrameJson(const DrillReport& report,
                                 absl::Span<const absl::string_view> measured);

// Null where it is not known.
template <typename T>
nlohmann::ordered_json OrNull(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// When it was found and decided, what was left behind, and whether all was as expected; what was
// found itself is the incident's own screen. `fault` is when the clock began: "the transfer began".
// `truth` is what the lab knows, one line each.
std::string RenderFrame(const DrillReport& report, absl::string_view fault,
                        const std::vector<std::string>& truth, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_REPORT_H_
