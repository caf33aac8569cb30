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

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
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

// With --exit-code, where 1 is that something was found, as grep and diff have it.
constexpr int kTrouble = 2;

struct DiagnoseFlags {
  std::vector<std::string> inputs;  // none: this host
  std::string policies;
  std::string watch_for;
  std::vector<std::string> only_netns;  // inodes; none: every namespace
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
  // Nothing to look for is not the same as nothing found.
  if (set->signatures.signatures().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("there is no signature in ", directory));
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

int Failure(const Invocation& invocation, const DiagnoseFlags& flags, const absl::Status& status) {
  const int code = Fail(invocation, status);
  return flags.exit_code ? kTrouble : code;
}

// Also as `readlink /proc/PID/ns/net` prints it: net:[4026531840].
absl::StatusOr<absl::flat_hash_set<uint64_t>> WatchedNamespaces(const DiagnoseFlags& flags) {
  absl::flat_hash_set<uint64_t> inodes;
  for (const std::string& word : flags.only_netns) {
    absl::string_view digits = word;
    if (absl::ConsumePrefix(&digits, "net:[") && !absl::ConsumeSuffix(&digits, "]")) digits = "";
    uint64_t inode = 0;
    const bool plain = std::all_of(digits.begin(), digits.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c));
    });
    if (!plain || !absl::SimpleAtoi(digits, &inode) || inode == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--only-netns ", word,
                       ": write the number that `readlink /proc/PID/ns/net` shows of a process in "
                       "that namespace"));
    }
    inodes.insert(inode);
  }
  return inodes;
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
  absl::StatusOr<absl::flat_hash_set<uint64_t>> only_inodes = WatchedNamespaces(flags);
  if (!only_inodes.ok()) return UsageMistake(invocation, only_inodes.status());
  absl::StatusOr<Policies> policies = LoadPolicies(flags);
  if (!policies.ok()) return Failure(invocation, flags, policies.status());
  const absl::StatusOr<absl::Duration> watch_for = WatchTime(flags, policies->set);
  if (!watch_for.ok()) return UsageMistake(invocation, watch_for.status());

  const Style on_stderr = StyleOf(invocation, STDERR_FILENO);
  const bool live = flags.inputs.empty();
  if (!live && isatty(STDIN_FILENO) != 0 &&
      std::find(flags.inputs.begin(), flags.inputs.end(), "-") != flags.inputs.end()) {
    fputs("Paste what you have, then press Ctrl-D on a line of its own.\n", stderr);
  }
  const Namespaces::Options watched = {.only_inodes = *std::move(only_inodes)};
  absl::StatusOr<DiagnosisView> view =
      live ? DiagnoseThisHost(*policies, watched, *watch_for, on_stderr)
           : DiagnoseInputs(*policies, flags.inputs, on_stderr);
  if (!view.ok()) return Failure(invocation, flags, view.status());
  const bool no_evidence = !live && !view->read.shows_tcp();
  if (no_evidence && !view->read.anything() && !invocation.json && view->unread.size() == 1) {
    const Unread& unread = view->unread[0];
    return Failure(
        invocation, flags,
        absl::InvalidArgumentError(absl::StrCat(PlaceText(unread.place), ": ", unread.reason)));
  }
  const absl::StatusOr<std::vector<const TrackedConnection*>> drawn =
      ConnectionsToDraw(view->trace, flags.connections);
  if (!drawn.ok()) {
    return absl::IsInvalidArgument(drawn.status()) ? UsageMistake(invocation, drawn.status())
                                                   : Failure(invocation, flags, drawn.status());
  }

  absl::Status written;
  if (invocation.json) {
    const bool only = !flags.connections.of.empty();
    written = WriteDiagnosisJson(*view, only ? *drawn : std::vector<const TrackedConnection*>(),
                                 Write, flags.why);
  } else {
    Style style = StyleOf(invocation);
    style.color = style.color || flags.color;
    std::string text = RenderDiagnosis(*view, *drawn, flags.connections, style);
    if (flags.why) absl::StrAppend(&text, "\n", RenderWhyNot(*view, style));
    written = Write(text);
  }
  if (written.ok()) written = FlushWritten();
  if (!written.ok()) return Failure(invocation, flags, written);
  if (no_evidence) return flags.exit_code ? kTrouble : kFailed;
  return flags.exit_code && !view->findings.empty() ? kFailed : kDone;
}

}  // namespace

void AddDiagnoseCommand(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<DiagnoseFlags>();
  CLI::App* const diagnose = app.add_subcommand(
      "diagnose", "Say what is wrong: with this host, or in what you captured or pasted");
  diagnose->footer(R"text(
With no file, watches this host for the longest window of the signatures. Files, in any mix: output of
ss, nstat, netstat -s, ps and tcpdump, copies of /proc/net/netstat and snmp, a pasted terminal session
with its prompts, pcap and pcapng. Nothing is changed, no controller is needed, and for files no root.

  sudo tcpmedic diagnose             this host, now
  sudo tcpmedic diagnose --only-netns "$(sudo readlink /proc/PID/ns/net)"
                                     one container of it: the network namespace that PID is in
  tcpmedic diagnose incident.pcap    what a capture shows, with the handshake drawn
  ss -tin | tcpmedic diagnose -      what comes from a pipe, or is pasted

-o json answers in JSON, --no-color without colour.

Exit codes: 0 done, whatever was found; 1 failed, or nothing that was given is evidence; 2 usage.
With --exit-code: 0 nothing found, 1 something found, 2 failed or usage.)text");
  diagnose
      ->add_option("FILE", flags->inputs, "What to read; - is the standard input; none: this host")
      ->type_name("");
  diagnose->add_option("--policies", flags->policies, "Policy files; default the shipped ones")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory.description(""));
  diagnose
      ->add_option("--for", flags->watch_for,
                   "How long to watch this host, such as 30s; default what the signatures need")
      ->type_name("DURATION");
  diagnose
      ->add_option("--only-netns", flags->only_netns,
                   "Watch only this network namespace of this host; may be repeated")
      ->type_name("INODE");
  CLI::Option* const connection = diagnose
                                      ->add_option("--connection", flags->connections.of,
                                                   "Draw this connection of a trace, at length")
                                      ->type_name("CLIENT:PORT");
  diagnose->add_flag("--all-connections", flags->connections.all, "Draw every connection")
      ->excludes(connection);
  diagnose->add_flag("--exit-code", flags->exit_code,
                     "Exit 1 where something was found, 2 where that could not be told");
  diagnose->add_flag("--why", flags->why, "Of each signature, say what kept it from a finding");
  diagnose->add_flag("--color", flags->color, "Colour, also into a pipe");
  diagnose->callback([flags, &invocation] { invocation.exit_code = Diagnose(invocation, *flags); });
}

}  // namespace tcpmedic::cli
