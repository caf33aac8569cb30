#include "controller/policy/signature_document.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/policy/field_reader.h"
#include "diagnosis/signature.h"

namespace tcpmedic {
namespace {

constexpr Word kSeverities[] = {{"info", v1::SEVERITY_INFO},
                                {"warning", v1::SEVERITY_WARNING},
                                {"critical", v1::SEVERITY_CRITICAL}};
constexpr Word kSubjects[] = {
    {"socket", v1::SUBJECT_SOCKET}, {"process", v1::SUBJECT_PROCESS}, {"netns", v1::SUBJECT_NETNS}};

// An agent keeps samples over the whole window, so it is bounded.
constexpr absl::Duration kMaxWindow = absl::Minutes(10);
constexpr absl::Duration kMaxFor = absl::Hours(1);

void ReadUnless(const YamlFile& file, const YamlNode& unless, v1::Signature* signature,
                std::vector<Issue>* issues) {
  FieldReader look_alikes(file, unless, "'unless'", issues);
  for (const YamlField& field : unless.fields) {
    if (!IsResourceName(field.name)) {
      issues->push_back(file.IssueAt(field.value.name,
                                     absl::StrCat("'", field.name, "' cannot be a name"),
                                     "lower-case letters, digits and dashes, at most 63"));
    }
    if (std::optional<std::string> text = look_alikes.Text(field.name, Need::kRequired)) {
      v1::NamedExpression* look_alike = signature->add_unless();
      look_alike->set_name(field.name);
      look_alike->set_expression(*std::move(text));
    }
  }
}

// The node that a compiler's message is about: it begins with the field, "unless.reordering: …".
const YamlNode* FieldOf(const YamlNode& spec, absl::string_view message) {
  const absl::string_view path = message.substr(0, message.find(": "));
  const YamlNode* node = spec.Find(path);
  if (const size_t dot = path.find('.'); node == nullptr && dot != path.npos) {
    const YamlNode* parent = spec.Find(path.substr(0, dot));
    if (parent != nullptr) node = parent->Find(path.substr(dot + 1));
  }
  return node;
}

void Compile(const YamlFile& file, const YamlNode& spec, const v1::Signature& signature,
             std::vector<Issue>* issues) {
  std::vector<Issue> within;
  CompileSignature(signature, &within);
  for (Issue& issue : within) {
    const YamlNode* field = FieldOf(spec, issue.message);
    if (field != nullptr && field->kind == YamlNode::Kind::kScalar) {
      issues->push_back(file.IssueWithin(*field, std::move(issue)));
    } else {
      issues->push_back(file.IssueAt((field != nullptr ? *field : spec).name,
                                     std::move(issue.message), std::move(issue.hint)));
    }
  }
}

}  // namespace

v1::Signature ReadSignature(const YamlFile& file, const Document& document,
                            std::vector<Issue>* issues) {
  const size_t issues_before = issues->size();
  v1::Signature signature;
  signature.set_name(document.name);

  FieldReader spec(file, *document.spec, "a signature's spec", issues);
  signature.set_title(spec.Text("title", Need::kRequired).value_or(""));
  signature.set_severity(
      static_cast<v1::Severity>(spec.OneOf("severity", kSeverities, Need::kRequired).value_or(0)));
  signature.set_subject(
      static_cast<v1::Subject>(spec.OneOf("subject", kSubjects, Need::kRequired).value_or(0)));
  signature.set_sockets(spec.Text("sockets", Need::kRequired).value_or(""));
  if (const YamlNode* unless = spec.Map("unless", Need::kOptional)) {
    ReadUnless(file, *unless, &signature, issues);
  }
  for (std::string& attribute :
       spec.Texts("group_by", Need::kRequired).value_or(std::vector<std::string>())) {
    signature.add_group_by(std::move(attribute));
  }
  signature.set_when(spec.Text("when", Need::kOptional).value_or(""));
  if (auto time = spec.WireDuration("for", absl::ZeroDuration(), kMaxFor, Need::kOptional)) {
    *signature.mutable_for_() = *time;
  }
  if (auto time = spec.WireDuration("window", absl::Seconds(1), kMaxWindow, Need::kRequired)) {
    *signature.mutable_window() = *time;
  }
  if (auto time =
          spec.WireDuration("keep_firing_for", absl::ZeroDuration(), kMaxFor, Need::kOptional)) {
    *signature.mutable_keep_firing_for() = *time;
  }
  signature.set_verdict(spec.Text("verdict", Need::kRequired).value_or(""));
  signature.set_advice(spec.Text("advice", Need::kRequired).value_or(""));
  signature.set_disproof(spec.Text("disproof", Need::kOptional).value_or(""));
  spec.RejectOthers();

  // The compiler would repeat what is missing; misspelt fields come first.
  const bool complete = !signature.sockets().empty() && !signature.verdict().empty() &&
                        signature.subject() != v1::SUBJECT_UNSPECIFIED;
  if (complete || issues->size() == issues_before) Compile(file, *document.spec, signature, issues);
  return signature;
}

}  // namespace tcpmedic
