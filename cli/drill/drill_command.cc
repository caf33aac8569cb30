#include "cli/drill/drill_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

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
  bool observe = false;
  std::string look_alike;
  std::string server;
  std::string client;
  std::string state_dir;
  std::string policies;
  std::string expect;
};

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

std::string TryNext(const Style& style) {
  return absl::StrCat(
      "\nTry next:\n", "  ", style.command,
      " drill lossy-path --observe --loss 0%             a clean path: nothing is found, and why\n",
      "  ", style.command,
      " drill lossy-path --observe --look-alike reordering   what only looks like loss\n", "  ",
      style.command,
      " up                                                watch this machine itself\n");
}

int Run(const LossyPathFlags& flags, const Invocation& invocation) {
  const Style style = StyleOf(invocation);
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
  absl::StatusOr<DrillReport> report = RunLossyPath(*options, progress);
  progress.Done();
  if (!report.ok()) return Fail(invocation, report.status());

  std::string out;
  if (invocation.json) {
    out = PrintJson(ToJson(*report));
  } else {
    out = "\n";
    if (report->incident) out += RenderIncident(*report->incident, absl::Now(), style) + "\n";
    out += RenderDrill(*report, style);
    out += TryNext(style);
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
