// The command line of `tcpmedic drill close-wait-leak`.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/drill/close_wait_leak.h"
#include "cli/drill/drill_command.h"
#include "cli/drill/drill_flags.h"

namespace tcpmedic::cli {
namespace {

struct CloseWaitLeakFlags : DrillFlags {
  CloseWaitLeakFlags() { rtt = "20ms"; }
  std::string bug = "read-eof";
  std::string rate = "50/s";
  bool call_sites = false;
};

absl::StatusOr<CloseWaitLeakOptions> ReadFlags(const CloseWaitLeakFlags& flags) {
  CloseWaitLeakOptions options;
  const std::optional<lab::LeakBug> bug = lab::LeakBugNamed(flags.bug);
  if (!bug || *bug == lab::LeakBug::kNone) {
    return absl::InvalidArgumentError(
        absl::StrCat("--bug ", flags.bug, ": must be read-eof or never-read"));
  }
  options.server.bug = *bug;
  options.call_sites = flags.call_sites;
  options.seed = flags.seed;
  for (const absl::Status& status :
       {ReadDuration("--rtt", flags.rtt, options.rtt),
        ReadPerSecond("--rate", flags.rate, options.clients.rate_per_s),
        ReadDrillFlags(flags, options),
        flags.look_alike.empty() ? absl::OkStatus()
                                 : ApplyLookAlike(LeakLookAlikes(), flags.look_alike, options),
        Validate(options)}) {
    if (!status.ok()) return status;
  }
  return options;
}

}  // namespace

void AddCloseWaitLeakDrill(CLI::App& drill, Invocation& invocation) {
  CLI::App* leak = drill.add_subcommand(
      "close-wait-leak", "A server that does not close what its clients have closed");
  auto flags = std::make_shared<CloseWaitLeakFlags>();
  AddDrillFlags(*leak, *flags, NamesOf(LeakLookAlikes()));
  leak->add_option("--bug", flags->bug,
                   "read-eof: it reads the end of file and drops the connection; never-read: it "
                   "never looks at it again")
      ->capture_default_str();
  leak->add_option("--rate", flags->rate, "Connections of its clients")->capture_default_str();
  leak->add_flag("--call-sites", flags->call_sites,
                 "Sample where in its code the leaked descriptors were last used (reads only)");
  leak->callback([flags, &invocation] {
    invocation.exit_code = RunDrill(
        invocation, ReadFlags(*flags), RunCloseWaitLeak,
        {{"drill close-wait-leak --bug never-read", "the other bug, told apart by Recv-Q"},
         {"drill close-wait-leak --call-sites", "the line of code that leaks"},
         {"drill close-wait-leak --look-alike half-close", "as many sockets, all of them in use"},
         {"up", "watch this machine itself"}});
  });
}

}  // namespace tcpmedic::cli
