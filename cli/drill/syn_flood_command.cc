// The command line of `tcpmedic drill syn-flood`.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/drill/drill_command.h"
#include "cli/drill/drill_flags.h"
#include "cli/drill/syn_flood.h"

namespace tcpmedic::cli {
namespace {

struct SynFloodFlags : DrillFlags {
  SynFloodFlags() { rtt = "20ms"; }
  std::string cookies = "off";
  std::string rate = "2000pps";
  std::string legit = "20/s";
  int backlog = 128;
  int max_syn_backlog = 2048;
};

absl::StatusOr<SynFloodOptions> ReadFlags(const SynFloodFlags& flags) {
  SynFloodOptions options;
  if (flags.cookies != "on" && flags.cookies != "off") {
    return absl::InvalidArgumentError(
        absl::StrCat("--cookies ", flags.cookies, ": must be on or off"));
  }
  options.cookies = flags.cookies == "on";
  options.backlog = flags.backlog;
  options.max_syn_backlog = flags.max_syn_backlog;
  options.seed = flags.seed;
  for (const absl::Status& status :
       {ReadDuration("--rtt", flags.rtt, options.rtt),
        ReadPerSecond("--rate", flags.rate, options.rate_pps),
        ReadPerSecond("--legit", flags.legit, options.legit_per_s), ReadDrillFlags(flags, options),
        flags.look_alike.empty() ? absl::OkStatus()
                                 : ApplyLookAlike(SynLookAlikes(), flags.look_alike, options),
        Validate(options)}) {
    if (!status.ok()) return status;
  }
  return options;
}

}  // namespace

void AddSynFloodDrill(CLI::App& drill, Invocation& invocation) {
  CLI::App* syn_flood = drill.add_subcommand(
      "syn-flood", "SYNs from addresses that nobody owns, beside legitimate clients");
  auto flags = std::make_shared<SynFloodFlags>();
  AddDrillFlags(*syn_flood, *flags, NamesOf(SynLookAlikes()));
  AddAnswerFlags(*syn_flood, *flags);
  syn_flood->add_option("--cookies", flags->cookies, "SYN cookies of the server: on or off")
      ->capture_default_str();
  syn_flood->add_option("--rate", flags->rate, "SYNs of the flood")->capture_default_str();
  syn_flood->add_option("--legit", flags->legit, "Connects of the legitimate clients")
      ->capture_default_str();
  syn_flood
      ->add_option("--backlog", flags->backlog, "Backlog of the listener; the most that yours gets")
      ->capture_default_str();
  syn_flood
      ->add_option("--max-syn-backlog", flags->max_syn_backlog,
                   "tcp_max_syn_backlog of the server's namespace")
      ->capture_default_str();
  syn_flood->callback([flags, &invocation] {
    invocation.exit_code = RunDrill(
        invocation, ReadFlags(*flags), RunSynFlood,
        {{"drill syn-flood --cookies on --observe", "the same flood, absorbed: nothing to tune"},
         {"drill syn-flood --look-alike burst --observe",
          "honest clients all at once: a small backlog, and no attack"},
         {"up", "watch this machine itself"}});
  });
}

}  // namespace tcpmedic::cli
