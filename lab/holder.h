// The holder's side of a lab: starts its init, tells it what to run, and keeps what it says about
// the lab's processes. Thread-safe.
#ifndef TCPMEDIC_LAB_HOLDER_H_
#define TCPMEDIC_LAB_HOLDER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lab/control_channel.h"
#include "lab/control_message.h"

namespace tcpmedic::lab {

class Holder {
 public:
  // Starts `binary init` with these flags and the path's record, and returns once both hosts are
  // up.
  static absl::StatusOr<std::unique_ptr<Holder>> Start(const std::string& binary,
                                                       std::vector<std::string> flags,
                                                       int path_record_fd);
  ~Holder();  // as Stop()
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  // Who the hosts are; does not change.
  const Ready& ready() const { return ready_; }
  // The process that keeps a host's namespace, in the caller's PID namespace.
  pid_t host_pid(HostRole role) const { return host_pids_[static_cast<int>(role)]; }

  // Starts a program; its id is given here. Returns its pid in the caller's PID namespace once it
  // has one.
  absl::StatusOr<pid_t> Run(RunRequest request, absl::Span<const int> fds);

  // As Lab has them.
  absl::StatusOr<std::optional<ExitStatus>> Exited(pid_t pid);
  absl::StatusOr<ExitStatus> WaitForExit(pid_t pid, absl::Duration timeout);
  absl::Status Signal(pid_t pid, int signal);
  absl::Status Health();
  std::vector<std::string> Stop();

 private:
  explicit Holder(ControlChannel control) : control_(std::move(control)) {}

  absl::Status WaitUntilReady();
  // Waits for init's parent, which ends when process 1 has, which ends when all others have.
  void ReapOuter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<int> IdOf(pid_t pid) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes in what the lab has said so far.
  void Drain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // DeadlineExceeded, or why the lab cannot make it true any more. `condition` runs under mutex_.
  absl::Status WaitFor(absl::FunctionRef<bool()> condition, absl::Duration timeout);

  const ControlChannel control_;
  // Not changed once the lab is up.
  Ready ready_;
  pid_t host_pids_[2] = {};  // by HostRole

  absl::Mutex mutex_;
  pid_t outer_pid_ ABSL_GUARDED_BY(mutex_) = 0;
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  int next_id_ ABSL_GUARDED_BY(mutex_) = kFirstRunId;
  std::map<int, pid_t> pids_ ABSL_GUARDED_BY(mutex_);  // by id, in the caller's PID namespace
  std::map<int, ExitStatus> exits_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_HOLDER_H_
