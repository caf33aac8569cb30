// A controller and an agent of a test's own, each a process that the test may kill, on a copy of
// the shipped policy files. Not thread-safe; use it on the main thread (cli/process.h says why).
#ifndef TCPMEDIC_TESTS_INTEGRATION_DAEMONS_H_
#define TCPMEDIC_TESTS_INTEGRATION_DAEMONS_H_

#include <signal.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/process.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {

class Daemons {
 public:
  // The agent watches these namespaces and no others.
  void WatchOnly(std::vector<uint64_t> netns_inodes) { netns_inodes_ = std::move(netns_inodes); }
  // Copies the shipped policies, with texts replaced in one file: "responses/x.yaml".
  // InternalError: a text is not there.
  absl::Status CopyPolicies(const std::string& file,
                            const std::map<std::string, std::string>& replacements) const;

  // The text of the controller's configuration file; empty until then.
  void ConfigureController(const std::string& text) const;

  absl::Status StartController();
  absl::Status StartAgent();
  // SIGKILL, and waits until the process has gone.
  void KillController() { controller_.reset(); }
  void KillAgent() { agent_.reset(); }
  // In between it runs nothing; what it is told waits for it.
  void PauseAgent() { kill(agent_->pid(), SIGSTOP); }
  void ResumeAgent() { kill(agent_->pid(), SIGCONT); }

  // `tcpmedic ARGUMENTS`, as an operator of this controller, and as a command for a shell.
  Output Ask(const std::string& arguments) const;
  std::string Command(const std::string& arguments) const;
  // `show ID -o json`.
  nlohmann::json Show(const std::string& id) const;
  // The newest order of the incident; an empty object where there is none.
  nlohmann::json NewestOrder(const std::string& id) const;
  // Until the incident is open with a pending proposal; its id, or empty where none came in time.
  std::string WaitForProposal() const;

  const std::string& guard_path() const { return guard_path_; }
  std::string agent_state_dir() const { return dir_.path() + "/agent"; }
  // The last lines that both daemons logged, for a failure's message.
  std::string Logs() const;

 private:
  const TempDir dir_;
  const std::string guard_path_ = dir_.path() + "/guard.yaml";
  const std::string controller_config_ = dir_.path() + "/controller.yaml";
  std::vector<uint64_t> netns_inodes_;
  std::optional<cli::ChildProcess> controller_;
  std::optional<cli::ChildProcess> agent_;
};

// Waits for a condition of the outside world; polls because nothing tells.
template <typename Condition>
bool Eventually(absl::Duration timeout, Condition condition) {
  const absl::Time deadline = absl::Now() + timeout;
  while (absl::Now() < deadline) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(100));
  }
  return condition();
}

}  // namespace tcpmedic::test

#endif  // TCPMEDIC_TESTS_INTEGRATION_DAEMONS_H_
