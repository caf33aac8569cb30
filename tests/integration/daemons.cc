#include "tests/integration/daemons.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tcpmedic::test {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

}  // namespace

absl::Status Daemons::CopyPolicies(const std::string& file,
                                   const std::map<std::string, std::string>& replacements) const {
  const std::string copy = dir_.path() + "/policies";
  std::error_code error;
  fs::copy(absl::StrCat(TCPMEDIC_SOURCE_DIR, "/policies"), copy, fs::copy_options::recursive,
           error);
  if (error) return absl::UnavailableError(absl::StrCat("copy the policies: ", error.message()));
  const std::string path = absl::StrCat(copy, "/", file);
  std::string text = ReadFile(path);
  for (const auto& [shipped, wanted] : replacements) {
    if (!absl::StrContains(text, shipped)) {
      return absl::InternalError(absl::StrCat(path, " has no `", shipped, "`"));
    }
    text = absl::StrReplaceAll(text, {{shipped, wanted}});
  }
  std::ofstream(path) << text;
  return absl::OkStatus();
}

void Daemons::ConfigureController(const std::string& text) const {
  std::ofstream(controller_config_) << text;
}

absl::Status Daemons::StartController() {
  if (!fs::exists(controller_config_)) ConfigureController("");
  absl::StatusOr<cli::ChildProcess> process = cli::ChildProcess::Spawn(
      {.command = {Program("tcpmedic-controller"), "--runtime-dir", dir_.path() + "/run",
                   "--state-dir", dir_.path() + "/state", "--policies", dir_.path() + "/policies",
                   "--config", controller_config_},
       .environment = {},
       .output_path = dir_.path() + "/controller.log"});
  if (!process.ok()) return process.status();
  controller_.emplace(*std::move(process));
  return absl::OkStatus();
}

absl::Status Daemons::StartAgent() {
  std::vector<std::string> command = {Program("tcpmedic-agent"),
                                      "--controller",
                                      absl::StrCat("unix:", dir_.path(), "/run/agents.sock"),
                                      "--host",
                                      "lab",
                                      "--state-dir",
                                      agent_state_dir(),
                                      "--guard",
                                      guard_path_,
                                      "--metrics",
                                      "off",
                                      "--config",
                                      "/dev/null"};
  for (const uint64_t inode : netns_inodes_) {
    command.insert(command.end(), {"--only-netns", absl::StrCat(inode)});
  }
  absl::StatusOr<cli::ChildProcess> process =
      cli::ChildProcess::Spawn({.command = std::move(command),
                                .environment = {},
                                .output_path = dir_.path() + "/agent.log"});
  if (!process.ok()) return process.status();
  agent_.emplace(*std::move(process));
  return absl::OkStatus();
}

std::string Daemons::WaitForProposal() const {
  std::string id;
  Eventually(absl::Seconds(30), [&] {
    const nlohmann::json json = Ask("incidents -o json").Json();
    if (json.is_discarded() || !json.contains("incidents") || json["incidents"].empty()) {
      return false;
    }
    const nlohmann::json& incident = json["incidents"][0];
    if (incident["proposal_state"] == "pending") id = incident["id"];
    return !id.empty();
  });
  return id;
}

std::string Daemons::Command(const std::string& arguments) const {
  return absl::StrCat(Program("tcpmedic"), " --controller unix:", dir_.path(),
                      "/run/operators.sock ", arguments);
}

Output Daemons::Ask(const std::string& arguments) const {
  return RunShell(Command(arguments), absl::Seconds(40));
}

nlohmann::json Daemons::Show(const std::string& id) const {
  return Ask(absl::StrCat("show ", id, " -o json")).Json();
}

nlohmann::json Daemons::NewestOrder(const std::string& id) const {
  const nlohmann::json shown = Show(id);
  return shown.contains("orders") && !shown["orders"].empty() ? shown["orders"][0]
                                                              : nlohmann::json::object();
}

std::string Daemons::Logs() const {
  return absl::StrCat("controller:\n", ReadFile(dir_.path() + "/controller.log"), "agent:\n",
                      ReadFile(dir_.path() + "/agent.log"));
}

}  // namespace tcpmedic::test
