#include "controller/policy/decide.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "controller/policy/policy_schema.h"
#include "core/expr/expression.h"
#include "proto/words.h"

namespace tcpmedic {
namespace {

// The facts that `when` is asked over. A word that the agent did not give is unknown.
class WhenFacts : public expr::Activation {
 public:
  WhenFacts(const v1::Finding& finding, const HostFacts& host)
      : finding_(finding),
        host_(host),
        severity_(Name(finding.severity())),
        confidence_(Name(finding.confidence())) {
    for (const auto& [key, value] : host.labels) {
      labels_.push_back({key, expr::Value::String(value)});
    }
  }

  expr::Value Get(int slot) const override {
    switch (static_cast<WhenSlot>(slot)) {
      case WhenSlot::kHostName:
        return TextOrUnknown(host_.name, slot);
      case WhenSlot::kHostLabels:
        return expr::Value::Map(labels_);
      case WhenSlot::kFindingSignature:
        return TextOrUnknown(finding_.signature(), slot);
      case WhenSlot::kFindingGroup:
        return TextOrUnknown(finding_.group(), slot);
      case WhenSlot::kFindingSeverity:
        return TextOrUnknown(severity_, slot);
      case WhenSlot::kFindingConfidence:
        return TextOrUnknown(confidence_, slot);
      case WhenSlot::kFindingSocketCount:
        return expr::Value::Int(finding_.socket_count());
    }
    return expr::Value::Unknown(slot);
  }

 private:
  static expr::Value TextOrUnknown(absl::string_view text, int slot) {
    return text.empty() ? expr::Value::Unknown(slot) : expr::Value::String(text);
  }

  const v1::Finding& finding_;
  const HostFacts& host_;
  const std::string severity_;
  const std::string confidence_;
  std::vector<expr::MapEntry> labels_;
};

// The labels that the expression names and the host lacks. The value only says that some key of
// host.labels was missing.
std::vector<std::string> MissingLabels(const std::string& expression, const HostFacts& host) {
  static const RE2* const kLabel = new RE2(
      R"re(host\.labels(?:\[\s*(?:"([^"]*)"|'([^']*)')\s*\]|\.([A-Za-z_][A-Za-z0-9_]*)))re");
  std::vector<std::string> missing;
  re2::StringPiece rest(expression);
  std::string double_quoted, single_quoted, selected;
  while (RE2::FindAndConsume(&rest, *kLabel, &double_quoted, &single_quoted, &selected)) {
    const std::string key = absl::StrCat(double_quoted, single_quoted, selected);
    std::string name = absl::StrCat("host.labels[\"", key, "\"]");
    if (!host.labels.contains(key) &&
        std::find(missing.begin(), missing.end(), name) == missing.end()) {
      missing.push_back(std::move(name));
    }
  }
  return missing;
}

std::string WhatIsMissing(const expr::Expression& when, const expr::Value& unknown,
                          const HostFacts& host) {
  std::vector<std::string> missing;
  for (const int slot : unknown.missing().slots()) {
    std::vector<std::string> labels;
    if (static_cast<WhenSlot>(slot) == WhenSlot::kHostLabels) {
      labels = MissingLabels(when.text(), host);
    }
    if (labels.empty()) labels.push_back(WhenSchema().at(slot).name);
    missing.insert(missing.end(), labels.begin(), labels.end());
  }
  return absl::StrCat(absl::StrJoin(missing, ", "), missing.size() == 1 ? " is" : " are",
                      " not set");
}

// The part of `when` that is false: of a conjunction, the first such operand.
std::string WhatIsFalse(const expr::Expression& when, const expr::Activation& facts) {
  for (const expr::Expression& operand : when.Conjuncts()) {
    if (operand.Evaluate(facts).is_false()) return operand.text();
  }
  return when.text();
}

// "matched", or why not.
std::string Consider(const v1::Policy& policy, const v1::Finding& finding, const HostFacts& host) {
  if (policy.when().empty()) return "matched";
  std::vector<Issue> issues;
  const std::optional<expr::Expression> when =
      expr::Compile(policy.when(), WhenSchema(), expr::Type::Bool(), &issues);
  if (!when.has_value()) return absl::StrCat("not usable: ", issues.front().message);

  const WhenFacts facts(finding, host);
  const expr::Value value = when->Evaluate(facts);
  if (value.is_true()) return "matched";
  if (value.is_false()) return absl::StrCat("did not match: ", WhatIsFalse(*when, facts));
  if (value.is_unknown()) return absl::StrCat("unknown: ", WhatIsMissing(*when, value, host));
  return absl::StrCat("unknown: ", expr::Describe(value.error()));
}

}  // namespace

v1::Decision Decide(const PolicySet& policies, const v1::Finding& finding, const HostFacts& host) {
  std::vector<const v1::Policy*> candidates;
  for (const v1::Policy& policy : policies.policies) {
    if (policy.signature() == finding.signature()) candidates.push_back(&policy);
  }
  std::sort(candidates.begin(), candidates.end(), [](const v1::Policy* a, const v1::Policy* b) {
    return std::forward_as_tuple(a->order(), a->name()) <
           std::forward_as_tuple(b->order(), b->name());
  });

  v1::Decision decision;
  decision.set_revision(policies.revision);
  for (const v1::Policy* policy : candidates) {
    v1::Decision::Considered* considered = decision.add_considered();
    considered->set_policy(policy->name());
    considered->set_result(Consider(*policy, finding, host));
    if (considered->result() == "matched") {
      decision.set_policy(policy->name());
      *decision.mutable_actions() = policy->actions();
      break;
    }
  }
  return decision;
}

}  // namespace tcpmedic
