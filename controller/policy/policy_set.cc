#include "controller/policy/policy_set.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "controller/policy/digest.h"
#include "controller/policy/document.h"
#include "controller/policy/policy_document.h"
#include "controller/policy/signature_document.h"
#include "controller/policy/yaml_file.h"

namespace tcpmedic {
namespace {

enum DocumentKind { kSignature = 1, kPolicy = 2 };
constexpr Word kKinds[] = {{"Signature", kSignature}, {"Policy", kPolicy}};
constexpr size_t kRevisionDigits = 12;

// The name of everything that one kind of document declares, with where that was.
using Declarations = std::map<std::string, std::string>;

std::string Digest(absl::Span<const PolicyFile> files) {
  std::string bytes;  // lengths first, so that no two sets of files read the same
  for (const PolicyFile& file : files) {
    absl::StrAppend(&bytes, file.path.size(), ":", file.path, file.content.size(), ":",
                    file.content);
  }
  return Sha256Hex(bytes);
}

std::vector<std::string> Names(const Declarations& declarations) {
  std::vector<std::string> names;
  for (const auto& [name, where] : declarations) names.push_back(name);
  return names;
}

// Collects the documents of all files; what one file says about another is checked at the end.
class Reader {
 public:
  explicit Reader(std::vector<Issue>* issues) : issues_(issues) {}

  void Read(const PolicyFile& policy_file) {
    const YamlFile file(policy_file.path, policy_file.content, issues_);
    for (const YamlNode& root : file.documents()) {
      const std::optional<Document> document = ReadDocument(file, root, kKinds, issues_);
      if (!document.has_value()) continue;
      Declare(file, *document);
      if (document->kind == kSignature) {
        *set_.signatures.add_signatures() = ReadSignature(file, *document, issues_);
        if (const YamlNode* explained_by = document->spec->Find("explained_by")) {
          for (const YamlNode& item : explained_by->items) NoteUse(file, &item, Use::kExplains, {});
        }
      } else {
        set_.policies.push_back(ReadPolicy(file, *document, issues_));
        const v1::Policy& policy = set_.policies.back();
        NoteUse(file, document->spec->Find("signature"), Use::kAnswered, policy);
        if (const YamlNode* leads_to = document->spec->Find("leads_to")) {
          for (const YamlNode& item : leads_to->items) NoteUse(file, &item, Use::kLedTo, policy);
        }
      }
    }
  }

  PolicySet Finish() {
    const Declarations& signatures = declared_[kSignature];
    for (auto& [policy, use, name, issue] : signature_uses_) {
      if (signatures.contains(name)) {
        issue.message = Misfit(policy, use, name);
        if (!issue.message.empty()) issues_->push_back(std::move(issue));
        continue;
      }
      issue.message = absl::StrCat("there is no signature '", name, "'");
      const std::string nearest = NearestName(name, Names(signatures));
      if (!nearest.empty()) issue.hint = absl::StrCat("did you mean '", nearest, "'?");
      issues_->push_back(std::move(issue));
    }
    const auto by_name = [](const auto& a, const auto& b) { return a.name() < b.name(); };
    std::sort(set_.signatures.mutable_signatures()->begin(),
              set_.signatures.mutable_signatures()->end(), by_name);
    std::sort(set_.policies.begin(), set_.policies.end(), by_name);
    return std::move(set_);
  }

 private:
  enum class Use { kAnswered, kLedTo, kExplains };
  struct SignatureUse {
    v1::Policy policy;  // empty of kExplains: a signature names it
    Use use;
    std::string name;
    Issue here;  // without a message
  };

  // A signature that `policy`, or another signature, names. Placed now, while the file is at hand.
  void NoteUse(const YamlFile& file, const YamlNode* name, Use use, const v1::Policy& policy) {
    if (name == nullptr || name->text.empty()) return;  // reported already
    signature_uses_.push_back({policy, use, name->text, file.IssueAt(name->place, /*message=*/"")});
  }

