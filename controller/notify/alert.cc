#include "controller/notify/alert.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/policy/alert_schema.h"
#include "controller/policy/digest.h"
#include "core/expr/template.h"
#include "proto/proto_time.h"
#include "proto/words.h"

namespace tcpmedic {
namespace {

constexpr int kMaxEvidenceLines = 30;
constexpr int kMaxProcesses = 5;
constexpr size_t kKeyDigits = 12;

// At most `bytes`, cut between characters (UTF-8).
std::string Bounded(absl::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  static constexpr absl::string_view kMore = "…";
  size_t end = bytes - kMore.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), kMore);
}

// "socket.remote_ip" → "socket_remote_ip".
std::string LabelName(absl::string_view attribute) {
  std::string name(attribute);
  for (char& c : name) {
    if (!absl::ascii_isalnum(c)) c = '_';
  }
  return name;
}

std::string ValueText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case v1::Value::kIntValue:
      return absl::StrCat(value.int_value());
    case v1::Value::kDoubleValue:
      return expr::ToText(expr::Value::Double(value.double_value()));
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kDurationValue:
      return expr::ToText(expr::Value::Duration(FromProto(value.duration_value())));
    case v1::Value::kTimestampValue:
      return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(value.timestamp_value()),
                              absl::UTCTimeZone());
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return "(not known)";
}

std::string FactText(const v1::Evidence& evidence) {
  if (!evidence.has_value() || evidence.unit().empty()) return ValueText(evidence.value());
  return absl::StrCat(ValueText(evidence.value()), " ", evidence.unit());
}

std::string EvidenceLines(const v1::Finding& finding) {
  std::vector<std::string> lines;
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (lines.size() == kMaxEvidenceLines) break;
    lines.push_back(absl::StrCat(evidence.name(), " = ", FactText(evidence),
                                 evidence.basis().empty() ? "" : ", ", evidence.basis()));
  }
  return absl::StrJoin(lines, "\n");
}

std::string ProcessLines(const v1::Finding& finding) {
  std::vector<std::string> lines;
  for (const v1::Process& process : finding.processes()) {
    if (lines.size() == kMaxProcesses) break;
    std::string line = absl::StrCat(process.comm(), " (pid ", process.pid());
    if (!process.systemd_unit().empty()) absl::StrAppend(&line, ", ", process.systemd_unit());
    if (!process.container_id().empty()) {
      absl::StrAppend(&line, ", container ", process.container_id());
    }
    lines.push_back(absl::StrCat(line, ")"));
  }
  return absl::StrJoin(lines, "\n");
}

std::string NotShownLines(const v1::Finding& finding) {
  return absl::StrJoin(
      finding.not_shown(), "\n", [](std::string* out, const v1::NotShown& not_shown) {
        absl::StrAppend(out, not_shown.look_alike(),
                        " (not known: ", absl::StrJoin(not_shown.missing(), ", "), ")");
      });
}

// The facts that the texts of a raise_alert are written over.
class AlertFacts : public expr::Activation {
 public:
  AlertFacts(const v1::Incident& incident, const HostFacts& host)
      : incident_(incident),
        host_(host),
        severity_(Name(incident.finding().severity())),
        confidence_(Name(incident.finding().confidence())) {
    for (const auto& [key, value] : host.labels) {
      labels_.push_back({key, expr::Value::String(value)});
    }
    for (const v1::Evidence& evidence : incident.finding().evidence()) {
      if (evidence.has_value()) facts_[evidence.name()] = FactText(evidence);
    }
    for (const auto& [name, text] : facts_) {
      evidence_.push_back({name, expr::Value::String(text)});
    }
  }

