// What the controller is told: /etc/tcpmedic/controller.yaml, overridden by flags.
//
//     runtime_dir: /run/tcpmedic
//     state_dir: /var/lib/tcpmedic
//     policies: /etc/tcpmedic/policies
//     retention_days: 90
//     log: text                    # or json
//     log_level: info              # debug, info, warning, error
//     hosts:
//       db1: {labels: {tier: db}}  # what policies may ask about a host; never taken from its agent
//     receivers:                   # of alerts and messages: see controller/notify/receivers.h
//       - {name: oncall, alertmanager: {url: http://127.0.0.1:9093}}
//
// Parsing is pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_CONFIG_H_
#define TCPMEDIC_CONTROLLER_CONFIG_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/log.h"
#include "controller/notify/receivers.h"
#include "core/issue.h"

namespace tcpmedic {

inline constexpr char kDefaultControllerConfig[] = "/etc/tcpmedic/controller.yaml";

struct ControllerConfig {
  std::string runtime_dir;
  std::string state_dir;
  std::string policies;
  int retention_days = 90;
  controller_log::Format log = controller_log::Format::kText;
  controller_log::Level log_level = controller_log::Level::kInfo;
  std::map<std::string, std::map<std::string, std::string>> host_labels;
  std::vector<Receiver> receivers;
};

// Sets what `yaml` names in `*config`. False: appends every mistake, and `*config` is not to be
// used.
bool ApplyConfigFile(std::string yaml, std::string file, ControllerConfig* config,
                     std::vector<Issue>* issues);

// The command line. Flags are not yet applied: the file that they name comes first.
struct ControllerCommandLine {
  std::optional<std::string> config_file, runtime_dir, state_dir, policies;
  std::optional<int> retention_days;
  std::optional<controller_log::Format> log;
  std::optional<controller_log::Level> log_level;

  // Instead of running: print `text`, to standard error if the code is not 0, and exit so.
  std::optional<int> exit_code;
  std::string text;
};
ControllerCommandLine ParseControllerCommandLine(int argc, const char* const* argv,
                                                 const std::string& version);

void ApplyFlags(const ControllerCommandLine& flags, ControllerConfig* config);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_CONFIG_H_
