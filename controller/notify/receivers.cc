#include "controller/notify/receivers.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "controller/policy/field_reader.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kMinRepeat = absl::Seconds(1);
constexpr absl::Duration kMaxRepeat = absl::Hours(1);
constexpr char kAlertsPath[] = "/api/v2/alerts";

// "127.0.0.1:9093" of "http://127.0.0.1:9093/x"; empty: it is no such URL.
std::string AuthorityOf(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "http://") && !absl::ConsumePrefix(&url, "https://")) return "";
  return std::string(url.substr(0, url.find_first_of("/?#")));
}

bool IsLoopback(absl::string_view authority) {
  if (absl::StartsWith(authority, "[")) return absl::StartsWith(authority, "[::1]");
  const absl::string_view host = authority.substr(0, authority.find(':'));
  return host == "localhost" || absl::StartsWith(host, "127.");
}

void ReadUrl(FieldReader* fields, Receiver* receiver) {
  const YamlNode* node = fields->Scalar("url", Need::kRequired);
  if (node == nullptr) return;
  const std::string authority = AuthorityOf(node->text);
  const bool printable = std::all_of(node->text.begin(), node->text.end(),
                                     [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (authority.empty() || authority[0] == ':' || !printable) {
    fields->Complain(*node, absl::StrCat("'", node->text, "' is not an http or https URL"),
                     "for example http://127.0.0.1:9093");
    return;
  }
  if (absl::StrContains(authority, '@')) {
    fields->Complain(*node, "a URL must not hold a password",
                     "put a token into a file of its own, and name that: bearer_token_file");
    return;
  }
  receiver->url = node->text;
  if (receiver->kind != Receiver::Kind::kAlertmanager) return;
  if (node->text.find_first_of("?#") != std::string::npos) {
    fields->Complain(*node, absl::StrCat("an Alertmanager's URL ends before ", kAlertsPath,
                                         ", without a query"));
  }
  while (absl::EndsWith(receiver->url, "/")) receiver->url.pop_back();
  receiver->url = std::string(absl::StripSuffix(receiver->url, kAlertsPath));
  absl::StrAppend(&receiver->url, kAlertsPath);
}

std::string ReadPath(FieldReader* fields, absl::string_view name) {
  const YamlNode* node = fields->Scalar(name, Need::kOptional);
  if (node == nullptr) return "";
  if (!absl::StartsWith(node->text, "/")) {
    fields->Complain(*node, absl::StrCat("'", node->text, "' must be an absolute path"));
  }
  return node->text;
}

void ReadHttp(const YamlFile& file, const YamlNode& node, absl::string_view what,
              Receiver* receiver, std::vector<Issue>* issues) {
  FieldReader fields(file, node, what, issues);
  ReadUrl(&fields, receiver);
  receiver->bearer_token_file = ReadPath(&fields, "bearer_token_file");
  receiver->ca_file = ReadPath(&fields, "ca_file");
  if (receiver->kind == Receiver::Kind::kAlertmanager) {
    receiver->repeat_every =
        fields.Duration("repeat_every", kMinRepeat, kMaxRepeat, Need::kOptional)
            .value_or(kDefaultRepeat);
  }
  fields.RejectOthers();
  if (receiver->bearer_token_file.empty() || !absl::StartsWith(receiver->url, "http://") ||
      IsLoopback(AuthorityOf(receiver->url))) {
    return;
  }
  fields.Complain(*node.Find("url"), "a token would go over the network in clear text",
                  "use https, or leave bearer_token_file out");
}

Receiver ReadReceiver(const YamlFile& file, const YamlNode& node, std::vector<Issue>* issues) {
  using Kind = Receiver::Kind;
  Receiver receiver;
  FieldReader fields(file, node, "a receiver", issues);
  if (const YamlNode* name = fields.Scalar("name", Need::kRequired)) {
    receiver.name = name->text;
    if (!IsResourceName(receiver.name)) {
      fields.Complain(*name, absl::StrCat("'", receiver.name, "' cannot be a receiver's name"),
                      "lower-case letters, digits and dashes, at most 63");
    }
  }
  int kinds = 0;
  if (const YamlNode* alertmanager = fields.Map("alertmanager", Need::kOptional)) {
    ++kinds;
    receiver.kind = Kind::kAlertmanager;
    ReadHttp(file, *alertmanager, "alertmanager", &receiver, issues);
  }
  if (const YamlNode* webhook = fields.Map("webhook", Need::kOptional)) {
    ++kinds;
    receiver.kind = Kind::kWebhook;
    ReadHttp(file, *webhook, "webhook", &receiver, issues);
  }
  if (const YamlNode* journald = fields.Map("journald", Need::kOptional)) {
    ++kinds;
    receiver.kind = Kind::kJournald;
    FieldReader(file, *journald, "journald", issues).RejectOthers();
  }
  fields.RejectOthers();
  const bool one_is_there = node.Find("alertmanager") != nullptr ||
                            node.Find("webhook") != nullptr || node.Find("journald") != nullptr;
  // What is there and wrong has been reported.
  if (node.kind == YamlNode::Kind::kMap && (kinds > 1 || !one_is_there)) {
    fields.Complain("a receiver is exactly one of alertmanager, webhook and journald");
  }
  return receiver;
}

}  // namespace

std::vector<Receiver> ReadReceivers(const YamlFile& file, const YamlNode& sequence,
                                    std::vector<Issue>* issues) {
  std::vector<Receiver> receivers;
  std::set<std::string> names;
  for (const YamlNode& item : sequence.items) {
    receivers.push_back(ReadReceiver(file, item, issues));
    const std::string& name = receivers.back().name;
    if (!name.empty() && !names.insert(name).second) {
      issues->push_back(file.IssueAt(item.Find("name")->place,
                                     absl::StrCat("there are two receivers '", name, "'"),
                                     "give each a name of its own"));
    }
  }
  if (receivers.size() > kMaxReceivers) {
    issues->push_back(file.IssueAt(sequence.place,
                                   absl::StrCat("more than ", kMaxReceivers, " receivers"),
                                   "an Alertmanager passes alerts on to any number of people"));
  }
  return receivers;
}

Issue UnknownReceiver(const std::string& name, const std::vector<std::string>& known) {
  Issue issue;
  issue.message = absl::StrCat("no receiver '", name, "' is configured");
  const std::string nearest = NearestName(name, known);
  if (!nearest.empty()) {
    issue.hint = absl::StrCat("did you mean '", nearest, "'?");
  } else if (known.empty()) {
    issue.hint = "name it under `receivers` in the controller's configuration";
  } else {
    issue.hint = absl::StrCat("configured: ", absl::StrJoin(known, ", "));
  }
  return issue;
}

std::vector<Issue> UnknownReceivers(const std::vector<v1::Policy>& policies,
                                    const std::vector<Receiver>& receivers) {
  std::vector<std::string> known;
  for (const Receiver& receiver : receivers) known.push_back(receiver.name);
  std::vector<Issue> issues;
  for (const v1::Policy& policy : policies) {
    std::vector<std::string> named(policy.notify().begin(), policy.notify().end());
    for (const v1::Action& action : policy.actions()) {
      named.insert(named.end(), action.raise_alert().receivers().begin(),
                   action.raise_alert().receivers().end());
    }
    std::set<std::string> told;
    for (const std::string& name : named) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      if (!told.insert(name).second) continue;
      Issue issue = UnknownReceiver(name, known);
      issue.message = absl::StrCat("policy ", policy.name(), ": ", issue.message);
      issues.push_back(std::move(issue));
    }
  }
  return issues;
}

}  // namespace tcpmedic
