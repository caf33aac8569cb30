#include "diagnosis/finding_builder.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr absl::string_view kOfLastMatch = ", at the last match";

}  // namespace

std::string GroupLine(const CompiledSignature& signature, const std::vector<std::string>& values) {
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) {
    absl::StrAppend(&line, i == 0 ? "" : " ", signature.group_by[i].name, "=", values[i]);
  }
  return line;
}

v1::Finding BeginFinding(const CompiledSignature& signature, const std::vector<std::string>& values,
                         const FindingLife& life, Moment now) {
  const v1::Signature& definition = signature.definition;
  v1::Finding finding;
  finding.set_signature(definition.name());
  finding.set_group(GroupLine(signature, values));
  for (size_t i = 0; i < values.size(); ++i) {
    v1::GroupKey* const key = finding.add_group_by();
    key->set_attribute(signature.group_by[i].name);
    key->set_value(values[i]);
  }
  finding.set_subject(definition.subject());
  finding.set_severity(definition.severity());
  finding.set_title(definition.title());
  finding.set_advice(definition.advice());
  finding.set_disproof(definition.disproof());
  *finding.mutable_since() = ToProto(life.since().wall);
  *finding.mutable_found_at() = ToProto(life.found_at().wall);
  *finding.mutable_observed_at() = ToProto(now.wall);
  return finding;
}

void AddNotShown(const LookAlike& look_alike, const expr::Schema& schema,
                 const expr::Activation& activation, v1::Finding* finding) {
  v1::NotShown* const not_shown = finding->add_not_shown();
  not_shown->set_look_alike(look_alike.name);
  not_shown->set_expression(look_alike.expression.text());
  const expr::Value value = look_alike.expression.Evaluate(activation);
  if (!value.is_unknown()) return;  // an error of arithmetic: nothing was missing
  for (const int slot : value.missing().slots()) not_shown->add_missing(schema.at(slot).name);
}

void SetConfidence(v1::Finding* finding) {
  finding->set_confidence(finding->not_shown().empty() ? v1::CONFIDENCE_CERTAIN
                                                       : v1::CONFIDENCE_LIKELY);
}

void MarkAsOfLastMatch(v1::Finding* finding) {
  for (v1::Evidence& evidence : *finding->mutable_evidence()) {
    if (absl::EndsWith(evidence.basis(), kOfLastMatch)) continue;
    evidence.mutable_basis()->append(kOfLastMatch.data(), kOfLastMatch.size());
  }
}

}  // namespace tcpmedic
