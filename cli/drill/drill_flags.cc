#include "cli/drill/drill_flags.h"

#include <errno.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/json.h"
#include "cli/render/incident_screen.h"
#include "core/units.h"

namespace tcpmedic::cli {
namespace {

bool Interactive() { return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0; }

// As the reader called this program, so that the lines can be copied.
std::string TryNext(const std::vector<Suggestion>& suggestions) {
  const std::string program = program_invocation_name;
  std::string text = "\nTry next:\n";
  for (const Suggestion& suggestion : suggestions) {
    absl::StrAppend(&text, "  ", program, " ", suggestion.command, "\n", "      ", suggestion.does,
                    "\n");
  }
  return text;
}

}  // namespace

void AddDrillFlags(CLI::App& drill, DrillFlags& flags, absl::string_view look_alikes) {
  drill.add_option("--rtt", flags.rtt, "Round-trip time")->capture_default_str();
  drill.add_option("--seed", flags.seed, "Same seed, same fate of each packet")
      ->capture_default_str();
  drill.add_flag("--ipv6", flags.ipv6, "IPv6 instead of IPv4");
  drill.add_option("--look-alike", flags.look_alike,
                   absl::StrCat("Cause what must not be taken for it: ", look_alikes));
  drill.add_option("--server", flags.server,
                   "Your own server instead of the lab's, for sh -c; $ADDR and $PORT are set");
  drill.add_option("--state-dir", flags.state_dir, "Keep logs and state in this new directory");
  drill.add_option("--policies", flags.policies, "Policy files; default the shipped ones");
  drill.add_option("--expect", flags.expect,
                   absl::StrCat("What the drill should come to: ", OutcomeNames()));
}

void AddAnswerFlags(CLI::App& drill, DrillFlags& flags) {
  drill.add_flag("--approve", flags.approve,
                 "Approve the proposal, and see what comes of it (the default without a terminal)");
  drill.add_flag("--ask", flags.ask, "Ask at the terminal (the default at one)");
  drill.add_flag("--observe", flags.observe, "Stop at the proposal, change nothing");
}

absl::Status ReadDuration(absl::string_view flag, const std::string& text,
                          absl::Duration& duration) {
  if (absl::ParseDuration(text, &duration)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", text, ": not a duration; write it as 148ms"));
}

absl::Status ReadPerSecond(absl::string_view flag, const std::string& text, double& per_second) {
  const absl::StatusOr<double> read = ParsePerSecond(text);
  if (!read.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(flag, " ", read.status().message()));
  }
  per_second = *read;
  return absl::OkStatus();
}

absl::Status ReadDrillFlags(const DrillFlags& flags, DrillOptions& options) {
  options.ipv6 = flags.ipv6;
  if (flags.observe + flags.approve + flags.ask > 1) {
    return absl::InvalidArgumentError("--observe, --approve and --ask exclude each other");
  }
  options.answer = flags.approve ? Answer::kApprove : flags.ask ? Answer::kAsk : Answer::kNobody;
  if (!flags.observe && options.answer == Answer::kNobody) {
    // Nothing is at stake in a network of the drill's own, so that without anybody to ask the whole
    // loop is shown.
    options.answer = Interactive() ? Answer::kAsk : Answer::kApprove;
  }
  options.server_command = flags.server;
  options.state_dir = flags.state_dir;
  options.policies_dir = flags.policies;
  if (flags.expect.empty()) return absl::OkStatus();
  options.expect = ParseOutcome(flags.expect);
  if (options.expect) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--expect ", flags.expect, ": must be one of ", OutcomeNames()));
}

Style DrillStyle(const Invocation& invocation) {
  Style style = StyleOf(invocation);
  style.next_commands = false;
  return style;
}

std::optional<std::string> AskAtTerminal(const v1::IncidentView& view, const Style& style) {
  std::fputs(RenderIncident(view, absl::Now(), style).c_str(), stderr);
  std::fputs("\nApply this? [y/N] ", stderr);
  char answer[16] = "";
  if (std::fgets(answer, sizeof(answer), stdin) == nullptr) return "no answer at the terminal";
  if (answer[0] == 'y' || answer[0] == 'Y') return std::nullopt;
  return "declined at the terminal";
}

absl::Status CheckRoot() {
  if (geteuid() == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      "a drill makes network namespaces and needs root: run it with sudo");
}

int PrintDrill(const Invocation& invocation, const DrillReport& report,
               const nlohmann::ordered_json& json, const std::string& text,
               const std::vector<Suggestion>& try_next) {
  std::string out;
  if (invocation.json) {
    out = PrintJson(json);
  } else {
    out = "\n";
    if (report.incident) {
      out += RenderIncident(*report.incident, absl::Now(), DrillStyle(invocation)) + "\n";
    }
    out += text;
    out += TryNext(try_next);
  }
  std::fputs(out.c_str(), stdout);
  return report.as_expected() ? kDone : kFailed;
}

}  // namespace tcpmedic::cli