  // Why what the policy changes is not what its signature finds, or cannot lead to it; empty: it is
  // and can.
  std::string Misfit(const v1::Policy& policy, Use use, const std::string& name) const {
    if (use == Use::kExplains) return "";
    if (use == Use::kLedTo) {
      return name == policy.signature() ? absl::StrCat("what is left of '", name,
                                                       "' after the change is not explained "
                                                       "by the change")
                                        : "";
    }
    const auto& all = set_.signatures.signatures();
    const auto signature = std::find_if(
        all.begin(), all.end(), [&](const auto& s) { return s.name() == policy.signature(); });
    if (signature == all.end() || signature->subject() == v1::SUBJECT_UNSPECIFIED) return "";
    const bool of_netns = signature->subject() == v1::SUBJECT_NETNS;
    for (const v1::Action& action : policy.actions()) {
      if (action.has_sample_call_sites() && signature->subject() != v1::SUBJECT_PROCESS) {
        return absl::StrCat("sample_call_sites looks into a process, and '", signature->name(),
                            "' has another subject");
      }
      if (action.has_set_sysctl() && !of_netns) {
        return absl::StrCat("set_sysctl acts on a network namespace, and '", signature->name(),
                            "' has another subject");
      }
      if (action.has_set_congestion_control() && signature->subject() != v1::SUBJECT_SOCKET) {
        const absl::string_view subject = of_netns ? "network namespace"
                                          : signature->subject() == v1::SUBJECT_CONNECTION
                                              ? "connection of a trace"
                                              : "process";
        return absl::StrCat("set_congestion_control acts on sockets, and the subject of '",
                            signature->name(), "' is a ", subject);
      }
    }
    return "";
  }

  void Declare(const YamlFile& file, const Document& document) {
    if (document.name.empty()) return;
    const Issue here = file.IssueAt(document.name_place, "");
    const auto [first, is_new] = declared_[document.kind].emplace(
        document.name, absl::StrCat(here.file, ":", here.position.line));
    if (is_new) return;
    issues_->push_back(file.IssueAt(
        document.name_place,
        absl::StrCat("there is already a ", document.kind == kSignature ? "signature" : "policy",
                     " '", document.name, "', at ", first->second)));
  }

  std::vector<Issue>* issues_;
  PolicySet set_;
  std::map<int, Declarations> declared_;  // by kind of document
  std::vector<SignatureUse> signature_uses_;
};

}  // namespace

std::optional<PolicySet> ParsePolicyFiles(std::vector<PolicyFile> files,
                                          std::vector<Issue>* issues) {
  std::erase_if(files, [](const PolicyFile& file) { return HoldsCases(file.path); });
  std::sort(files.begin(), files.end(),
            [](const PolicyFile& a, const PolicyFile& b) { return a.path < b.path; });

  std::vector<Issue> found;
  Reader reader(&found);
  for (const PolicyFile& file : files) reader.Read(file);
  PolicySet set = reader.Finish();
  if (!found.empty()) {
    SortByPlace(&found);
    std::move(found.begin(), found.end(), std::back_inserter(*issues));
    return std::nullopt;
  }
  set.digest = Digest(files);
  set.revision = absl::StrCat("digest:", set.digest.substr(0, kRevisionDigits));
  set.signatures.set_digest(set.digest);
  set.signatures.set_revision(set.revision);
  return set;
}

absl::StatusOr<PolicySet> LoadPolicyDirectory(const std::string& directory,
                                              std::vector<Issue>* issues) {
  absl::StatusOr<std::vector<PolicyFile>> files = ReadPolicyFiles(directory);
  if (!files.ok()) return files.status();
  std::vector<Issue> found;
  std::optional<PolicySet> set = ParsePolicyFiles(*std::move(files), &found);
  if (set.has_value()) return *std::move(set);

  const absl::Status status =
      absl::InvalidArgumentError(absl::StrCat("read policies in ", directory, ": ", found.size(),
                                              found.size() == 1 ? " mistake" : " mistakes"));
  for (Issue& issue : found) {
    issue.file = absl::StrCat(directory, "/", issue.file);
    issues->push_back(std::move(issue));
  }
  return status;
}

}  // namespace tcpmedic
