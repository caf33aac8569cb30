#include "agent/config.h"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/file_issues.h"
#include "core/ip_address.h"
#include "core/units.h"

namespace tcpmedic {
namespace {

// Each reader sets its field, or says in one sentence what it wants instead. Empty: fine.
using Reader = std::string (*)(absl::string_view value, AgentConfig* config);

std::string ReadController(absl::string_view value, AgentConfig* config) {
  if (!absl::StartsWith(value, "unix:") || value.size() == 5) {
    return "wants unix:PATH; TCP is refused until there is mutual TLS";
  }
  config->controller = std::string(value);
  return "";
}

bool IsGraph(char c) { return c > 0x20 && c < 0x7f; }

std::string ReadHost(absl::string_view value, AgentConfig* config) {
  // 255: the longest domain name.
  if (value.empty() || value.size() > 255 || !std::all_of(value.begin(), value.end(), IsGraph)) {
    return "wants a name of 1 to 255 printable ASCII characters without spaces";
  }
  config->host = std::string(value);
  return "";
}

std::string ReadInterval(absl::string_view value, AgentConfig* config) {
  absl::Duration interval;
  if (!absl::ParseDuration(value, &interval) || interval < absl::Milliseconds(100) ||
      interval > absl::Seconds(60)) {
    return "wants a duration between 100ms and 60s, such as 1s";
  }
  config->interval = interval;
  return "";
}

std::string ReadCpuBudget(absl::string_view value, AgentConfig* config) {
  const absl::StatusOr<double> fraction = ParseRatio(value);
  if (!fraction.ok() || *fraction < 0.0001) {
    return "wants a share of one core between 0.01% and 100%, such as 1%";
  }
  config->cpu_budget = *fraction;
  return "";
}

// Relative ones would mean something else under a service manager.
bool IsAbsolutePath(absl::string_view value) { return absl::StartsWith(value, "/"); }

std::string ReadStateDir(absl::string_view value, AgentConfig* config) {
  if (!IsAbsolutePath(value)) return "wants an absolute path, such as /var/lib/tcpmedic/agent";
  config->state_dir = std::string(value);
  return "";
}

std::string ReadGuard(absl::string_view value, AgentConfig* config) {
  if (!IsAbsolutePath(value)) return "wants an absolute path, such as /etc/tcpmedic/guard.yaml";
  config->guard = std::string(value);
  return "";
}

std::string ReadOnlyNetns(absl::string_view value, AgentConfig* config) {
  uint64_t inode = 0;
  if (!absl::SimpleAtoi(value, &inode) || inode == 0) {
    return "wants the inode of a network namespace, as `readlink /proc/PID/ns/net` shows it";
  }
  config->only_netns.insert(inode);
  return "";
}

std::string ReadMetrics(absl::string_view value, AgentConfig* config) {
  if (value == "off") {
    config->metrics.clear();
    return "";
  }
  const size_t colon = value.rfind(':');
  absl::string_view host = value.substr(0, colon == absl::string_view::npos ? 0 : colon);
  uint32_t port = 0;
  if (host.empty() || !absl::SimpleAtoi(value.substr(colon + 1), &port) || port > 65535) {
    return "wants ADDRESS:PORT on loopback, such as 127.0.0.1:9469, or off";
  }
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  const std::optional<IpAddress> ip = IpAddress::Parse(host);
  const bool loopback = ip.has_value() && (ip->Unmapped().v6 ? *ip == *IpAddress::Parse("::1")
                                                             : ip->Unmapped().bytes[0] == 127);
  if (!loopback) {
    return "wants an address on loopback (127.0.0.0/8 or [::1]), as metrics are served without "
           "authentication";
  }
  config->metrics = std::string(value);
  return "";
}

std::string ReadLog(absl::string_view value, AgentConfig* config) {
  if (value != "text" && value != "json") return "wants text or json";
  config->log_format = value == "json" ? LogFormat::kJson : LogFormat::kText;
  return "";
}

std::string ReadLogLevel(absl::string_view value, AgentConfig* config) {
  constexpr std::pair<absl::string_view, LogLevel> kLevels[] = {{"debug", LogLevel::kDebug},
                                                                {"info", LogLevel::kInfo},
                                                                {"warning", LogLevel::kWarning},
                                                                {"error", LogLevel::kError}};
  for (const auto& [name, level] : kLevels) {
    if (value != name) continue;
    config->log_level = level;
    return "";
  }
  return "wants debug, info, warning or error";
}

struct Setting {
  const char* key;  // in the file
  const char* flag;
  Reader read;
  const char* help;
  bool list = false;
};

constexpr Setting kSettings[] = {
    {"controller", "--controller", ReadController, "Where the controller listens: unix:PATH"},
    {"host", "--host", ReadHost, "This host's name in incidents (default: the kernel's)"},
    {"interval", "--interval", ReadInterval, "Shortest time between two scans (default: 1s)"},
    {"cpu_budget", "--cpu-budget", ReadCpuBudget,
     "Share of one core that scanning may take; the interval stretches to keep it (default: 1%)"},
    {"only_netns", "--only-netns", ReadOnlyNetns,
     "Watch only the network namespace with this inode; may be repeated", true},
    {"state_dir", "--state-dir", ReadStateDir,
     "Where the journal of changes is kept (default: tcpmedic's state directory, /agent)"},
    {"guard", "--guard", ReadGuard,
     "What this host allows; without it the agent only observes (default: "
     "/etc/tcpmedic/guard.yaml)"},
    {"metrics", "--metrics", ReadMetrics,
     "Where to serve Prometheus metrics, on loopback, or off (default: 127.0.0.1:9469)"},
    {"log", "--log", ReadLog, "text or json, on standard error (default: text)"},
    {"log_level", "--log-level", ReadLogLevel, "debug, info, warning or error (default: info)"},
};

const Setting* Find(absl::string_view key) {
  for (const Setting& setting : kSettings) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (const Setting& setting : kSettings) keys.push_back(setting.key);
  return keys;
}

// A mark that stands for no place counts from -1, and so becomes line 0.
Position At(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

void ApplyScalar(const Setting& setting, const YAML::Node& value, AgentConfig* config,
                 FileIssues* issues) {
  if (!value.IsScalar()) {
    issues->Add(At(value.Mark()), 1, absl::StrCat("'", setting.key, "' wants a single value"));
    return;
  }
  const std::string& text = value.Scalar();
  const std::string complaint = setting.read(text, config);
  if (!complaint.empty()) {
    issues->Add(At(value.Mark()), text.size(),
                absl::StrCat("'", setting.key, "' cannot be '", text, "': it ", complaint));
  }
}

void ApplyDocument(const YAML::Node& document, AgentConfig* config, FileIssues* issues) {
  if (document.IsNull()) return;
  if (!document.IsMap()) {
    issues->Add(At(document.Mark()), 1, "wants settings, one per line, such as 'interval: 1s'");
    return;
  }
  absl::flat_hash_set<std::string> seen;
  for (const auto& entry : document) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const Setting* setting = Find(key);
    if (setting == nullptr) {
      const std::string nearest = NearestName(key, Keys());
      issues->Add(At(entry.first.Mark()), key.size(), absl::StrCat("unknown setting '", key, "'"),
                  nearest.empty() ? "" : absl::StrCat("did you mean '", nearest, "'?"));
    } else if (!seen.insert(key).second) {
      issues->Add(At(entry.first.Mark()), key.size(), absl::StrCat("'", key, "' is set twice"));
    } else if (setting->list && entry.second.IsSequence()) {
      for (const YAML::Node& item : entry.second) ApplyScalar(*setting, item, config, issues);
    } else {
      ApplyScalar(*setting, entry.second, config, issues);
    }
  }
}

}  // namespace

bool ApplyConfigFile(absl::string_view yaml, absl::string_view file, AgentConfig* config,
                     std::vector<Issue>* issues) {
  const size_t issues_before = issues->size();
  FileIssues file_issues(yaml, file, issues);
  try {
    ApplyDocument(YAML::Load(std::string(yaml)), config, &file_issues);
  } catch (const YAML::Exception& e) {
    file_issues.Add(At(e.mark), 1, absl::StrCat("not valid YAML: ", e.msg));
  }
  return issues->size() == issues_before;
}

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  CommandLine command_line;
  CLI::App app(
      "tcpmedic-agent: finds TCP incidents on this host and reports them to the controller",
      "tcpmedic-agent");
  app.add_option_function<std::string>(
      "--config", [&](const std::string& path) { command_line.config_path = path; },
      absl::StrCat("Settings file (default: ", kDefaultConfigPath, ", if it exists)"));
  app.add_flag("--undo", command_line.undo,
               "Take back every change of this host's that is still ours, and exit; needs no "
               "controller, and no agent may be running");
  for (const Setting& setting : kSettings) {
    auto take = [&command_line, &setting](const std::vector<std::string>& values) {
      for (const std::string& value : values) command_line.settings.push_back({setting.key, value});
    };
    app.add_option_function<std::vector<std::string>>(setting.flag, take, setting.help)
        ->expected(1)
        ->multi_option_policy(setting.list ? CLI::MultiOptionPolicy::TakeAll
                                           : CLI::MultiOptionPolicy::TakeLast);
  }
  app.set_version_flag("--version", std::string("tcpmedic-agent " TCPMEDIC_VERSION));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(e, out, err);
    command_line.exit_code = code == 0 ? 0 : 2;
    command_line.text = absl::StrCat(out.str(), err.str());
  }
  return command_line;
}

bool ApplyFlags(const CommandLine& command_line, AgentConfig* config, std::vector<Issue>* issues) {
  const size_t issues_before = issues->size();
  // A flag replaces the file's list; it does not add to it.
  if (std::any_of(command_line.settings.begin(), command_line.settings.end(),
                  [](const auto& s) { return s.first == "only_netns"; })) {
    config->only_netns.clear();
  }
  for (const auto& [key, value] : command_line.settings) {
    const Setting* setting = Find(key);
    const std::string complaint = setting->read(value, config);
    if (complaint.empty()) continue;
    Issue issue;
    issue.message = absl::StrCat(setting->flag, " cannot be '", value, "': it ", complaint);
    issues->push_back(std::move(issue));
  }
  return issues->size() == issues_before;
}

}  // namespace tcpmedic
