// What the agent is told: /etc/tcpmedic/agent.yaml, and flags that override it. Both go through the
// same table of settings, so a flag and its key always mean the same. Parsing is pure;
// thread-compatible.
#ifndef TCPMEDIC_AGENT_CONFIG_H_
#define TCPMEDIC_AGENT_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/act/guard_file.h"
#include "agent/log.h"
#include "core/issue.h"

namespace tcpmedic {

inline constexpr char kDefaultConfigPath[] = "/etc/tcpmedic/agent.yaml";

struct AgentConfig {
  std::string controller;                      // "unix:/run/tcpmedic/agents.sock"
  std::string host;                            // the name that incidents will carry
  absl::Duration interval = absl::Seconds(1);  // the shortest; the budget stretches it
  double cpu_budget = 0.01;                    // of one core
  absl::flat_hash_set<uint64_t> only_netns;    // by inode; empty: every namespace
  std::string state_dir;                       // holds the journal of what orders changed
  std::string guard = kDefaultGuardPath;       // what this host allows; absent: observe only
  std::string metrics = "127.0.0.1:9469";      // "[::1]:9469"; empty: off
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
};

// Sets what `yaml` names in `*config`. False: appends every mistake (unknown keys with the nearest
// right one, values out of range, YAML that does not parse), and `*config` is not to be used.
bool ApplyConfigFile(absl::string_view yaml, absl::string_view file, AgentConfig* config,
                     std::vector<Issue>* issues);

// The command line, not yet applied: the file that it names comes first.
struct CommandLine {
  std::optional<std::string> config_path;
  std::vector<std::pair<std::string, std::string>> settings;  // key as in the file, value; in order
  bool undo = false;  // instead of running: take back every change that is still ours
  // Instead of running: print `text` to standard output (--help, --version; exit code 0) or error,
  // and exit.
  std::optional<int> exit_code;
  std::string text;
};
CommandLine ParseCommandLine(int argc, const char* const* argv);

// As ApplyConfigFile; Issue::file stays empty and the message names the flag.
bool ApplyFlags(const CommandLine& command_line, AgentConfig* config, std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_CONFIG_H_
