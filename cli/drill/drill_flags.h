// What the command lines of all drills share: their flags, the question to the person at the
// terminal, and how the result is printed.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_FLAGS_H_
#define TCPMEDIC_CLI_DRILL_DRILL_FLAGS_H_

#include <unistd.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/command.h"
#include "cli/drill/approval.h"
#include "cli/drill/drill_options.h"
#include "cli/drill/drill_report.h"
#include "cli/progress.h"

namespace tcpmedic::cli {

// The flags as they were typed; what they mean is worked out once all are there.
struct DrillFlags {
  std::string rtt;
  uint64_t seed = 1;
  bool ipv6 = false;
  bool observe = false;
  bool approve = false;
  bool ask = false;
  std::string look_alike;
  std::string server;
  std::string state_dir;
  std::string policies;
  std::string expect;
};

// `flags` must outlive the parse; its present values are the defaults.
void AddDrillFlags(CLI::App& drill, DrillFlags& flags, absl::string_view look_alikes);
// Of a drill whose incident has a proposal: who answers it.
void AddAnswerFlags(CLI::App& drill, DrillFlags& flags);

// InvalidArgument, in the words of the flags.
absl::Status ReadDrillFlags(const DrillFlags& flags, DrillOptions& options);
// `flag` is how it was typed: "--rtt".
absl::Status ReadDuration(absl::string_view flag, const std::string& text,
                          absl::Duration& duration);
absl::Status ReadPerSecond(absl::string_view flag, const std::string& text, double& per_second);

// A line of "Try next".
struct Suggestion {
  std::string command;  // what to type after the program's name
  std::string does;
};

// Of a drill that was run: what to print, and the exit code.
int PrintDrill(const Invocation& invocation, const DrillReport& report,
               const nlohmann::ordered_json& json, const std::string& text,
               const std::vector<Suggestion>& try_next);

// As every drill writes: no next commands, because its controller is gone by the time they could be
// typed.
Style DrillStyle(const Invocation& invocation);

// The proposal on one screen, and a person's answer. Anything but yes is no.
std::optional<std::string> AskAtTerminal(const v1::IncidentView& view, const Style& style);

// PermissionDenied: only root can make what a drill needs.
absl::Status CheckRoot();

// From the flags, or what is wrong with them, to the exit code.
template <typename Options, typename Report>
int RunDrill(const Invocation& invocation, const absl::StatusOr<Options>& options,
             absl::StatusOr<Report> (*run)(const Options&, Progress&, AskPerson),
             const std::vector<Suggestion>& try_next) {
  if (!options.ok()) {
    Fail(invocation, options.status());
    return kUsage;
  }
  if (absl::Status status = CheckRoot(); !status.ok()) return Fail(invocation, status);
  const Style style = DrillStyle(invocation);
  Progress progress(style, isatty(STDERR_FILENO) != 0);
  const absl::StatusOr<Report> report = run(
      *options, progress, [&](const v1::IncidentView& view) { return AskAtTerminal(view, style); });
  progress.Done();
  if (!report.ok()) return Fail(invocation, report.status());
  return PrintDrill(invocation, *report, ToJson(*report), RenderDrill(*report, style), try_next);
}

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_FLAGS_H_
