#include "controller/policy/policy_document.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/policy/alert_schema.h"
#include "controller/policy/field_reader.h"
#include "controller/policy/policy_schema.h"
#include "core/expr/expression.h"
#include "core/expr/template.h"
#include "core/sysctl_catalogue.h"
#include "diagnosis/netns_schema.h"

namespace tcpmedic {
namespace {

constexpr int kDefaultOrder = 100;
constexpr int kMaxOrder = 1'000'000;
constexpr int64_t kDefaultExpiresSeconds = 3600;
constexpr absl::Duration kMaxCovers = absl::Hours(24 * 7);
// Of `after`, the last 10 s are compared; the agent may wait a quarter of an hour for its
// confirmation, not longer.
constexpr absl::Duration kMinVerifyAfter = absl::Seconds(10);
constexpr absl::Duration kMaxVerifyAfter = absl::Minutes(15);
constexpr absl::Duration kMaxSampling = absl::Minutes(1);
constexpr int kMaxTargets = 100'000;
// As the agent has it: below the first, a scan or two that come late would end it; above the
// second, it is no lease.
constexpr absl::Duration kMinLease = absl::Seconds(5);
constexpr absl::Duration kMaxLease = absl::Hours(24);
constexpr int kMaxSettings = 8;            // of one order; they are written and undone together
constexpr size_t kMaxAlgorithmBytes = 15;  // TCP_CA_NAME_MAX, without its zero

constexpr Word kModes[] = {{"manual", v1::Approval::MODE_MANUAL},
                           {"auto", v1::Approval::MODE_AUTO}};
constexpr Word kScopes[] = {{"sockets", v1::SetCongestionControl::SCOPE_SOCKETS}};

bool Takes(const v1::Policy& policy, v1::Action::KindCase kind) {
  return std::any_of(policy.actions().begin(), policy.actions().end(),
                     [&](const v1::Action& action) { return action.kind_case() == kind; });
}

// The action that is verified; none: it changes nothing.
v1::Action Changing(const v1::Policy& policy) {
  const auto action = std::find_if(policy.actions().begin(), policy.actions().end(), ChangesHost);
  return action == policy.actions().end() ? v1::Action() : *action;
}

// How many sysctls it sets at once.
int SettingsOf(const v1::Policy& policy) {
  int settings = 0;
  for (const v1::Action& action : policy.actions()) {
    settings = std::max(settings, action.set_sysctl().settings_size());
  }
  return settings;
}

// Every part of a policy is read from its own map, with the same file and the same list of issues.
class PolicyReader {
 public:
  PolicyReader(const YamlFile& file, std::vector<Issue>* issues) : file_(file), issues_(issues) {}

  v1::Policy Read(const Document& document) {
    v1::Policy policy;
    policy.set_name(document.name);
    FieldReader spec(file_, *document.spec, "a policy's spec", issues_);
    policy.set_signature(spec.Text("signature", Need::kRequired).value_or(""));
    policy.set_order(static_cast<int32_t>(
        spec.Integer("order", 0, kMaxOrder, Need::kOptional).value_or(kDefaultOrder)));
    policy.set_when(ReadExpression(&spec, "when", WhenSchema(), Need::kOptional));
    ReadActions(&spec, &policy);
    ReadApproval(spec.Map("approval", Need::kOptional), policy.mutable_approval());
    ReadVerify(&spec, &policy);
    ReadLease(&spec, &policy);
    ReadLeadsTo(&spec, &policy);
    ReadHoldback(&spec, &policy);
    ReadLimits(spec.Map("limits", Need::kOptional), &policy);
    for (std::string& receiver :
         spec.Texts("notify", Need::kOptional).value_or(std::vector<std::string>())) {
      policy.add_notify(std::move(receiver));
    }
    spec.RejectOthers();
    return policy;
  }

 private:
  std::string ReadExpression(FieldReader* fields, absl::string_view name,
                             const expr::Schema& schema, Need need) {
    const YamlNode* node = fields->Scalar(name, need);
    if (node == nullptr) return "";
    std::vector<Issue> within;
    expr::Compile(node->text, schema, expr::Type::Bool(), &within);
    for (Issue& issue : within) issues_->push_back(file_.IssueWithin(*node, std::move(issue)));
    return node->text;
  }

