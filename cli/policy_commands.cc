// tcpmedic policy status | check | test. Status asks the controller; check and test read files and
// need none, so that an author, or a CI, knows before a controller does.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/operator_client.h"
#include "cli/render/lists.h"
#include "cli/shipped_policies.h"
#include "controller/policy/cases.h"
#include "controller/policy/policy_files.h"
#include "controller/policy/policy_set.h"
#include "controller/policy/run_case.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

struct Directory {
  std::string path;
  std::optional<PolicySet> policies;       // none: there are issues
  std::optional<std::vector<Case>> cases;  // likewise
  std::vector<Issue> issues;               // of all files

  bool whole() const { return issues.empty(); }
};

// Places are of the files as an editor opens them, not relative to the directory. NotFound also
// where it holds no policy file: then it is not the directory that was meant.
absl::StatusOr<Directory> ReadDirectory(const std::string& path) {
  absl::StatusOr<std::vector<PolicyFile>> files = ReadPolicyFiles(path);
  if (!files.ok()) return files.status();
  if (files->empty()) {
    return absl::NotFoundError(absl::StrCat("there is no policy file (*.yaml) in ", path));
  }
  Directory directory;
  directory.path = path;
  directory.policies = ParsePolicyFiles(*files, &directory.issues);
  directory.cases = ParseCases(*files, &directory.issues);
  SortByPlace(&directory.issues);
  const std::filesystem::path root = path;
  for (Issue& issue : directory.issues) issue.file = (root / issue.file).string();
  if (directory.cases.has_value()) {
    for (Case& test : *directory.cases) test.file = (root / test.file).string();
  }
  return directory;
}

std::string Counted(size_t count, absl::string_view one, absl::string_view several) {
  return absl::StrCat(count, " ", count == 1 ? one : several);
}

// Text that quotes files, line by line, harmless to the terminal.
std::string Quoted(absl::string_view text) {
  std::string safe;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&safe, Escaped(line), "\n");
  }
  return safe;
}

std::string RenderIssues(const Directory& directory, const Style& style) {
  return absl::StrCat(Quoted(Format(directory.issues)),
                      Painted(style, Paint::kRed,
                              absl::StrCat(Counted(directory.issues.size(), "mistake", "mistakes"),
                                           " in ", Escaped(directory.path))),
                      "\n");
}

ordered_json IssuesJson(const std::vector<Issue>& issues) {
  ordered_json list = ordered_json::array();
  for (const Issue& issue : issues) {
    ordered_json json = {{"file", issue.file}, {"line", nullptr},          {"column", nullptr},
                         {"length", nullptr},  {"message", issue.message}, {"hint", nullptr}};
    if (issue.position.line > 0) {
      json["line"] = issue.position.line;
      json["column"] = issue.position.column;
      json["length"] = issue.length;
    }
    if (!issue.hint.empty()) json["hint"] = issue.hint;
    list.push_back(std::move(json));
  }
  return list;
}

// What both commands say of the directory.
ordered_json DirectoryJson(const Directory& directory) {
  ordered_json json = {{"directory", directory.path}, {"revision", nullptr}, {"digest", nullptr}};
  if (directory.policies.has_value()) {
    json["revision"] = directory.policies->revision;
    json["digest"] = directory.policies->digest;
  }
  return json;
}

// ---- check

ordered_json CheckJson(const Directory& directory) {
  ordered_json json = DirectoryJson(directory);
  json["signatures"] = ordered_json::array();
  json["policies"] = ordered_json::array();
  if (directory.policies.has_value()) {
    for (const v1::Signature& signature : directory.policies->signatures.signatures()) {
      json["signatures"].push_back(signature.name());
    }
    for (const v1::Policy& policy : directory.policies->policies) {
      json["policies"].push_back(policy.name());
    }
  }
  json["cases"] = nullptr;
  if (directory.cases.has_value()) json["cases"] = directory.cases->size();
  json["issues"] = IssuesJson(directory.issues);
  return json;
}

std::string RenderCheck(const Directory& directory, const Style& style) {
  if (!directory.whole()) return RenderIssues(directory, style);
  const PolicySet& policies = *directory.policies;
  return absl::StrCat("No mistakes in ", Escaped(directory.path), ": ",
                      Counted(policies.signatures.signatures_size(), "signature", "signatures"),
                      ", ", Counted(policies.policies.size(), "policy", "policies"), ", ",
                      Counted(directory.cases->size(), "case", "cases"), ", revision ",
                      policies.revision, "\n");
}

