#include "diagnosis/recorded/one_sample.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "diagnosis/finding_builder.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxPlacesNamed = 3;
constexpr size_t kMaxCommandBytes = 120;

}  // namespace

const CompiledSignature& ForOneSample(const CompiledSignature& signature) {
  return signature.one_sample == nullptr ? signature : *signature.one_sample;
}

Judgement JudgeOneSample(const CompiledSignature& signature, const expr::Activation& activation) {
  for (size_t i = 0; i < signature.conjuncts.size(); ++i) {
    if (signature.conjuncts[i].expression.Evaluate(activation).is_true()) continue;
    return {Judgement::Kind::kNotTrue, i};
  }
  return JudgeLookAlikes(signature, activation);
}

v1::Finding BeginRecordedFinding(const CompiledSignature& signature,
                                 const std::vector<std::string>& values) {
  v1::Finding finding = BeginFinding(signature, values, FindingLife(), Moment());
  finding.clear_since();
  finding.clear_found_at();
  finding.clear_observed_at();
  finding.clear_group_by();
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string& name = signature.group_by[i].name;
    if (name == "netns" || values[i].empty()) continue;
    v1::GroupKey* const key = finding.add_group_by();
    key->set_attribute(name);
    key->set_value(values[i]);
    absl::StrAppend(&line, line.empty() ? "" : " ", name, "=", values[i]);
  }
  finding.set_group(line);
  return finding;
}

void AddNotShown(const CompiledSignature& signature, const Judgement& judgement,
                 const expr::Schema& schema, const expr::Activation& activation,
                 v1::Finding* finding) {
  for (size_t i = 0; i < signature.look_alikes.size(); ++i) {
    if ((judgement.unknown_look_alikes >> i & 1) == 0) continue;
    AddNotShown(signature.look_alikes[i], schema, activation, finding);
  }
  SetConfidence(finding);
}

void AddEvidence(v1::Evidence evidence, const std::vector<Place>& places, v1::Finding* finding) {
  if (evidence.value().kind_case() == v1::Value::KIND_NOT_SET) return;
  std::vector<std::string> texts;
  for (const Place& place : places) {
    const std::string text = PlaceText(place);
    if (text.empty() || std::find(texts.begin(), texts.end(), text) != texts.end()) continue;
    if (texts.size() == kMaxPlacesNamed) {
      texts.emplace_back("…");
      break;
    }
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    evidence.set_source(absl::StrCat(evidence.source(), ", ", text));
  }
  *finding->add_evidence() = std::move(evidence);
}

std::string SourceOf(const RecordedCount& count, const Gathered& gathered) {
  const RecordedCommand* const command = gathered.CommandOf(count.place);
  if (command == nullptr) return absl::StrCat("a count of sockets in ", count.state);
  if (command->text.size() <= kMaxCommandBytes) return absl::StrCat("`", command->text, "`");
  return absl::StrCat("`", absl::string_view(command->text).substr(0, kMaxCommandBytes), "…`");
}

bool Reads(const CompiledSignature& signature, const expr::Schema& schema, absl::string_view name) {
  return std::any_of(
      signature.evidence_slots.begin(), signature.evidence_slots.end(),
      [&](int slot) { return slot < schema.size() && schema.at(slot).name == name; });
}

}  // namespace tcpmedic
