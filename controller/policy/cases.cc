#include "controller/policy/cases.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "controller/policy/document.h"
#include "controller/policy/field_reader.h"
#include "controller/policy/yaml_file.h"

namespace tcpmedic {
namespace {

constexpr Word kKinds[] = {{"Cases", 1}};
constexpr absl::Duration kMaxLasts = absl::Hours(1);
constexpr absl::string_view kFindings[] = {"none", "likely", "certain"};

// What the spec says for all its cases, and each case may say otherwise.
void ReadSetting(FieldReader* fields, const YamlFile& file, Case* into,
                 std::vector<Issue>* issues) {
  if (auto interval = fields->Duration("interval", absl::Milliseconds(100), absl::Minutes(1),
                                       Need::kOptional)) {
    into->interval = *interval;
  }
  if (auto lasts = fields->Duration("lasts", absl::Seconds(1), kMaxLasts, Need::kOptional)) {
    into->lasts = *lasts;
  }
  if (const YamlNode* node = fields->Map("host", Need::kOptional)) {
    FieldReader host(file, *node, "'host'", issues);
    if (auto name = host.Text("name", Need::kOptional)) into->host.name = *name;
    if (const YamlNode* labels = host.Map("labels", Need::kOptional)) {
      into->host.labels.clear();
      FieldReader label(file, *labels, "'labels'", issues);
      for (const YamlField& field : labels->fields) {
        if (auto value = label.Text(field.name, Need::kRequired)) {
          into->host.labels[field.name] = *value;
        }
      }
    }
    host.RejectOthers();
  }
  if (const YamlNode* socket = fields->Map("socket", Need::kOptional)) {
    ReadSocketScript(file, *socket, &into->socket, issues);
  }
  if (const YamlNode* netns = fields->Map("netns", Need::kOptional)) {
    if (!into->netns.has_value()) into->netns.emplace();
    ReadNetnsScript(file, *netns, &*into->netns, issues);
  }
  if (const YamlNode* process = fields->Map("process", Need::kOptional)) {
    if (!into->process.has_value()) into->process.emplace();
    ReadProcessScript(file, *process, &*into->process, issues);
  }
}

void ReadExpect(const YamlFile& file, const YamlNode& node, Case* into,
                std::vector<Issue>* issues) {
  FieldReader fields(file, node, "'expect'", issues);
  std::vector<Word> words;
  for (size_t i = 0; i < std::size(kFindings); ++i)
    words.push_back({kFindings[i], static_cast<int>(i)});
  const std::optional<int> finding = fields.OneOf("finding", words, Need::kRequired);
  if (finding.has_value()) into->expect.finding = std::string(kFindings[*finding]);
  into->expect.stopped_by = fields.Text("stopped_by", Need::kOptional);
  into->expect.not_shown = fields.Texts("not_shown", Need::kOptional);
  into->expect.policy = fields.Text("policy", Need::kOptional);
  into->expect.action = fields.Text("action", Need::kOptional);
  into->within = fields.Duration("within", absl::ZeroDuration(), kMaxLasts, Need::kOptional);
  fields.RejectOthers();

  const bool silent = finding == 0;
  if (silent &&
      (into->expect.not_shown || into->expect.policy || into->expect.action || into->within)) {
    fields.Complain("without a finding there is nothing else to expect but 'stopped_by'");
  }
  if (!silent && into->expect.stopped_by) {
    fields.Complain("'stopped_by' is for cases that expect no finding");
  }
}

void ReadDocumentOfCases(const YamlFile& file, const Document& document, std::vector<Case>* cases,
                         std::vector<Issue>* issues) {
  FieldReader spec(file, *document.spec, "a spec of cases", issues);
  Case common;
  common.host.name = "host";
  common.interval = absl::Seconds(1);
  common.lasts = absl::Seconds(15);
  common.socket.still.key.cookie = 1;
  common.signature = spec.Text("signature", Need::kRequired).value_or("");
  ReadSetting(&spec, file, &common, issues);

  const YamlNode* list = spec.Sequence("cases", Need::kRequired);
  spec.RejectOthers();
  if (list == nullptr) return;
  for (const YamlNode& item : list->items) {
    Case one = common;
    FieldReader fields(file, item, "a case", issues);
    const Issue here = file.IssueAt(item.place, "");
    one.file = here.file;
    one.line = here.position.line;
    one.name = fields.Text("name", Need::kRequired).value_or("");
    ReadSetting(&fields, file, &one, issues);
    if (const YamlNode* expect = fields.Map("expect", Need::kRequired)) {
      ReadExpect(file, *expect, &one, issues);
    }
    fields.RejectOthers();
    cases->push_back(std::move(one));
  }
}

}  // namespace

std::optional<std::vector<Case>> ParseCases(absl::Span<const PolicyFile> files,
                                            std::vector<Issue>* issues) {
  std::vector<Issue> found;
  std::vector<Case> cases;
  for (const PolicyFile& policy_file : files) {
    if (!HoldsCases(policy_file.path)) continue;
    const YamlFile file(policy_file.path, policy_file.content, &found);
    for (const YamlNode& root : file.documents()) {
      const std::optional<Document> document = ReadDocument(file, root, kKinds, &found);
      if (document.has_value()) ReadDocumentOfCases(file, *document, &cases, &found);
    }
  }
  if (found.empty()) return cases;
  SortByPlace(&found);
  std::move(found.begin(), found.end(), std::back_inserter(*issues));
  return std::nullopt;
}

}  // namespace tcpmedic