  expr::Value Get(int slot) const override {
    const v1::Finding& finding = incident_.finding();
    const v1::Process* process =
        finding.processes().empty() ? nullptr : &finding.processes().Get(0);
    switch (static_cast<AlertSlot>(slot)) {
      case AlertSlot::kHostName:
        return Text(incident_.host(), slot);
      case AlertSlot::kHostLabels:
        return expr::Value::Map(labels_);
      case AlertSlot::kIncidentId:
        return Text(incident_.id(), slot);
      case AlertSlot::kFindingSignature:
        return Text(finding.signature(), slot);
      case AlertSlot::kFindingGroup:
        return Text(finding.group(), slot);
      case AlertSlot::kFindingSeverity:
        return Text(severity_, slot);
      case AlertSlot::kFindingConfidence:
        return Text(confidence_, slot);
      case AlertSlot::kFindingSocketCount:
        return expr::Value::Int(finding.socket_count());
      case AlertSlot::kFindingTitle:
        return Text(finding.title(), slot);
      case AlertSlot::kFindingVerdict:
        return Text(finding.verdict(), slot);
      case AlertSlot::kFindingAdvice:
        return Text(finding.advice(), slot);
      case AlertSlot::kFindingDisproof:
        return Text(finding.disproof(), slot);
      case AlertSlot::kFindingEvidence:
        return expr::Value::Map(evidence_);
      case AlertSlot::kProcessComm:
        return process == nullptr ? expr::Value::Unknown(slot) : Text(process->comm(), slot);
      case AlertSlot::kProcessPid:
        return process == nullptr ? expr::Value::Unknown(slot) : expr::Value::Int(process->pid());
      case AlertSlot::kProcessUnit:
        return process == nullptr ? expr::Value::Unknown(slot)
                                  : Text(process->systemd_unit(), slot);
    }
    return expr::Value::Unknown(slot);
  }

 private:
  static expr::Value Text(absl::string_view text, int slot) {
    return text.empty() ? expr::Value::Unknown(slot) : expr::Value::String(text);
  }

  const v1::Incident& incident_;
  const HostFacts& host_;
  const std::string severity_;
  const std::string confidence_;
  std::map<std::string, std::string> facts_;
  std::vector<expr::MapEntry> labels_;
  std::vector<expr::MapEntry> evidence_;
};

// `text` over the incident; `otherwise` where there is none. Policies are checked when they are
// read, so a text that does not compile is of a policy of an older release.
std::string Render(const std::string& text, std::string otherwise, const AlertFacts& facts) {
  if (text.empty()) return otherwise;
  std::vector<Issue> issues;
  const std::optional<expr::Template> compiled =
      expr::CompileTemplate(text, AlertSchema(), &issues);
  return compiled.has_value() ? compiled->Render(facts) : otherwise;
}

std::map<std::string, std::string> LabelsOf(const v1::Incident& incident) {
  const v1::Finding& finding = incident.finding();
  std::map<std::string, std::string> labels;
  for (const v1::GroupKey& part : finding.group_by()) {
    labels[LabelName(part.attribute())] = part.value();
  }
  labels["alertname"] = finding.signature();
  labels["host"] = incident.host();
  labels["severity"] = Name(finding.severity(), "none");
  // Of another subject the processes may change while the trouble is the same.
  if (finding.subject() == v1::SUBJECT_PROCESS && !finding.processes().empty()) {
    labels["process"] = finding.processes(0).comm();
  }
  return labels;
}

void SetLabels(const std::map<std::string, std::string>& labels, v1::Alert* alert) {
  for (const auto& [name, value] : labels) {
    if (!value.empty()) (*alert->mutable_labels())[name] = Bounded(value, kMaxLabelBytes);
  }
}

void Annotate(absl::string_view name, absl::string_view text, v1::Alert* alert) {
  if (text.empty()) return;
  (*alert->mutable_annotations())[std::string(name)] = Bounded(text, kMaxAnnotationBytes);
}

v1::Alert AlertOf(const AlertSource& source, const v1::RaiseAlert& raise, const AlertFacts& facts) {
  const v1::Incident& incident = source.incident;
  const v1::Finding& finding = incident.finding();
  v1::Alert alert;
  alert.set_state(v1::Alert::STATE_FIRING);
  alert.set_incident_id(incident.id());
  alert.set_generator(absl::StrCat("tcpmedic show ", incident.id()));
  // The agent's clock may run ahead of ours; a receiver refuses what starts after it ended.
  absl::Time starts_at = FromProtoOrInfinitePast(incident.opened_at());
  if (finding.has_since()) starts_at = std::min(starts_at, FromProto(finding.since()));
  *alert.mutable_starts_at() = ToProto(starts_at);

  std::map<std::string, std::string> labels(raise.labels().begin(), raise.labels().end());
  for (auto& [name, value] : LabelsOf(incident)) labels[name] = std::move(value);
  SetLabels(labels, &alert);
  std::string identity;
  for (const auto& [name, value] : labels) {
    absl::StrAppend(&identity, name.size(), ":", name, value.size(), ":", value);
  }
  alert.set_key(absl::StrCat(incident.id(), "/", Sha256Hex(identity).substr(0, kKeyDigits)));

  Annotate("summary",
           Render(raise.summary(), absl::StrCat(finding.title(), " on ", incident.host()), facts),
           &alert);
  Annotate("description", Render(raise.description(), finding.verdict(), facts), &alert);
  Annotate("verdict", finding.verdict(), &alert);
  Annotate("advice", finding.advice(), &alert);
  Annotate("disproof", finding.disproof(), &alert);
  Annotate("evidence", EvidenceLines(finding), &alert);
  Annotate("not_ruled_out", NotShownLines(finding), &alert);
  Annotate("processes", ProcessLines(finding), &alert);
  Annotate("call_sites", source.call_sites, &alert);
  return alert;
}

