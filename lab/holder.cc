#include "lab/holder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/init.h"
#include "lab/remnants.h"

namespace tcpmedic::lab {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(10);
constexpr absl::Duration kStopTimeout = absl::Seconds(5);
constexpr absl::Duration kLookInterval = absl::Milliseconds(5);

int PollTimeoutMs(absl::Duration wait) {
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

// Starts `tcpmedic-lab init` with the two descriptors. posix_spawn: the caller may have threads.
absl::StatusOr<pid_t> Spawn(const std::string& binary, const std::vector<std::string>& arguments,
                            int control_fd, int path_record_fd) {
  // Out of the way of the numbers that they get.
  const UniqueFd control(fcntl(control_fd, F_DUPFD_CLOEXEC, kPathRecordFd + 1));
  const UniqueFd record(fcntl(path_record_fd, F_DUPFD_CLOEXEC, kPathRecordFd + 1));
  if (!control.valid() || !record.valid()) return ErrnoStatus("duplicate a descriptor");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // What the caller prints on its output is for its own reader.
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, control.get(), kControlFd);
  posix_spawn_file_actions_adddup2(&actions, record.get(), kPathRecordFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kPathRecordFd + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A session of its own: Ctrl-C is for the caller, which then stops the lab in order.
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, binary.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return ErrnoStatus(absl::StrCat("start ", binary), error);
  return pid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Holder>> Holder::Start(const std::string& binary,
                                                      std::vector<std::string> flags,
                                                      int path_record_fd) {
  absl::StatusOr<std::pair<ControlChannel, ControlChannel>> channel = ControlChannel::CreatePair();
  if (!channel.ok()) return channel.status();
  std::unique_ptr<Holder> holder(new Holder(std::move(channel->first)));
  {
    // Closed here once the lab has it, so that its end of file is seen.
    const ControlChannel init_end = std::move(channel->second);
    std::vector<std::string> arguments = {kLabProgram, "init"};
    for (std::string& flag : flags) arguments.push_back(std::move(flag));
    const absl::StatusOr<pid_t> pid = Spawn(binary, arguments, init_end.fd(), path_record_fd);
    if (!pid.ok()) return pid.status();
    absl::MutexLock lock(&holder->mutex_);
    holder->outer_pid_ = *pid;
  }
  if (absl::Status status = holder->WaitUntilReady(); !status.ok()) return status;
  return holder;
}

Holder::~Holder() { Stop(); }

absl::Status Holder::WaitUntilReady() {
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return up_ && pids_.contains(kEmulatorId) && pids_.contains(kClientHostId) &&
           pids_.contains(kServerHostId);
  };
  absl::Status status = WaitFor(ready, kStartTimeout);
  if (!status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  host_pids_[static_cast<int>(HostRole::kClient)] = pids_[kClientHostId];
  host_pids_[static_cast<int>(HostRole::kServer)] = pids_[kServerHostId];
  return absl::OkStatus();
}

absl::StatusOr<pid_t> Holder::Run(RunRequest request, absl::Span<const int> fds) {
  int id = 0;
  {
    absl::MutexLock lock(&mutex_);
    id = request.id = next_id_++;
  }
  absl::Status status = control_.Send(request, fds);
  if (!status.ok()) return status;
  status = WaitFor([this, id]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                       mutex_) { return pids_.contains(id) || exits_.contains(id); },
                   kStartTimeout);
  if (!status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  if (!pids_.contains(id)) return absl::UnavailableError("the lab could not start the program");
  return pids_[id];
}

absl::StatusOr<std::optional<ExitStatus>> Holder::Exited(pid_t pid) {
  absl::MutexLock lock(&mutex_);
  Drain();
  const absl::StatusOr<int> id = IdOf(pid);
  if (!id.ok()) return id.status();
  const auto exit = exits_.find(*id);
  if (exit != exits_.end()) return exit->second;
  if (!broken_.ok()) return broken_;
  return std::nullopt;
}

absl::StatusOr<ExitStatus> Holder::WaitForExit(pid_t pid, absl::Duration timeout) {
  int id = 0;
  {
    absl::MutexLock lock(&mutex_);
    const absl::StatusOr<int> found = IdOf(pid);
    if (!found.ok()) return found.status();
    id = *found;
  }
  absl::Status status = WaitFor(
      [this, id]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return exits_.contains(id); }, timeout);
  if (!status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  return exits_[id];
}

absl::Status Holder::Signal(pid_t pid, int signal) {
  absl::MutexLock lock(&mutex_);
  Drain();
  const absl::StatusOr<int> id = IdOf(pid);
  if (!id.ok()) return id.status();
  if (exits_.contains(*id)) return absl::NotFoundError(absl::StrCat("pid ", pid, " has ended"));
  return control_.Send(SignalRequest{*id, signal});
}

absl::Status Holder::Health() {
  absl::MutexLock lock(&mutex_);
  Drain();
  return broken_;
}

std::vector<std::string> Holder::Stop() {
  control_.Shutdown();
  absl::flat_hash_set<uint64_t> inodes;
  {
    absl::MutexLock lock(&mutex_);
    if (broken_.ok()) broken_ = absl::UnavailableError("the lab has been stopped");
    ReapOuter();
    inodes = {ready_.pid_namespace_inode, ready_.client.inode, ready_.server.inode};
  }
  // A process that looked at the namespaces for a moment is not a remnant.
  std::vector<std::string> remnants;
  for (const absl::Time end = absl::Now() + absl::Seconds(1);;) {
    remnants = FindRemnants(inodes);
    if (remnants.empty() || absl::Now() >= end) return remnants;
    absl::SleepFor(kLookInterval);
  }
}

void Holder::ReapOuter() {
  if (outer_pid_ == 0) return;
  const absl::Time end = absl::Now() + kStopTimeout;
  for (;;) {
    // ECHILD: somebody else in this process has waited for it.
    if (waitpid(outer_pid_, nullptr, WNOHANG) != 0) break;
    // PDEATHSIG takes process 1 along.
    if (absl::Now() >= end) kill(outer_pid_, SIGKILL);
    absl::SleepFor(kLookInterval);
  }
  outer_pid_ = 0;
}

absl::StatusOr<int> Holder::IdOf(pid_t pid) {
  // From the newest: a pid may have come round again.
  for (auto known = pids_.rbegin(); known != pids_.rend(); ++known) {
    if (known->second == pid && known->first >= kFirstRunId) return known->first;
  }
  return absl::NotFoundError(absl::StrCat("pid ", pid, " is not a program that this lab started"));
}

void Holder::Drain() {
  while (broken_.ok()) {
    absl::StatusOr<std::optional<ReceivedMessage>> received = control_.Receive();
    if (!received.ok()) {
      broken_ = received.status();
      return;
    }
    if (!received->has_value()) return;
    const ControlMessage& message = (*received)->message;
    if (const auto* started = std::get_if<Started>(&message)) {
      pids_[started->id] = (*received)->sender_pid;
    } else if (const auto* exited = std::get_if<lab::Exited>(&message)) {
      exits_[exited->id] = exited->status;
      if (exited->id == kEmulatorId) {
        broken_ = absl::UnavailableError(absl::StrCat(
            "the path emulator ",
            exited->status.signal != 0
                ? absl::StrCat("was killed by signal ", exited->status.signal)
                : absl::StrCat("ended with code ", exited->status.code, " (see standard error)"),
            "; the lab is void"));
      }
    } else if (const auto* ready = std::get_if<Ready>(&message)) {
      ready_ = *ready;
      up_ = true;
    } else if (const auto* failed = std::get_if<Failed>(&message)) {
      broken_ = absl::Status(static_cast<absl::StatusCode>(failed->code), failed->message);
    }
  }
}

absl::Status Holder::WaitFor(absl::FunctionRef<bool()> condition, absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      Drain();
      if (condition()) return absl::OkStatus();
      if (!broken_.ok()) return broken_;
    }
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat("not within ", absl::FormatDuration(timeout)));
    }
    // Another thread may take in what this one waits for, so not longer than a moment.
    pollfd polled{control_.fd(), POLLIN, 0};
    poll(&polled, 1, PollTimeoutMs(std::min(left, absl::Milliseconds(20))));
  }
}

}  // namespace tcpmedic::lab
