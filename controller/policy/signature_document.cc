#include "controller/policy/signature_document.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
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
constexpr Word kSubjects[] = {{"socket", v1::SUBJECT_SOCKET},
                              {"process", v1::SUBJECT_PROCESS},
                              {"netns", v1::SUBJECT_NETNS},
                              {"connection", v1::SUBJECT_CONNECTION}};

// Against slips such as 5h for 5s; what an engine can hold is the compiler's to say.
constexpr absl::Duration kMaxDuration = absl::Hours(24);

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

// What a compiler's message is about: it begins with the field, "unless.reordering: …". Of a list,
// the item that it quotes.
const YamlNode* FieldOf(const YamlNode& spec, absl::string_view message) {
  const absl::string_view path = message.substr(0, message.find(": "));
  const YamlNode* node = spec.Find(path);
  if (const size_t dot = path.find('.'); node == nullptr && dot != path.npos) {
    const YamlNode* parent = spec.Find(path.substr(0, dot));
    if (parent != nullptr) node = parent->Find(path.substr(dot + 1));
  }
  if (node == nullptr) return &spec;
  for (const YamlNode& item : node->items) {
    if (absl::StrContains(message, absl::StrCat("'", item.text, "'"))) return &item;
  }
  return node;
}

// Whether the field that the message is about could be read: if not, that has been said, and the
// compiler only complains of its absence.
bool IsOfReadField(const v1::Signature& signature, absl::string_view message) {
  const absl::string_view field = message.substr(0, message.find(": "));
  if (field == "sockets") return !signature.sockets().empty();
  if (field == "subject") return signature.subject() != v1::SUBJECT_UNSPECIFIED;
  if (field == "group_by") return !signature.group_by().empty();
  if (field == "when") return !signature.when().empty();
  if (field == "window") return signature.has_window();
  if (field == "verdict") return !signature.verdict().empty();
  return true;
}

void Compile(const YamlFile& file, const YamlNode& spec, const v1::Signature& signature,
             std::vector<Issue>* issues) {
  std::vector<Issue> within;
  CompileSignature(signature, &within);
  for (Issue& issue : within) {
    if (!IsOfReadField(signature, issue.message)) continue;
    const YamlNode* field = FieldOf(spec, issue.message);
    if (field->kind == YamlNode::Kind::kScalar && issue.position.line > 0) {
      issues->push_back(file.IssueWithin(*field, std::move(issue)));
    } else {
      const YamlPlace place = field->kind == YamlNode::Kind::kScalar ? field->place : field->name;
      issues->push_back(file.IssueAt(place, std::move(issue.message), std::move(issue.hint)));
    }
  }
}

}  // namespace

v1::Signature ReadSignature(const YamlFile& file, const Document& document,
                            std::vector<Issue>* issues) {
  v1::Signature signature;
  signature.set_name(document.name);

  FieldReader spec(file, *document.spec, "a signature's spec", issues);
  signature.set_title(spec.Text("title", Need::kRequired).value_or(""));
  signature.set_severity(
      static_cast<v1::Severity>(spec.OneOf("severity", kSeverities, Need::kRequired).value_or(0)));
  signature.set_subject(
      static_cast<v1::Subject>(spec.OneOf("subject", kSubjects, Need::kRequired).value_or(0)));
  // Of a namespace or a connection, `when` is the whole condition.
  const bool of_netns = signature.subject() == v1::SUBJECT_NETNS;
  const bool of_connection = signature.subject() == v1::SUBJECT_CONNECTION;
  if (!of_netns && !of_connection) {
    signature.set_sockets(spec.Text("sockets", Need::kRequired).value_or(""));
  } else if (const YamlNode* sockets = spec.Any("sockets", Need::kOptional)) {
    spec.Complain(*sockets,
                  absl::StrCat("a signature of ", of_netns ? "namespaces" : "connections",
                               " has no 'sockets'"),
                  "its whole condition is 'when'");
  }
  if (const YamlNode* unless = spec.Map("unless", Need::kOptional)) {
    ReadUnless(file, *unless, &signature, issues);
  }
  for (std::string& attribute :
       spec.Texts("group_by", Need::kRequired).value_or(std::vector<std::string>())) {
    signature.add_group_by(std::move(attribute));
  }
  const Need when = signature.subject() == v1::SUBJECT_SOCKET ? Need::kOptional : Need::kRequired;
  signature.set_when(spec.Text("when", when).value_or(""));
  if (auto time = spec.WireDuration("for", absl::ZeroDuration(), kMaxDuration, Need::kOptional)) {
    *signature.mutable_for_() = *time;
  }
  // A trace is looked at as a whole.
  const Need window = of_connection ? Need::kOptional : Need::kRequired;
  if (auto time = spec.WireDuration("window", absl::Seconds(1), kMaxDuration, window)) {
    *signature.mutable_window() = *time;
  }
  if (auto time = spec.WireDuration("keep_firing_for", absl::ZeroDuration(), kMaxDuration,
                                    Need::kOptional)) {
    *signature.mutable_keep_firing_for() = *time;
  }
  signature.set_verdict(spec.Text("verdict", Need::kRequired).value_or(""));
  signature.set_advice(spec.Text("advice", Need::kRequired).value_or(""));
  signature.set_disproof(spec.Text("disproof", Need::kOptional).value_or(""));
  if (const YamlNode* node = spec.Map("one_sample", Need::kOptional)) {
    FieldReader one_sample(file, *node, "'one_sample'", issues);
    signature.mutable_one_sample()->set_when(one_sample.Text("when", Need::kOptional).value_or(""));
    signature.mutable_one_sample()->set_verdict(
        one_sample.Text("verdict", Need::kOptional).value_or(""));
    one_sample.RejectOthers();
  }
  for (std::string& other :
       spec.Texts("explained_by", Need::kOptional).value_or(std::vector<std::string>())) {
    signature.add_explained_by(std::move(other));
  }
  spec.RejectOthers();

  Compile(file, *document.spec, signature, issues);
  return signature;
}

}  // namespace tcpmedic