bool Stands(const v1::Incident& incident) {
  return incident.state() == v1::Incident::STATE_OPEN || incident.finding_present();
}

int64_t RefreshPeriod(const v1::Incident& incident) {
  return absl::ToUnixSeconds(FromProtoOrInfinitePast(incident.finding().observed_at())) /
         absl::ToInt64Seconds(kAlertRefreshInterval);
}

const AddressedAlert* Find(const std::vector<AddressedAlert>& all, const AddressedAlert& alert) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const AddressedAlert& other) {
    return other.receiver == alert.receiver && other.alert.key() == alert.alert.key();
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::vector<AddressedAlert> StandingAlerts(const AlertSource& source, const HostFacts& host) {
  const v1::Incident& incident = source.incident;
  std::vector<AddressedAlert> alerts;
  if (!Stands(incident)) return alerts;
  std::optional<AlertFacts> facts;
  for (const v1::Action& action : incident.decision().actions()) {
    if (!action.has_raise_alert()) continue;
    if (!facts.has_value()) facts.emplace(incident, host);
    const v1::Alert alert = AlertOf(source, action.raise_alert(), *facts);
    for (const std::string& receiver : action.raise_alert().receivers()) {
      AddressedAlert addressed{receiver, alert};
      if (Find(alerts, addressed) == nullptr) alerts.push_back(std::move(addressed));
    }
  }
  return alerts;
}

std::vector<AddressedAlert> AlertsBetween(const AlertSource& before, const AlertSource& after,
                                          const HostFacts& host, absl::Time now) {
  const std::vector<AddressedAlert> stood = StandingAlerts(before, host);
  std::vector<AddressedAlert> stand = StandingAlerts(after, host);
  std::vector<AddressedAlert> told;
  // First what ends: of two with different labels, nobody is to see both.
  for (const AddressedAlert& old : stood) {
    if (Find(stand, old) != nullptr) continue;
    AddressedAlert resolved = old;
    resolved.alert.set_state(v1::Alert::STATE_RESOLVED);
    *resolved.alert.mutable_ends_at() =
        ToProto(std::max(now, FromProto(old.alert.starts_at()) + absl::Seconds(1)));
    told.push_back(std::move(resolved));
  }
  for (AddressedAlert& alert : stand) {
    if (Find(stood, alert) != nullptr && before.call_sites == after.call_sites) {
      if (RefreshPeriod(before.incident) == RefreshPeriod(after.incident)) continue;
      alert.refresh = true;
    }
    told.push_back(std::move(alert));
  }
  return told;
}

bool IsNotified(absl::string_view what) {
  return what == "proposed" || what == "rolled_back" || what == "unknown";
}

std::vector<AddressedAlert> EventFor(
    const v1::Incident& incident, const HostFacts& host, absl::string_view key,
    absl::string_view what, absl::string_view text,
    const google::protobuf::RepeatedPtrField<std::string>& receivers, absl::Time now) {
  v1::Alert event;
  event.set_key(std::string(key));
  event.set_state(v1::Alert::STATE_EVENT);
  event.set_event(std::string(what));
  event.set_incident_id(incident.id());
  event.set_generator(absl::StrCat("tcpmedic show ", incident.id()));
  *event.mutable_starts_at() = ToProto(now);
  std::map<std::string, std::string> labels = LabelsOf(incident);
  labels["event"] = std::string(what);
  // Two of them are never one, though the alertname is the same.
  labels["incident"] = incident.id();
  SetLabels(labels, &event);
  Annotate("summary",
           absl::StrCat(incident.finding().title(), " on ",
                        host.name.empty() ? incident.host() : host.name, ": ", what),
           &event);
  Annotate("description", text, &event);
  Annotate("verdict", incident.finding().verdict(), &event);
  std::vector<AddressedAlert> addressed;
  for (const std::string& receiver : receivers) {
    AddressedAlert one{receiver, event};
    if (Find(addressed, one) == nullptr) addressed.push_back(std::move(one));
  }
  return addressed;
}

}  // namespace tcpmedic
