#include "cli/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "core/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"

extern char** environ;

namespace tcpmedic::cli {
namespace {

// What Spawn promises for an errno that says neither NotFound nor PermissionDenied.
constexpr absl::StatusCode kOtherwise = absl::StatusCode::kInternal;

// Everything that the child needs between fork and exec, made before the fork: there it may not
// allocate.
struct Prepared {
  std::vector<char*> argv;
  std::vector<std::string> environment_text;
  std::vector<char*> envp;
  pid_t parent = 0;
  int input = -1;
  int output = -1;  // -1: inherited
  int error = -1;   // -1: inherited
  int report = -1;  // close-on-exec: an errno arrives here where exec failed
};

Prepared Prepare(const ChildOptions& options) {
  Prepared prepared;
  for (const std::string& argument : options.command) {
    prepared.argv.push_back(const_cast<char*>(argument.c_str()));
  }
  prepared.argv.push_back(nullptr);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    const bool replaced =
        std::any_of(options.environment.begin(), options.environment.end(), [&](const auto& added) {
          return text.size() > added.first.size() && text[added.first.size()] == '=' &&
                 text.substr(0, added.first.size()) == added.first;
        });
    if (!replaced) prepared.environment_text.emplace_back(*entry);
  }
  for (const auto& [name, value] : options.environment) {
    prepared.environment_text.push_back(absl::StrCat(name, "=", value));
  }
  for (std::string& entry : prepared.environment_text) prepared.envp.push_back(entry.data());
  prepared.envp.push_back(nullptr);
  prepared.parent = getpid();
  return prepared;
}

// Runs in the child: only async-signal-safe calls.
[[noreturn]] void Become(const Prepared& prepared) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before prctl, whose signal would then never come.
  if (getppid() != prepared.parent) _exit(127);
  struct sigaction defaults = {};
  defaults.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &defaults, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(prepared.input, STDIN_FILENO) >= 0 &&
      (prepared.output < 0 || dup2(prepared.output, STDOUT_FILENO) >= 0) &&
      (prepared.error < 0 || dup2(prepared.error, STDERR_FILENO) >= 0)) {
    execvpe(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t told = write(prepared.report, &error, sizeof(error));
  _exit(127);
}

struct Started {
  pid_t pid;
  int pidfd;
};

absl::StatusOr<Started> Start(Prepared prepared, const std::string& program) {
  const UniqueFd input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.valid()) return ErrnoStatus("open /dev/null", errno, kOtherwise);
  prepared.input = input.get();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus("pipe2", errno, kOtherwise);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  prepared.report = write_end.get();

  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus("fork", errno, kOtherwise);
  if (pid == 0) Become(prepared);
  write_end.reset();

  int error = 0;
  ssize_t got = 0;
  do {
    got = read(read_end.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (got == 0 && pidfd >= 0) return Started{pid, pidfd};
  const absl::Status status =
      got == 0 ? ErrnoStatus(absl::StrCat("pidfd_open ", pid), errno, kOtherwise)
               : ErrnoStatus(absl::StrCat("execute ", program), error, kOtherwise);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  if (pidfd >= 0) close(pidfd);
  return status;
}

ChildExit Reap(int pidfd) {
  siginfo_t info = {};
  while (waitid(static_cast<idtype_t>(P_PIDFD), pidfd, &info, WEXITED) != 0 && errno == EINTR) {
  }
  ChildExit exit;
  (info.si_code == CLD_EXITED ? exit.code : exit.signal) = info.si_status;
  return exit;
}

absl::Duration Uptime() { return Clock::Real()->Now().uptime; }

// Whether `fd` becomes readable (or ends) before the uptime `deadline`.
bool ReadableBefore(int fd, absl::Duration deadline) {
  for (;;) {
    const absl::Duration left = std::max(deadline - Uptime(), absl::ZeroDuration());
    const auto wait_ms = std::min<int64_t>(
        absl::ToInt64Milliseconds(left + absl::Microseconds(999)), int64_t{1} << 30);
    pollfd poll_fd = {fd, POLLIN, 0};
    const int ready = poll(&poll_fd, 1, static_cast<int>(wait_ms));
    if (ready > 0) return true;
    if (ready == 0 && Uptime() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

std::string ChildExit::ToString() const {
  if (signal == 0) return absl::StrCat("exit code ", code);
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? absl::StrCat("killed by signal ", signal)
                         : absl::StrCat("killed by SIG", name);
}

absl::StatusOr<ChildProcess> ChildProcess::Spawn(const ChildOptions& options) {
  if (options.command.empty()) return absl::InvalidArgumentError("no command to execute");
  Prepared prepared = Prepare(options);
  UniqueFd output;
  if (!options.output_path.empty()) {
    output = UniqueFd(
        open(options.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!output.valid()) {
      return ErrnoStatus(absl::StrCat("open ", options.output_path), errno, kOtherwise);
    }
    prepared.output = prepared.error = output.get();
  }
  const absl::StatusOr<Started> started = Start(std::move(prepared), options.command[0]);
  if (!started.ok()) return started.status();
  return ChildProcess(started->pid, started->pidfd);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      exit_(other.exit_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  KillAndReap();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::exchange(other.pidfd_, -1);
  exit_ = other.exit_;
  return *this;
}

ChildProcess::~ChildProcess() { KillAndReap(); }

void ChildProcess::KillAndReap() {
  if (pidfd_ < 0) return;
  if (!exit_.has_value()) {
    kill(pid_, SIGKILL);
    exit_ = Reap(pidfd_);
  }
  close(std::exchange(pidfd_, -1));
}

std::optional<ChildExit> ChildProcess::Wait(absl::Duration timeout) {
  if (!exit_.has_value() && ReadableBefore(pidfd_, Uptime() + timeout)) exit_ = Reap(pidfd_);
  return exit_;
}

ChildExit ChildProcess::Terminate(absl::Duration grace) {
  if (!Wait(absl::ZeroDuration()).has_value()) {
    kill(pid_, SIGTERM);
    if (!Wait(grace).has_value()) {
      kill(pid_, SIGKILL);
      exit_ = Reap(pidfd_);
    }
  }
  return *exit_;
}

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                     absl::Duration timeout, size_t max_bytes) {
  if (command.empty()) return absl::InvalidArgumentError("no command to execute");
  const absl::Duration deadline = Uptime() + timeout;
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  int ends[2];
  if (!null.valid() || pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus("pipe2", errno, kOtherwise);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);

  ChildOptions options;
  options.command = command;
  Prepared prepared = Prepare(options);
  prepared.output = write_end.get();
  prepared.error = null.get();
  const absl::StatusOr<Started> started = Start(std::move(prepared), command[0]);
  if (!started.ok()) return started.status();
  ChildProcess child(started->pid, started->pidfd);
  write_end.reset();

  std::string output;
  char buffer[16 << 10];
  for (;;) {
    if (!ReadableBefore(read_end.get(), deadline)) break;
    const ssize_t got = read(read_end.get(), buffer, sizeof(buffer));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) return ErrnoStatus("read", errno, kOtherwise);
    if (got > 0) output.append(buffer, got);
    if (output.size() > max_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(command[0], " wrote more than ", max_bytes, " bytes"));
    }
  }
  const std::optional<ChildExit> exit = child.Wait(deadline - Uptime());
  if (!exit.has_value()) {
    return absl::DeadlineExceededError(
        absl::StrCat(command[0], " did not end within ", absl::FormatDuration(timeout)));
  }
  if (!exit->ok()) return absl::AbortedError(absl::StrCat(command[0], ": ", exit->ToString()));
  return output;
}

std::string SiblingProgram(absl::string_view name) {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
  const absl::string_view self(path, length < 0 ? 0 : length);
  const size_t slash = self.rfind('/');
  return slash == absl::string_view::npos ? std::string(name)
                                          : absl::StrCat(self.substr(0, slash + 1), name);
}

}  // namespace tcpmedic::cli
