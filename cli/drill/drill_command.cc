#include "cli/drill/drill_command.h"

#include <errno.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "cli/drill/drill_report.h"
#include "cli/drill/lossy_path.h"
#include "cli/drill/lossy_path_options.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/render/incident_screen.h"
#include "core/units.h"

namespace tcpmedic::cli {
namespace {

// The flags as they were typed; what they mean is worked out once all are there.
struct LossyPathFlags {
  std::string rtt = "148ms";
  std::string loss = "1%";
  std::string rate = "100mbit";
  std::string queue;
  uint64_t seed = 1;
  bool ipv6 = false;
  int flows = 1;
  std::string from = "cubic";
  std::string to = "bbr";
  bool observe = false;
  bool approve = false;
  bool ask = false;
  std::string look_alike;
  std::string server;
  std::string client;
  std::string state_dir;
  std::string policies;
  std::string expect;
};

bool Interactive() { return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0; }

absl::StatusOr<LossyPathOptions> ReadFlags(const LossyPathFlags& flags) {
  LossyPathOptions options;
  if (!absl::ParseDuration(flags.rtt, &options.path.rtt)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rtt ", flags.rtt, ": not a duration; write it as 148ms"));
  }
  const absl::StatusOr<double> loss = ParseRatio(flags.loss);
  if (!loss.ok())
    return absl::InvalidArgumentError(absl::StrCat("--loss ", loss.status().message()));
  options.path.loss_ratio = *loss;
  const absl::StatusOr<int64_t> rate = ParseBitRate(flags.rate);
  if (!rate.ok())
    return absl::InvalidArgumentError(absl::StrCat("--rate ", rate.status().message()));
  options.path.rate_bps = *rate;
  if (!flags.queue.empty()) {
    const absl::StatusOr<int64_t> queue = ParseBytes(flags.queue);
    if (!queue.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--queue ", queue.status().message()));
    }
    options.path.queue_bytes = *queue;
  }
  options.path.seed = flags.seed;
  options.ipv6 = flags.ipv6;
  options.transfer.flows = flags.flows;
  options.transfer.congestion_control = flags.from;
  options.to = flags.to;
  if (flags.observe + flags.approve + flags.ask > 1) {
    return absl::InvalidArgumentError("--observe, --approve and --ask exclude each other");
  }
  options.answer = flags.approve ? Answer::kApprove : flags.ask ? Answer::kAsk : Answer::kNobody;
  if (!flags.observe && options.answer == Answer::kNobody) {
    if (!Interactive()) {
      return absl::InvalidArgumentError(
          "nobody is there to ask: say --observe to stop at the proposal, or --approve");
    }
    options.answer = Answer::kAsk;
  }
  options.server_command = flags.server;
  options.client_command = flags.client;
  options.state_dir = flags.state_dir;
  options.policies_dir = flags.policies;
  if (!flags.expect.empty()) {
    options.expect = ParseOutcome(flags.expect);
    if (!options.expect) {
      return absl::InvalidArgumentError(
          absl::StrCat("--expect ", flags.expect, ": must be one of ", OutcomeNames()));
    }
  }
  if (!flags.look_alike.empty()) {
    if (absl::Status status = ApplyLookAlike(flags.look_alike, options); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return options;
}

// As the reader called this program, so that the lines can be copied.
std::string TryNext() {
  const std::string command = program_invocation_name;
  return absl::StrCat("\nTry next:\n",  //
                      "  ", command, " drill lossy-path --observe --loss 0%\n",
                      "      a clean path: nothing is found, and why\n",  //
                      "  ", command, " drill lossy-path --approve --to reno\n",
                      "      a change that does not help, and how it is taken back\n",  //
                      "  ", command, " up\n", "      watch this machine itself\n");
}

// The proposal on one screen, and a person's answer. Anything but yes is no.
std::optional<std::string> Ask(const v1::IncidentView& view, const Style& style) {
  std::fputs(RenderIncident(view, absl::Now(), style).c_str(), stderr);
  std::fputs("\nApply this? [y/N] ", stderr);
  char answer[16] = "";
  if (std::fgets(answer, sizeof(answer), stdin) == nullptr) return "no answer at the terminal";
  if (answer[0] == 'y' || answer[0] == 'Y') return std::nullopt;
  return "declined at the terminal";
}

int Run(const LossyPathFlags& flags, const Invocation& invocation) {
  Style style = StyleOf(invocation);
  style.next_commands = false;  // its controller is gone by the time they could be typed
  absl::StatusOr<LossyPathOptions> options = ReadFlags(flags);
  if (!options.ok()) {
    Fail(invocation, options.status());
    return kUsage;
  }
  if (geteuid() != 0) {
    return Fail(invocation,
                absl::PermissionDeniedError(
                    "a drill makes network namespaces and needs root: run it with sudo"));
  }
  const bool terminal = isatty(STDERR_FILENO) != 0;
  Progress progress(style, terminal);
  absl::StatusOr<DrillReport> report = RunLossyPath(
      *options, progress, [&](const v1::IncidentView& view) { return Ask(view, style); });
  progress.Done();
  if (!report.ok()) return Fail(invocation, report.status());

  std::string out;
  if (invocation.json) {
    out = PrintJson(ToJson(*report));
  } else {
    out = "\n";
    if (report->incident) out += RenderIncident(*report->incident, absl::Now(), style) + "\n";
    out += RenderDrill(*report, style);
    out += TryNext();
  }
  std::fputs(out.c_str(), stdout);
  return report->as_expected() ? kDone : kFailed;
}

}  // namespace

void AddDrillCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* drill = app.add_subcommand(
      "drill", "Cause an incident on a throwaway network and show that it is found");
  drill->require_subcommand(1);
  CLI::App* lossy_path =
      drill->add_subcommand("lossy-path", "A CUBIC transfer over a long path that loses packets");

  auto flags = std::make_shared<LossyPathFlags>();
  lossy_path->add_option("--rtt", flags->rtt, "Round-trip time")->capture_default_str();
  lossy_path->add_option("--loss", flags->loss, "Random loss each way")->capture_default_str();
  lossy_path->add_option("--rate", flags->rate, "Rate of the path")->capture_default_str();
  lossy_path->add_option("--queue", flags->queue, "Bytes before the path; default 2 × rate × rtt");
  lossy_path->add_option("--seed", flags->seed, "Same seed, same fate of each packet")
      ->capture_default_str();
  lossy_path->add_flag("--ipv6", flags->ipv6, "IPv6 instead of IPv4");
  lossy_path->add_option("--flows", flags->flows, "Transfers at once")->capture_default_str();
  lossy_path->add_option("--from", flags->from, "Congestion control of the transfer")
      ->capture_default_str();
  lossy_path->add_option("--to", flags->to, "Congestion control that is proposed instead")
      ->capture_default_str();
  lossy_path->add_flag("--approve", flags->approve,
                       "Approve the proposal, and see what comes of it");
  lossy_path->add_flag("--ask", flags->ask, "Ask at the terminal (the default there)");
  lossy_path->add_flag("--observe", flags->observe, "Stop at the proposal, change nothing");
  lossy_path->add_option(
      "--look-alike", flags->look_alike,
      absl::StrCat("Cause what must not be taken for it: ",
                   absl::StrJoin(LookAlikes(), ", ", [](std::string* out, const LookAlike& each) {
                     out->append(each.name);
                   })));
  lossy_path->add_option(
      "--server", flags->server,
      "Your own server instead of the lab's, for sh -c; $ADDR and $PORT are set");
  lossy_path->add_option("--client", flags->client, "Your own client; goes with --server");
  lossy_path->add_option("--state-dir", flags->state_dir,
                         "Keep logs and state in this new directory");
  lossy_path->add_option("--policies", flags->policies, "Policy files; default the shipped ones");
  lossy_path->add_option("--expect", flags->expect,
                         absl::StrCat("What the drill should come to: ", OutcomeNames()));
  lossy_path->callback([flags, &invocation] { invocation.exit_code = Run(*flags, invocation); });
}

}  // namespace tcpmedic::cli
