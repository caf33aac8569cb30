// The command line of `tcpmedic drill lossy-path`.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/drill/drill_command.h"
#include "cli/drill/drill_flags.h"
#include "cli/drill/lossy_path.h"
#include "cli/drill/lossy_path_options.h"
#include "core/units.h"

namespace tcpmedic::cli {
namespace {

struct LossyPathFlags : DrillFlags {
  LossyPathFlags() { rtt = "148ms"; }
  std::string loss = "1%";
  std::string rate = "100mbit";
  std::string queue;
  int flows = 1;
  std::string from = "cubic";
  std::string to = "bbr";
  std::string client;
};

absl::StatusOr<LossyPathOptions> ReadFlags(const LossyPathFlags& flags) {
  LossyPathOptions options;
  if (absl::Status status = ReadDuration("--rtt", flags.rtt, options.path.rtt); !status.ok()) {
    return status;
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
  options.transfer.flows = flags.flows;
  options.transfer.congestion_control = flags.from;
  options.to = flags.to;
  options.client_command = flags.client;
  if (absl::Status status = ReadDrillFlags(flags, options); !status.ok()) return status;
  if (!flags.look_alike.empty()) {
    if (absl::Status status = ApplyLookAlike(LookAlikes(), flags.look_alike, options);
        !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return options;
}

}  // namespace

void AddLossyPathDrill(CLI::App& drill, Invocation& invocation) {
  CLI::App* lossy_path =
      drill.add_subcommand("lossy-path", "A CUBIC transfer over a long path that loses packets");
  auto flags = std::make_shared<LossyPathFlags>();
  AddAnswerFlags(*lossy_path, *flags);
  AddDrillFlags(*lossy_path, *flags, NamesOf(LookAlikes()));
  lossy_path->add_option("--loss", flags->loss, "Random loss each way")->capture_default_str();
  lossy_path->add_option("--rate", flags->rate, "Rate of the path")->capture_default_str();
  lossy_path->add_option("--queue", flags->queue, "Bytes before the path; default 2 × rate × rtt");
  lossy_path->add_option("--flows", flags->flows, "Transfers at once")->capture_default_str();
  lossy_path->add_option("--from", flags->from, "Congestion control of the transfer")
      ->capture_default_str();
  lossy_path->add_option("--to", flags->to, "Congestion control that is proposed instead")
      ->capture_default_str();
  lossy_path->add_option("--client", flags->client, "Your own client; goes with --server");
  lossy_path->callback([flags, &invocation] {
    invocation.exit_code = RunDrill(
        invocation, ReadFlags(*flags), RunLossyPath,
        {{"drill lossy-path --observe --loss 0%", "a clean path: nothing is found, and why"},
         {"drill lossy-path --approve --to reno",
          "a change that does not help, and how it is taken back"},
         {"up", "watch this machine itself"}});
  });
}

}  // namespace tcpmedic::cli
