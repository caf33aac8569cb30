#include "controller/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/policy/field_reader.h"
#include "controller/policy/yaml_file.h"

namespace tcpmedic {
namespace {

using LogFormat = controller_log::Format;
using LogLevel = controller_log::Level;

constexpr int kMaxRetentionDays = 3650;
constexpr Word kFormats[] = {{"text", static_cast<int>(LogFormat::kText)},
                             {"json", static_cast<int>(LogFormat::kJson)}};
constexpr Word kLevels[] = {{"debug", static_cast<int>(LogLevel::kDebug)},
                            {"info", static_cast<int>(LogLevel::kInfo)},
                            {"warning", static_cast<int>(LogLevel::kWarning)},
                            {"error", static_cast<int>(LogLevel::kError)}};

template <typename T>
void SetIf(const std::optional<T>& value, T* target) {
  if (value.has_value()) *target = *value;
}

void ReadLabels(const YamlFile& file, const YamlField& host, ControllerConfig* config,
                std::vector<Issue>* issues) {
  const std::string what = absl::StrCat("host ", host.name);
  FieldReader reader(file, host.value, what, issues);
  const YamlNode* labels = reader.Map("labels", Need::kOptional);
  reader.RejectOthers();
  std::map<std::string, std::string>& of_host = config->host_labels[host.name];
  if (labels == nullptr) return;
  for (const YamlField& label : labels->fields) {
    if (label.value.kind == YamlNode::Kind::kScalar) {
      of_host[label.name] = label.value.text;
    } else {
      reader.Complain(label.value, absl::StrCat("label '", label.name, "' must be one word"));
    }
  }
}

std::vector<std::string> TextsOf(absl::Span<const Word> words) {
  std::vector<std::string> texts;
  for (const Word& word : words) texts.emplace_back(word.text);
  return texts;
}

// Of a text that is one of the words.
template <typename T>
std::optional<T> Meaning(absl::Span<const Word> words, const std::optional<std::string>& text) {
  for (const Word& word : words) {
    if (text == word.text) return static_cast<T>(word.value);
  }
  return std::nullopt;
}

}  // namespace

bool ApplyConfigFile(std::string yaml, std::string path, ControllerConfig* config,
                     std::vector<Issue>* issues) {
  const size_t issues_before = issues->size();
  const YamlFile file(std::move(path), std::move(yaml), issues);
  if (issues->size() > issues_before) return false;
  if (file.documents().empty()) return true;
  if (file.documents().size() > 1) {
    issues->push_back(file.IssueAt(file.documents()[1].place, "a second document",
                                   "write all settings into the first"));
    return false;
  }
  FieldReader reader(file, file.documents().front(), "the controller's configuration", issues);
  SetIf(reader.Text("runtime_dir", Need::kOptional), &config->runtime_dir);
  SetIf(reader.Text("state_dir", Need::kOptional), &config->state_dir);
  SetIf(reader.Text("policies", Need::kOptional), &config->policies);
  if (auto days = reader.Integer("retention_days", 1, kMaxRetentionDays, Need::kOptional)) {
    config->retention_days = static_cast<int>(*days);
  }
  if (auto format = reader.OneOf("log", kFormats, Need::kOptional)) {
    config->log = static_cast<LogFormat>(*format);
  }
  if (auto level = reader.OneOf("log_level", kLevels, Need::kOptional)) {
    config->log_level = static_cast<LogLevel>(*level);
  }
  if (const YamlNode* hosts = reader.Map("hosts", Need::kOptional)) {
    for (const YamlField& host : hosts->fields) ReadLabels(file, host, config, issues);
  }
  if (const YamlNode* receivers = reader.Sequence("receivers", Need::kOptional)) {
    config->receivers = ReadReceivers(file, *receivers, issues);
  }
  reader.RejectOthers();
  std::stable_sort(
      issues->begin() + issues_before, issues->end(),
      [](const Issue& a, const Issue& b) { return a.position.line < b.position.line; });
  return issues->size() == issues_before;
}

ControllerCommandLine ParseControllerCommandLine(int argc, const char* const* argv,
                                                 const std::string& version) {
  ControllerCommandLine flags;
  CLI::App app("Keeps incidents and proposals of a fleet: agents report to it, operators ask it.",
               "tcpmedic-controller");
  app.set_version_flag("--version", absl::StrCat("tcpmedic-controller ", version));
  app.add_option("--config", flags.config_file,
                 absl::StrCat("configuration file (", kDefaultControllerConfig, ")"))
      ->type_name("FILE");
  app.add_option("--runtime-dir", flags.runtime_dir, "where the two sockets are")->type_name("DIR");
  app.add_option("--state-dir", flags.state_dir, "where the database is")->type_name("DIR");
  app.add_option("--policies", flags.policies, "signatures and policies")->type_name("DIR");
  app.add_option("--retention-days", flags.retention_days,
                 "how long closed incidents and the audit log are kept (90)")
      ->check(CLI::Range(1, kMaxRetentionDays))
      ->option_text("DAYS");
  std::optional<std::string> log, log_level;
  app.add_option("--log", log, "text or json")
      ->check(CLI::IsMember(TextsOf(kFormats)))
      ->option_text("FORMAT");
  app.add_option("--log-level", log_level, "debug, info, warning or error")
      ->check(CLI::IsMember(TextsOf(kLevels)))
      ->option_text("LEVEL");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    std::ostringstream out, error;
    flags.exit_code = app.exit(end, out, error) == 0 ? 0 : 2;
    flags.text = absl::StrCat(out.str(), error.str());
  }
  flags.log = Meaning<LogFormat>(kFormats, log);
  flags.log_level = Meaning<LogLevel>(kLevels, log_level);
  return flags;
}

void ApplyFlags(const ControllerCommandLine& flags, ControllerConfig* config) {
  SetIf(flags.runtime_dir, &config->runtime_dir);
  SetIf(flags.state_dir, &config->state_dir);
  SetIf(flags.policies, &config->policies);
  SetIf(flags.retention_days, &config->retention_days);
  SetIf(flags.log, &config->log);
  SetIf(flags.log_level, &config->log_level);
}

}  // namespace tcpmedic