  void ReadActions(FieldReader* spec, v1::Policy* policy) {
    const YamlNode* list = spec->Sequence("actions", Need::kRequired);
    if (list == nullptr) return;
    if (list->items.empty()) {
      spec->Complain(*list, "a policy needs an action", "where nothing is to be changed: note");
    }
    const YamlNode* first_on_host = nullptr;
    for (const YamlNode& item : list->items) {
      v1::Action action = ReadAction(item);
      if (IsDoneOnHost(action) && std::exchange(first_on_host, &item) != nullptr) {
        // One digest, one approval, one verification: for one change.
        spec->Complain(item, "a policy takes one action on the host, this is the second",
                       "write a policy of its own for it");
      }
      *policy->add_actions() = std::move(action);
    }
  }

  v1::Action ReadAction(const YamlNode& item) {
    v1::Action action;
    FieldReader kinds(file_, item, "an action", issues_);
    if (const YamlNode* node = kinds.Map("set_congestion_control", Need::kOptional)) {
      ReadSetCongestionControl(*node, action.mutable_set_congestion_control());
    }
    if (const YamlNode* node = kinds.Map("set_sysctl", Need::kOptional)) {
      ReadSetSysctl(*node, action.mutable_set_sysctl());
    }
    if (const YamlNode* node = kinds.Map("sample_call_sites", Need::kOptional)) {
      FieldReader fields(file_, *node, "sample_call_sites", issues_);
      if (auto time =
              fields.WireDuration("duration", absl::Seconds(1), kMaxSampling, Need::kRequired)) {
        *action.mutable_sample_call_sites()->mutable_duration() = *time;
      }
      fields.RejectOthers();
    }
    if (const YamlNode* node = kinds.Map("raise_alert", Need::kOptional)) {
      ReadRaiseAlert(*node, action.mutable_raise_alert());
    }
    if (std::optional<std::string> text = kinds.Text("note", Need::kOptional)) {
      action.mutable_note()->set_text(*std::move(text));
    }
    kinds.RejectOthers();
    if (item.kind == YamlNode::Kind::kMap && item.fields.size() != 1) {
      kinds.Complain("an action is one field: its name, with what it takes");
    }
    return action;
  }

  void ReadRaiseAlert(const YamlNode& node, v1::RaiseAlert* alert) {
    FieldReader fields(file_, node, "raise_alert", issues_);
    for (std::string& receiver :
         fields.Texts("receivers", Need::kRequired).value_or(std::vector<std::string>())) {
      alert->add_receivers(std::move(receiver));
    }
    if (const YamlNode* receivers = node.Find("receivers");
        receivers != nullptr && receivers->kind == YamlNode::Kind::kSequence &&
        receivers->items.empty()) {
      fields.Complain(*receivers, "an alert needs a receiver",
                      "the controller's configuration names them");
    }
    alert->set_summary(ReadTemplate(&fields, "summary"));
    alert->set_description(ReadTemplate(&fields, "description"));
    if (const YamlNode* labels = fields.Map("labels", Need::kOptional)) {
      ReadAlertLabels(*labels, alert);
    }
    fields.RejectOthers();
  }

  std::string ReadTemplate(FieldReader* fields, absl::string_view name) {
    const YamlNode* node = fields->Scalar(name, Need::kOptional);
    if (node == nullptr) return "";
    std::vector<Issue> within;
    expr::CompileTemplate(node->text, AlertSchema(), &within);
    for (Issue& issue : within) issues_->push_back(file_.IssueWithin(*node, std::move(issue)));
    return node->text;
  }

  void ReadAlertLabels(const YamlNode& node, v1::RaiseAlert* alert) {
    FieldReader labels(file_, node, "'labels'", issues_);
    for (const YamlField& field : node.fields) {
      if (!IsFreeAlertLabel(field.name)) {
        issues_->push_back(file_.IssueAt(
            field.value.name, absl::StrCat("'", field.name, "' cannot be a label of a policy's"),
            "letters, digits and _, and not one that the alert has by itself"));
      }
      if (std::optional<std::string> value = labels.Text(field.name, Need::kRequired)) {
        (*alert->mutable_labels())[field.name] = *std::move(value);
      }
    }
  }

