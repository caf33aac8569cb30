#include "cli/diagnose/diagnose_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "cli/diagnose/connections.h"
#include "cli/diagnose/diagnoses.h"
#include "cli/diagnose/diagnosis_json.h"
#include "cli/diagnose/diagnosis_screen.h"
#include "cli/diagnose/diagnosis_view.h"
#include "cli/diagnose/inputs.h"
#include "cli/diagnose/live.h"
#include "cli/shipped_policies.h"
#include "controller/policy/policy_set.h"
#include "core/errno_status.h"
#include "core/issue.h"

namespace tcpmedic::cli {
namespace {

constexpr absl::Duration kLongestWatch = absl::Hours(1);

struct DiagnoseFlags {
  std::vector<std::string> inputs;  // none: this host
  std::string policies;
  std::string watch_for;
  std::vector<uint64_t> only_netns;  // inodes; none: every namespace
  ShownConnections connections;
  bool exit_code = false;
  bool why = false;
  bool color = false;
};

absl::StatusOr<Policies> LoadPolicies(const DiagnoseFlags& flags) {
  const std::string directory = flags.policies.empty() ? ShippedPolicies() : flags.policies;
  std::vector<Issue> issues;
  absl::StatusOr<PolicySet> set = LoadPolicyDirectory(directory, &issues);
  if (!set.ok()) {
    if (issues.empty()) return set.status();
    return absl::InvalidArgumentError(
        absl::StrCat("there are mistakes in ", directory, "\n",
                     std::string(absl::StripTrailingAsciiWhitespace(Format(issues)))));
  }
  absl::StatusOr<CompiledSet> compiled = CompileSet(set->signatures);
  if (!compiled.ok()) return compiled.status();
  return Policies{*std::move(set), *std::move(compiled)};
}

// Whoever redirects the answer to a full disk must not take it for whole.
absl::Status Write(absl::string_view text) {
  if (fwrite(text.data(), 1, text.size(), stdout) == text.size()) return absl::OkStatus();
  return ErrnoStatus("write the standard output");
}

absl::Status FlushWritten() {
  if (fflush(stdout) == 0) return absl::OkStatus();
  return ErrnoStatus("write the standard output");
}

int UsageMistake(const Invocation& invocation, const absl::Status& status) {
  Fail(invocation, status);
  return kUsage;
}

// As the flags mean it together: which of them go with files, which with this host.
absl::Status CheckFlags(const DiagnoseFlags& flags) {
  if (flags.inputs.empty()) {
    if (flags.connections.all || !flags.connections.of.empty()) {
      return absl::InvalidArgumentError(
          "connections are drawn of a trace: name its file, or - for the standard input");
    }
    return absl::OkStatus();
  }
  if (!flags.watch_for.empty()) {
    return absl::InvalidArgumentError("--for is how long to watch this host; a file has its end");
  }
  if (!flags.only_netns.empty()) {
    return absl::InvalidArgumentError(
        "--only-netns is which namespace of this host to watch; a file has none");
  }
  return CheckInputs(flags.inputs);
}

absl::StatusOr<absl::Duration> WatchTime(const DiagnoseFlags& flags, const PolicySet& policies) {
  if (flags.watch_for.empty()) return WatchTimeFor(policies.signatures);
  absl::Duration watch_for;
  if (!absl::ParseDuration(flags.watch_for, &watch_for) || watch_for < absl::Seconds(1) ||
      watch_for > kLongestWatch) {
    return absl::InvalidArgumentError(
        absl::StrCat("--for ", flags.watch_for, ": write it as 30s, from 1s to 1h"));
  }
  return watch_for;
}

int Diagnose(const Invocation& invocation, const DiagnoseFlags& flags) {
  if (const absl::Status status = CheckFlags(flags); !status.ok()) {
    return UsageMistake(invocation, status);
  }
  absl::StatusOr<Policies> policies = LoadPolicies(flags);
  if (!policies.ok()) return Fail(invocation, policies.status());
  const absl::StatusOr<absl::Duration> watch_for = WatchTime(flags, policies->set);
  if (!watch_for.ok()) return UsageMistake(invocation, watch_for.status());

  const Style on_stderr = StyleOf(invocation, STDERR_FILENO);
  const bool live = flags.inputs.empty();
  if (!live && isatty(STDIN_FILENO) != 0 &&
      std::find(flags.inputs.begin(), flags.inputs.end(), "-") != flags.inputs.end()) {
    fputs("Paste what you have, then press Ctrl-D on a line of its own.\n", stderr);
  }
  const Namespaces::Options watched = {
      .only_inodes = {flags.only_netns.begin(), flags.only_netns.end()}};
  absl::StatusOr<DiagnosisView> view =
      live ? DiagnoseThisHost(*policies, watched, *watch_for, on_stderr)
           : DiagnoseInputs(*policies, flags.inputs, on_stderr);
  if (!view.ok()) return Fail(invocation, view.status());
  const bool nothing_read = !live && !view->read.anything();
  if (nothing_read && !invocation.json && view->unread.size() == 1) {
    const Unread& unread = view->unread[0];
    return Fail(invocation, absl::InvalidArgumentError(
                                absl::StrCat(PlaceText(unread.place), ": ", unread.reason)));
  }
  const absl::StatusOr<std::vector<const TrackedConnection*>> drawn =
      ConnectionsToDraw(view->trace, flags.connections);
  if (!drawn.ok()) {
    return absl::IsInvalidArgument(drawn.status()) ? UsageMistake(invocation, drawn.status())
                                                   : Fail(invocation, drawn.status());
  }

  absl::Status written;
  if (invocation.json) {
    const bool only = !flags.connections.of.empty();
    written =
        WriteDiagnosisJson(*view, only ? *drawn : std::vector<const TrackedConnection*>(), Write);
  } else {
    Style style = StyleOf(invocation);
    style.color = style.color || flags.color;
    std::string text = RenderDiagnosis(*view, *drawn, flags.connections, style);
    if (flags.why) absl::StrAppend(&text, "\n", RenderWhyNot(*view, style));
    written = Write(text);
  }
  if (written.ok()) written = FlushWritten();
  if (!written.ok()) return Fail(invocation, written);
  if (nothing_read) return kFailed;
  return flags.exit_code && !view->findings.empty() ? kFailed : kDone;
}

}  // namespace

void AddDiagnoseCommand(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<DiagnoseFlags>();
  CLI::App* const diagnose = app.add_subcommand(
      "diagnose", "Say what is wrong: with this host, or in what you captured or pasted");
  diagnose->footer(R"(
With no file, watches this host for the longest window of the signatures. Files, in any mix: output of
ss, nstat, netstat -s, ps and tcpdump, copies of /proc/net/netstat and snmp, a pasted terminal session
with its prompts, pcap and pcapng. Nothing is changed, no controller is needed, and for files no root.

  sudo tcpmedic diagnose             this host, now
  tcpmedic diagnose incident.pcap    what a capture shows, with the handshake drawn
  ss -tin | tcpmedic diagnose -      what comes from a pipe, or is pasted)");
  diagnose->add_option("FILE", flags->inputs,
                       "What to read; - is the standard input; none: this host");
  diagnose->add_option("--policies", flags->policies, "Policy files; default the shipped ones")
      ->type_name("DIR");
  diagnose->add_option("--for", flags->watch_for, "How long to watch this host, such as 30s")
      ->type_name("DURATION");
  diagnose
      ->add_option("--only-netns", flags->only_netns,
                   "Watch only the network namespace with this inode; may be repeated")
      ->type_name("INODE")
      ->check(CLI::PositiveNumber);
  CLI::Option* const connection = diagnose
                                      ->add_option("--connection", flags->connections.of,
                                                   "Draw this connection of a trace, at length")
                                      ->type_name("CLIENT:PORT");
  diagnose->add_flag("--all-connections", flags->connections.all, "Draw every connection")
      ->excludes(connection);
  diagnose->add_flag("--exit-code", flags->exit_code, "Exit 1 where something was found");
  diagnose->add_flag("--why", flags->why, "Of each signature, say what kept it from a finding");
  diagnose->add_flag("--color", flags->color, "Colour, also into a pipe");
  diagnose->callback([flags, &invocation] { invocation.exit_code = Diagnose(invocation, *flags); });
}

}  // namespace tcpmedic::cli
