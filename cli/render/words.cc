#include "cli/render/words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/render/quantity.h"
#include "core/sysctl_catalogue.h"
#include "proto/proto_time.h"
#include "proto/words.h"

namespace tcpmedic::cli {
namespace {

std::string OutcomeWord(v1::Incident::Outcome outcome) { return Name(outcome, "without outcome"); }

std::string Quoted(const std::string& argument) {
  const bool plain =
      !argument.empty() && argument.find_first_of(" \t\n\"'\\$&|;<>()*?`") == std::string::npos;
  return plain ? argument : absl::StrCat("'", absl::StrReplaceAll(argument, {{"'", "'\\''"}}), "'");
}

}  // namespace

std::string SeverityWord(v1::Severity severity) { return Name(severity, "unrated"); }

std::string StateWord(const v1::Incident& incident) {
  if (incident.state() == v1::Incident::STATE_CLOSED) return OutcomeWord(incident.outcome());
  return incident.finding_present() ? "open" : "open, gone";
}

Paint SeverityPaint(v1::Severity severity) {
  if (severity == v1::SEVERITY_CRITICAL) return Paint::kRed;
  return severity == v1::SEVERITY_WARNING ? Paint::kYellow : Paint::kCyan;
}

std::string ConfidenceWord(v1::Confidence confidence) {
  return Name(confidence, "of unknown confidence");
}

std::string ProposalWord(v1::Proposal::State state) { return Name(state, "of unknown state"); }

std::string StateWords(const v1::Incident& incident) {
  if (incident.state() == v1::Incident::STATE_CLOSED) {
    return absl::StrCat("closed: ", OutcomeWord(incident.outcome()));
  }
  return incident.finding_present() ? "open" : "open, symptom gone";
}

std::string ActionWords(const v1::Action& action, int targets_max) {
  switch (action.kind_case()) {
    case v1::Action::kSetCongestionControl:
      return absl::StrCat("move at most ", CountText(targets_max),
                          targets_max == 1 ? " socket to " : " sockets to ",
                          absl::AsciiStrToUpper(action.set_congestion_control().algorithm()),
                          " (setsockopt TCP_CONGESTION)");
    case v1::Action::kSetSysctl:
      return absl::StrCat("set ", Words(action.set_sysctl()),
                          " in the network namespace of the finding");
    case v1::Action::kSampleCallSites:
      return absl::StrCat("sample the call sites of at most ", CountText(targets_max),
                          targets_max == 1 ? " process for " : " processes for ",
                          DurationText(FromProto(action.sample_call_sites().duration())),
                          " (reads only)");
    case v1::Action::kRaiseAlert:
      return absl::StrCat("alert ", absl::StrJoin(action.raise_alert().receivers(), ", "));
    case v1::Action::kNote:
      return absl::StrCat("change nothing: ", action.note().text());
    case v1::Action::KIND_NOT_SET:
      return "an action that this tcpmedic does not know: update it before you decide";
  }
  return "";
}

std::string PlaceWords(const v1::NetworkNamespace& netns, const v1::SetSysctl& action) {
  const bool machine_wide =
      std::any_of(action.settings().begin(), action.settings().end(),
                  [](const v1::SetSysctl::Setting& setting) {
                    const SysctlEntry* const entry = FindSysctl(setting.name());
                    return entry != nullptr && entry->scope == SysctlScope::kMachine;
                  });
  if (machine_wide) return "for the whole machine, all its network namespaces";
  return absl::StrCat("in ",
                      netns.name().empty() ? "the network namespace of the finding" : netns.name(),
                      ", nowhere else");
}

std::string ChangeWords(const v1::Finding& finding, const v1::Action& action, int targets_max) {
  if (!action.has_set_sysctl()) return ActionWords(action, targets_max);
  const auto change = [&finding](std::string* out, const v1::SetSysctl::Setting& setting) {
    absl::StrAppend(out, setting.name());
    for (const v1::Evidence& evidence : finding.evidence()) {
      // A setting's source is its own name.
      if (evidence.source() == setting.name() && evidence.has_value()) {
        absl::StrAppend(out, " ", EvidenceText(evidence), " → ", setting.value());
        return;
      }
    }
    absl::StrAppend(out, " = ", setting.value());
  };
  return absl::StrCat(absl::StrJoin(action.set_sysctl().settings(), ", ", change), " ",
                      PlaceWords(finding.netns(), action.set_sysctl()));
}

std::string ActionWord(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kSetCongestionControl:
      return action.set_congestion_control().algorithm();
    case v1::Action::kSetSysctl:
      return absl::StrJoin(action.set_sysctl().settings(), ", ",
                           [](std::string* out, const v1::SetSysctl::Setting& setting) {
                             const absl::string_view name = setting.name();
                             absl::StrAppend(out, name.substr(name.rfind('.') + 1), "=",
                                             setting.value());
                           });
    case v1::Action::kSampleCallSites:
      return "sample call sites";
    case v1::Action::kRaiseAlert:
      return "alert";
    case v1::Action::kNote:
      return "note";
    case v1::Action::KIND_NOT_SET:
      return "unknown action";
  }
  return "";
}

std::string EndpointText(const v1::Endpoint& endpoint) {
  const bool v6 = absl::StrContains(endpoint.ip(), ':');
  return absl::StrCat(v6 ? "[" : "", endpoint.ip(), v6 ? "]:" : ":", endpoint.port());
}

std::string NetnsText(const v1::Finding& finding) {
  const std::string& name = finding.netns().name();
  const std::string netns = name.empty() ? "a network namespace" : name;
  return finding.has_exemplar()
             ? absl::StrCat(netns, ", listener ", EndpointText(finding.exemplar().local()))
             : netns;
}

std::string SubjectText(const v1::Finding& finding) {
  if (finding.subject() == v1::SUBJECT_NETNS) {
    if (!finding.has_exemplar()) return NetnsText(finding);
    return EndpointText(finding.exemplar().local());
  }
  for (const v1::GroupKey& key : finding.group_by()) {
    if (key.attribute() == "listener") return key.value();
    if (key.attribute() == "socket.remote_ip") return key.value();
  }
  return finding.exemplar().remote().ip();
}

std::string HomeText(const v1::Process& process) {
  if (!process.container_id().empty()) {
    return absl::StrCat("container ", process.container_id().substr(0, 12));
  }
  return process.systemd_unit();
}

std::string CommandText(const v1::Process& process) {
  if (process.cmdline().empty()) return process.comm();
  return absl::StrJoin(process.cmdline(), " ", [](std::string* out, const std::string& argument) {
    absl::StrAppend(out, Quoted(argument));
  });
}

}  // namespace tcpmedic::cli