  void ReadSetCongestionControl(const YamlNode& node, v1::SetCongestionControl* set) {
    FieldReader fields(file_, node, "set_congestion_control", issues_);
    if (const YamlNode* algorithm = fields.Scalar("algorithm", Need::kRequired)) {
      const std::string& name = algorithm->text;
      if (name.empty() || name.size() > kMaxAlgorithmBytes ||
          !std::all_of(name.begin(), name.end(), [](char c) {
            return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-';
          })) {
        fields.Complain(*algorithm, absl::StrCat("'", name, "' cannot be an algorithm"),
                        "as net.ipv4.tcp_available_congestion_control lists it: bbr");
      }
      set->set_algorithm(name);
    }
    set->set_scope(static_cast<v1::SetCongestionControl::Scope>(
        fields.OneOf("scope", kScopes, Need::kRequired).value_or(0)));
    fields.RejectOthers();
  }

  // {net.ipv4.tcp_syncookies: 1}. What no host would do is said here; a host's guard file may allow
  // less.
  void ReadSetSysctl(const YamlNode& node, v1::SetSysctl* set) {
    FieldReader settings(file_, node, "set_sysctl", issues_);
    if (node.fields.empty()) settings.Complain("set_sysctl sets nothing");
    if (node.fields.size() > kMaxSettings) {
      settings.Complain(absl::StrCat("set_sysctl sets at most ", kMaxSettings, " names"));
    }
    for (const YamlField& field : node.fields) {
      if (std::optional<std::string> value = settings.Text(field.name, Need::kRequired)) {
        if (const absl::Status allowed = CheckSysctl(field.name, *value); !allowed.ok()) {
          const YamlPlace place =
              FindSysctl(field.name) == nullptr ? field.value.name : field.value.place;
          issues_->push_back(file_.IssueAt(place, std::string(allowed.message())));
        }
        v1::SetSysctl::Setting* setting = set->add_settings();
        setting->set_name(field.name);
        setting->set_value(*std::move(value));
      }
    }
  }

  void ReadApproval(const YamlNode* node, v1::Approval* approval) {
    approval->set_mode(v1::Approval::MODE_MANUAL);
    approval->set_quorum(1);
    approval->mutable_expires()->set_seconds(kDefaultExpiresSeconds);
    if (node == nullptr) return;
    FieldReader fields(file_, *node, "'approval'", issues_);
    if (auto mode = fields.OneOf("mode", kModes, Need::kRequired)) {
      approval->set_mode(static_cast<v1::Approval::Mode>(*mode));
    }
    if (auto quorum = fields.Integer("quorum", 1, 10, Need::kOptional)) {
      approval->set_quorum(static_cast<int32_t>(*quorum));
    }
    if (auto time = fields.WireDuration("expires", absl::Minutes(1), kMaxCovers, Need::kOptional)) {
      *approval->mutable_expires() = *time;
    }
    if (auto time =
            fields.WireDuration("covers", absl::ZeroDuration(), kMaxCovers, Need::kOptional)) {
      *approval->mutable_covers() = *time;
    }
    fields.RejectOthers();
  }

  void ReadVerify(FieldReader* spec, v1::Policy* policy) {
    const YamlNode* node = spec->Map("verify", Need::kOptional);
    if (node == nullptr) {
      if (ChangesHost(Changing(*policy))) {
        spec->Complain("a policy that changes a host needs the field 'verify'",
                       "say when and by what it is seen that the change helped");
      }
      return;
    }
    FieldReader fields(file_, *node, "'verify'", issues_);
    if (auto time =
            fields.WireDuration("after", kMinVerifyAfter, kMaxVerifyAfter, Need::kRequired)) {
      *policy->mutable_verify()->mutable_after() = *time;
    }
    policy->mutable_verify()->set_expect(
        ReadExpression(&fields, "expect", ExpectSchema(Changing(*policy)), Need::kRequired));
    fields.RejectOthers();
  }

