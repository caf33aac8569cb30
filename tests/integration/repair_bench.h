// A lab with a transfer that suffers, and a controller and an agent of its own that watch it: each
// a process that a test may kill. What a socket really uses is read from the kernel, never from
// what they say. Not thread-safe; use it on the main thread (cli/process.h says why).
#ifndef TCPMEDIC_TESTS_INTEGRATION_REPAIR_BENCH_H_
#define TCPMEDIC_TESTS_INTEGRATION_REPAIR_BENCH_H_

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/process.h"
#include "lab/lab.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {

class RepairBench {
 public:
  // The shortest `verify.after` that a policy may have, instead of the shipped 20 s, and the time
  // after the change at which the host takes it back by itself.
  static constexpr absl::Duration kVerifyAfter = absl::Seconds(10);
  static constexpr absl::Duration kConfirmWithin = absl::Seconds(10 + 15);

  // Lab, transfer, both daemons, and a guard file that allows bbr in the lab; returns before
  // anything is found.
  absl::Status Start();

  absl::Status StartController();
  absl::Status StartAgent();
  // SIGKILL, and waits until the process has gone.
  void KillController() { controller_.reset(); }
  void KillAgent() { agent_.reset(); }

  // In between it runs nothing; what it is told waits for it.
  void PauseAgent() { kill(agent_->pid(), SIGSTOP); }
  void ResumeAgent() { kill(agent_->pid(), SIGCONT); }

  // Until the incident is open with a pending proposal; its id, or empty where none came in time.
  std::string WaitForProposal();
  // Ends the sending program with SIGKILL: its socket closes, and its symptom goes.
  absl::Status EndTransfer();
  // As someone else on this host would: takes the sender's socket and sets `algorithm`.
  absl::Status SetFromOutside(const std::string& algorithm);

  // What the sender's one socket uses, by a dump of the client's namespace made now: "cubic". What
  // keeps it from being known, otherwise: "2 sockets".
  std::string Algorithm() const;
  // Whether it comes to use that within `timeout`.
  bool Reaches(const std::string& algorithm, absl::Duration timeout) const;

  // `tcpmedic ARGUMENTS`, as an operator of this controller, and as a command for a shell.
  Output Ask(const std::string& arguments) const;
  std::string Command(const std::string& arguments) const;
  // `show ID -o json`.
  nlohmann::json Show(const std::string& id) const;

  const std::string& guard_path() const { return guard_path_; }
  std::string agent_state_dir() const { return dir_.path() + "/agent"; }
  // The guard file's text that allows what the repair needs.
  std::string GuardText() const;
  // The last lines that both daemons logged, for a failure's message.
  std::string Logs() const;

 private:
  absl::Status CopyPolicies() const;

  const TempDir dir_;
  const std::string guard_path_ = dir_.path() + "/guard.yaml";
  std::unique_ptr<lab::Lab> lab_;
  std::optional<lab::Transfer> transfer_;
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

#endif  // TCPMEDIC_TESTS_INTEGRATION_REPAIR_BENCH_H_