int Check(const Invocation& invocation, const std::string& path) {
  const absl::StatusOr<Directory> directory = ReadDirectory(path);
  if (!directory.ok()) return Fail(invocation, directory.status());
  Print(invocation.json ? PrintJson(CheckJson(*directory))
                        : RenderCheck(*directory, StyleOf(invocation)));
  return directory->whole() ? kDone : kFailed;
}

// ---- test

struct TestRun {
  const Case* test;
  std::string difference;  // empty: passed
};

std::vector<TestRun> RunCases(const Directory& directory) {
  std::vector<TestRun> runs;
  for (const Case& test : *directory.cases) {
    const absl::StatusOr<CaseRun> run = RunCase(*directory.policies, test);
    runs.push_back({&test, run.ok() ? run->difference : std::string(run.status().message())});
  }
  return runs;
}

size_t Failures(const std::vector<TestRun>& runs) {
  return std::count_if(runs.begin(), runs.end(),
                       [](const TestRun& run) { return !run.difference.empty(); });
}

ordered_json TestJson(const Directory& directory, const std::vector<TestRun>& runs) {
  ordered_json json = DirectoryJson(directory);
  json["passed"] = runs.size() - Failures(runs);
  json["failed"] = Failures(runs);
  json["cases"] = ordered_json::array();
  for (const TestRun& run : runs) {
    ordered_json test = {{"file", run.test->file},           {"line", run.test->line},
                         {"signature", run.test->signature}, {"name", run.test->name},
                         {"passed", run.difference.empty()}, {"difference", nullptr}};
    if (!run.difference.empty()) test["difference"] = run.difference;
    json["cases"].push_back(std::move(test));
  }
  json["issues"] = IssuesJson(directory.issues);
  return json;
}

std::string RenderTest(const Directory& directory, const std::vector<TestRun>& runs,
                       const Style& style) {
  if (!directory.whole()) return RenderIssues(directory, style);
  std::string text;
  for (const TestRun& run : runs) {
    if (run.difference.empty()) continue;
    absl::StrAppend(&text, Quoted(absl::StripSuffix(run.difference, "\n")));
  }
  const size_t failed = Failures(runs);
  const std::string verdict =
      absl::StrCat(Counted(runs.size() - failed, "case", "cases"), " passed, ", failed, " failed");
  return absl::StrCat(text, Painted(style, failed == 0 ? Paint::kGreen : Paint::kRed, verdict),
                      "\n");
}

int Test(const Invocation& invocation, const std::string& path) {
  const absl::StatusOr<Directory> directory = ReadDirectory(path);
  if (!directory.ok()) return Fail(invocation, directory.status());
  const std::vector<TestRun> runs =
      directory->whole() ? RunCases(*directory) : std::vector<TestRun>();
  Print(invocation.json ? PrintJson(TestJson(*directory, runs))
                        : RenderTest(*directory, runs, StyleOf(invocation)));
  return directory->whole() && Failures(runs) == 0 ? kDone : kFailed;
}

// ---- status

int Status(const Invocation& invocation) {
  const absl::StatusOr<v1::PolicyStatus> status =
      OperatorClient(invocation.controller).GetPolicyStatus();
  if (!status.ok()) return Fail(invocation, status.status());
  Print(invocation.json ? PrintJson(ToJson(*status))
                        : RenderPolicyStatus(*status, absl::Now(), StyleOf(invocation)));
  return kDone;
}

void AddOnDirectory(CLI::App& policy, Invocation& invocation, const std::string& name,
                    const std::string& description,
                    int (*run)(const Invocation&, const std::string&)) {
  const auto path = std::make_shared<std::string>();
  CLI::App* const command = policy.add_subcommand(name, description);
  command
      ->add_option("directory", *path, "The policy files (default: those that came with tcpmedic)")
      ->check(CLI::ExistingDirectory)
      ->type_name("DIR");
  command->callback([&invocation, path, run] {
    invocation.exit_code = run(invocation, path->empty() ? ShippedPolicies() : *path);
  });
}

}  // namespace

void AddPolicyCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* const policy = app.add_subcommand("policy", "The policy files");
  policy->require_subcommand(1);
  policy->add_subcommand("status", "Which revision is in force, and what is wrong with a newer one")
      ->callback([&invocation] { invocation.exit_code = Status(invocation); });
  AddOnDirectory(*policy, invocation, "check", "All mistakes in policy files, where they stand",
                 Check);
  AddOnDirectory(*policy, invocation, "test", "Run the cases that lie beside the policy files",
                 Test);
}

}  // namespace tcpmedic::cli