  // Only a sysctl has one: what it changes outlives every connection, a socket's setting does not.
  void ReadLease(FieldReader* spec, v1::Policy* policy) {
    const YamlNode* node = spec->Map("lease", Need::kOptional);
    if (node == nullptr) return;
    FieldReader fields(file_, *node, "'lease'", issues_);
    if (!Takes(*policy, v1::Action::kSetSysctl)) {
      fields.Complain("only a policy with set_sysctl has a lease",
                      "a socket's change ends with the socket");
    }
    if (auto time = fields.WireDuration("for", kMinLease, kMaxLease, Need::kRequired)) {
      *policy->mutable_lease()->mutable_for_() = *time;
    }
    const YamlNode* renew_while = fields.Scalar("renew_while", Need::kOptional);
    if (renew_while != nullptr) {
      std::vector<Issue> within;
      CompileNetnsCondition(renew_while->text, &within);
      for (Issue& issue : within)
        issues_->push_back(file_.IssueWithin(*renew_while, std::move(issue)));
      policy->mutable_lease()->set_renew_while(renew_while->text);
    }
    fields.RejectOthers();
  }

  // Whether there are such signatures is seen when all files are read.
  void ReadLeadsTo(FieldReader* spec, v1::Policy* policy) {
    for (std::string& signature :
         spec->Texts("leads_to", Need::kOptional).value_or(std::vector<std::string>())) {
      policy->add_leads_to(std::move(signature));
    }
    if (!policy->leads_to().empty() && !ChangesHost(Changing(*policy))) {
      spec->Complain(*spec->Sequence("leads_to", Need::kOptional),
                     "this policy changes nothing, so it leads to nothing");
    }
  }

  void ReadHoldback(FieldReader* spec, v1::Policy* policy) {
    policy->set_holdback_ratio(spec->Percentage("holdback", Need::kOptional).value_or(0));
    if (policy->holdback_ratio() > 0 && Takes(*policy, v1::Action::kSetSysctl)) {
      spec->Complain(*spec->Scalar("holdback", Need::kOptional),
                     "a sysctl is for the whole namespace: nothing of it can be held back");
    }
  }

  void ReadLimits(const YamlNode* node, v1::Policy* policy) {
    v1::Limits* const limits = policy->mutable_limits();
    limits->set_targets_per_host(std::max(1, SettingsOf(*policy)));
    if (node == nullptr) return;
    FieldReader fields(file_, *node, "'limits'", issues_);
    limits->set_hosts_at_once_ratio(
        fields.Percentage("hosts_at_once", Need::kOptional).value_or(0));
    if (auto count = fields.Integer("targets_per_host", 1, kMaxTargets, Need::kOptional)) {
      limits->set_targets_per_host(static_cast<int32_t>(*count));
      if (*count < SettingsOf(*policy)) {
        fields.Complain(*fields.Scalar("targets_per_host", Need::kOptional),
                        absl::StrCat("set_sysctl sets ", SettingsOf(*policy),
                                     " names together, which are as many targets"));
      }
    }
    if (auto count = fields.Integer("per_host_per_hour", 1, 3600, Need::kOptional)) {
      limits->set_per_host_per_hour(static_cast<int32_t>(*count));
    }
    if (auto time =
            fields.WireDuration("cooldown", absl::ZeroDuration(), kMaxCovers, Need::kOptional)) {
      *limits->mutable_cooldown() = *time;
    }
    fields.RejectOthers();
  }

  const YamlFile& file_;
  std::vector<Issue>* issues_;
};

}  // namespace

v1::Policy ReadPolicy(const YamlFile& file, const Document& document, std::vector<Issue>* issues) {
  return PolicyReader(file, issues).Read(document);
}

bool ChangesHost(const v1::Action& action) {
  return action.has_set_congestion_control() || action.has_set_sysctl();
}

bool IsDoneOnHost(const v1::Action& action) {
  return ChangesHost(action) || action.has_sample_call_sites();
}

}  // namespace tcpmedic
