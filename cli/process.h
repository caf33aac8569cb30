// A child process that cannot outlive its parent: the kernel kills it when the thread that started
// it ends (PDEATHSIG follows that thread), so start children from the main thread, before gRPC has
// made threads of its own. Each child is in a process group of its own: Ctrl-C reaches the parent
// alone, which then stops its children in order. Thread-compatible.
#ifndef TCPMEDIC_CLI_PROCESS_H_
#define TCPMEDIC_CLI_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tcpmedic::cli {

struct ChildExit {
  int code = 0;    // where signal is 0
  int signal = 0;  // that killed it

  bool ok() const { return code == 0 && signal == 0; }
  std::string ToString() const;  // "exit code 3", "killed by SIGSEGV"
};

struct ChildOptions {
  std::vector<std::string>
      command;  // the program (looked up in PATH where it has no slash), then its arguments
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's own
  std::string output_path;  // standard output and error are appended to it (0600); empty: inherited
};

class ChildProcess {
 public:
  // Standard input is /dev/null, signal mask and handlers are the defaults. NotFound,
  // PermissionDenied: the program cannot be executed; any other failure is Internal. All name the
  // call and the errno.
  static absl::StatusOr<ChildProcess> Spawn(const ChildOptions& options);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills and reaps it where it still runs

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_; }  // readable once the child has ended; for poll(2)

  // How it ended; nullopt where it still runs after `timeout`.
  std::optional<ChildExit> Wait(absl::Duration timeout);
  // SIGTERM, and SIGKILL where it still runs after `grace`.
  ChildExit Terminate(absl::Duration grace);

 private:
  friend absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                              absl::Duration timeout, size_t max_bytes);
  ChildProcess(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}
  void KillAndReap();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<ChildExit> exit_;
};

// Runs a short command to its end and returns its standard output; standard error is discarded.
// DeadlineExceeded: it was killed after `timeout`. ResourceExhausted: it wrote more than
// `max_bytes`. Aborted: it did not exit with 0.
absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                     absl::Duration timeout, size_t max_bytes = 16 << 20);

// The program `name` next to the running one (/proc/self/exe).
std::string SiblingProgram(absl::string_view name);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_PROCESS_H_
