#include "lab/lab.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/control_channel.h"
#include "lab/emulator.h"
#include "lab/init.h"
#include "lab/remnants.h"
#include "lab/role_flags.h"
#include "lab/timeline_record.h"

namespace tcpmedic::lab {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(10);
constexpr absl::Duration kStopTimeout = absl::Seconds(5);
constexpr absl::Duration kLookInterval = absl::Milliseconds(5);

int PollTimeoutMs(absl::Duration wait) {
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

absl::StatusOr<std::string> FindLabBinary(const std::string& given) {
  std::string path = given;
  if (path.empty()) {
    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
    if (length < 0) return ErrnoStatus("readlink /proc/self/exe");
    const std::string exe(self, length);
    path = absl::StrCat(exe.substr(0, exe.rfind('/')), "/", kLabProgram);
  }
  if (access(path.c_str(), X_OK) != 0) {
    return ErrnoStatus(absl::StrCat("the lab's program ", path, " cannot be run"));
  }
  return path;
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

// Whether the text of /proc/net/tcp or tcp6 has a listening socket on the port.
bool HasListener(absl::string_view table, uint16_t port) {
  constexpr absl::string_view kListen = "0A";
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    const std::vector<absl::string_view> columns = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (columns.size() < 4 || columns[3] != kListen) continue;
    const std::vector<absl::string_view> local = absl::StrSplit(columns[1], ':');
    uint32_t local_port = 0;
    if (absl::SimpleHexAtoi(local.back(), &local_port) && local_port == port) return true;
  }
  return false;
}

bool IsListening(pid_t pid, uint16_t port) {
  for (const char* table : {"tcp", "tcp6"}) {
    std::ifstream file(absl::StrCat("/proc/", pid, "/net/", table));
    std::stringstream text;
    text << file.rdbuf();
    if (HasListener(text.str(), port)) return true;
  }
  return false;
}

}  // namespace

class Lab::Impl {
 public:
  Impl(ControlChannel control, std::unique_ptr<SharedMemory<PathRecord>> record, bool ipv6)
      : control_(std::move(control)),
        path_record_(std::move(record)),
        family_(ipv6 ? "ipv6" : "ipv4") {
    for (const HostRole role : {HostRole::kClient, HostRole::kServer}) {
      host(role).name = std::string(Name(role));
      host(role).address = std::string(AddressOf(role, ipv6));
    }
  }

  absl::Status Start(const std::string& binary, const LabOptions& options, int init_control_fd) {
    std::vector<std::string> arguments = {kLabProgram, "init"};
    for (std::string& flag : ToFlags(options.path)) arguments.push_back(std::move(flag));
    if (options.ipv6) arguments.push_back("--ipv6");
    const absl::StatusOr<pid_t> pid = Spawn(binary, arguments, init_control_fd, path_record_->fd());
    if (!pid.ok()) return pid.status();
    outer_pid_ = *pid;
    return absl::OkStatus();
  }

  absl::Status WaitUntilReady() {
    const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return ready_ && pids_.contains(kEmulatorId) && pids_.contains(kClientHostId) &&
             pids_.contains(kServerHostId);
    };
    absl::Status status = WaitFor(ready, kStartTimeout);
    if (!status.ok()) return status;
    absl::MutexLock lock(&mutex_);
    host(HostRole::kClient).pid = pids_[kClientHostId];
    host(HostRole::kServer).pid = pids_[kServerHostId];
    return absl::OkStatus();
  }

  // Not changed once the lab is ready.
  LabHost& host(HostRole role) { return hosts_[static_cast<int>(role)]; }
  const std::string& family() const { return family_; }

  // Returns once the program has its pid.
  absl::StatusOr<pid_t> Run(RunRequest request, absl::Span<const int> fds) {
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

  absl::StatusOr<std::optional<ExitStatus>> Exited(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    Drain();
    const absl::StatusOr<int> id = IdOf(pid);
    if (!id.ok()) return id.status();
    const auto exit = exits_.find(*id);
    if (exit != exits_.end()) return exit->second;
    if (!broken_.ok()) return broken_;
    return std::nullopt;
  }

  absl::StatusOr<ExitStatus> WaitForExit(pid_t pid, absl::Duration timeout) {
    int id = 0;
    {
      absl::MutexLock lock(&mutex_);
      const absl::StatusOr<int> found = IdOf(pid);
      if (!found.ok()) return found.status();
      id = *found;
    }
    absl::Status status =
        WaitFor([this, id]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return exits_.contains(id); },
                timeout);
    if (!status.ok()) return status;
    absl::MutexLock lock(&mutex_);
    return exits_[id];
  }

  absl::Status Signal(pid_t pid, int signal) {
    absl::MutexLock lock(&mutex_);
    Drain();
    const absl::StatusOr<int> id = IdOf(pid);
    if (!id.ok()) return id.status();
    if (exits_.contains(*id)) return absl::NotFoundError(absl::StrCat("pid ", pid, " has ended"));
    return control_.Send(SignalRequest{*id, signal});
  }

  PathStats Stats() const { return (*path_record_)->Read(); }

  absl::Status Health() {
    absl::MutexLock lock(&mutex_);
    Drain();
    return broken_;
  }

  std::vector<std::string> Stop() {
    control_.Shutdown();
    absl::flat_hash_set<uint64_t> inodes;
    {
      absl::MutexLock lock(&mutex_);
      if (broken_.ok()) broken_ = absl::UnavailableError("the lab has been stopped");
      ReapOuter();
      inodes = {pid_namespace_inode_, hosts_[0].netns_inode, hosts_[1].netns_inode};
    }
    // A process that looked at the namespaces for a moment is not a remnant.
    std::vector<std::string> remnants;
    for (const absl::Time end = absl::Now() + absl::Seconds(1);;) {
      remnants = FindRemnants(inodes);
      if (remnants.empty() || absl::Now() >= end) return remnants;
      absl::SleepFor(kLookInterval);
    }
  }

 private:
  // The outermost process ends when process 1 has, which ends when all others have.
  void ReapOuter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
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

  absl::StatusOr<int> IdOf(pid_t pid) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // From the newest: a pid may have come round again.
    for (auto known = pids_.rbegin(); known != pids_.rend(); ++known) {
      if (known->second == pid && known->first >= kFirstRunId) return known->first;
    }
    return absl::NotFoundError(
        absl::StrCat("pid ", pid, " is not a program that this lab started"));
  }

  // Takes in what the lab has said so far.
  void Drain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
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
        ready_ = true;
        pid_namespace_inode_ = ready->pid_namespace_inode;
        host(HostRole::kClient).netns_inode = ready->client.inode;
        host(HostRole::kClient).netns_cookie = ready->client.cookie;
        host(HostRole::kServer).netns_inode = ready->server.inode;
        host(HostRole::kServer).netns_cookie = ready->server.cookie;
      } else if (const auto* failed = std::get_if<Failed>(&message)) {
        broken_ = absl::Status(static_cast<absl::StatusCode>(failed->code), failed->message);
      }
    }
  }

  // DeadlineExceeded, or why the lab cannot make it true any more.
  template <typename Condition>
  absl::Status WaitFor(Condition condition, absl::Duration timeout) {
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

  const ControlChannel control_;
  const std::unique_ptr<SharedMemory<PathRecord>> path_record_;
  const std::string family_;
  LabHost hosts_[2];  // by HostRole

  absl::Mutex mutex_;
  pid_t outer_pid_ = 0;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t pid_namespace_inode_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  int next_id_ ABSL_GUARDED_BY(mutex_) = kFirstRunId;
  std::map<int, pid_t> pids_ ABSL_GUARDED_BY(mutex_);  // by id, in the caller's PID namespace
  std::map<int, ExitStatus> exits_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<std::unique_ptr<Lab>> Lab::Start(const LabOptions& options) {
  if (absl::Status status = Validate(options.path); !status.ok()) return status;
  const absl::StatusOr<std::string> binary = FindLabBinary(options.lab_binary);
  if (!binary.ok()) return binary.status();
  absl::StatusOr<std::pair<ControlChannel, ControlChannel>> channel = ControlChannel::CreatePair();
  if (!channel.ok()) return channel.status();
  absl::StatusOr<std::unique_ptr<SharedMemory<PathRecord>>> record =
      SharedMemory<PathRecord>::Create("tcpmedic-lab-path");
  if (!record.ok()) return record.status();
  std::unique_ptr<Lab> lab(
      new Lab(std::make_unique<Impl>(std::move(channel->first), *std::move(record), options.ipv6)));
  absl::Status status;
  {
    // Closed here once the lab has it, so that its end of file is seen.
    const ControlChannel init_end = std::move(channel->second);
    status = lab->impl_->Start(*binary, options, init_end.fd());
  }
  if (status.ok()) status = lab->impl_->WaitUntilReady();
  if (!status.ok()) return status;
  return lab;
}

Lab::Lab(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lab::~Lab() { Stop(); }

const LabHost& Lab::client() const { return impl_->host(HostRole::kClient); }
const LabHost& Lab::server() const { return impl_->host(HostRole::kServer); }
const std::string& Lab::family() const { return impl_->family(); }

absl::StatusOr<Transfer> Lab::RunTransfer(const TransferOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<SharedMemory<TimelineRecord>>> created =
      SharedMemory<TimelineRecord>::Create("tcpmedic-lab-timeline");
  if (!created.ok()) return created.status();
  const std::shared_ptr<SharedMemory<TimelineRecord>> record = *std::move(created);
  Transfer transfer{.timeline = ReceiverTimeline(record)};

  RunRequest receive{.host = HostRole::kServer,
                     .argv = {kLabProgram, "receive", "--on", server().address}};
  RunRequest send{.host = HostRole::kClient,
                  .argv = {kLabProgram, "send", "--to", server().address}};
  for (const std::string& flag : ToFlags(options)) {
    receive.argv.push_back(flag);
    send.argv.push_back(flag);
  }
  absl::StatusOr<pid_t> pid = impl_->Run(receive, {STDERR_FILENO, record->fd()});
  if (!pid.ok()) return pid.status();
  transfer.receiver_pid = *pid;
  const absl::Status listening =
      WaitUntilListening(HostRole::kServer, options.port, kStartTimeout, transfer.receiver_pid);
  if (!listening.ok()) return listening;
  transfer.started_at = absl::Now();
  pid = impl_->Run(send, {STDERR_FILENO});
  if (!pid.ok()) return pid.status();
  transfer.sender_pid = *pid;
  return transfer;
}

absl::Status Lab::EndTransfer(const Transfer& transfer) {
  // The receiver first: what the sender then still has is refused at once, and does not go on
  // filling the path.
  for (const pid_t pid : {transfer.receiver_pid, transfer.sender_pid}) {
    const absl::Status signalled = Signal(pid, SIGTERM);
    if (!signalled.ok() && !absl::IsNotFound(signalled)) return signalled;
    const absl::StatusOr<ExitStatus> ended = WaitForExit(pid, kStopTimeout);
    if (!ended.ok()) return ended.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<pid_t> Lab::RunCommand(HostRole host, const std::string& command, uint16_t port,
                                      const std::string& output_file) {
  const UniqueFd output(open(output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output.valid()) return ErrnoStatus(absl::StrCat("open ", output_file));
  return impl_->Run({.host = host,
                     .argv = {"/bin/sh", "-c", command},
                     .environment = {{"ADDR", server().address},
                                     {"PORT", absl::StrCat(port)},
                                     {"FAMILY", family()}}},
                    {output.get()});
}

absl::Status Lab::WaitUntilListening(HostRole host, uint16_t port, absl::Duration timeout,
                                     pid_t pid) {
  const LabHost& at = impl_->host(host);
  const absl::Time end = absl::Now() + timeout;
  while (!IsListening(at.pid, port)) {
    if (pid != 0) {
      const absl::StatusOr<std::optional<ExitStatus>> exited = impl_->Exited(pid);
      if (!exited.ok()) return exited.status();
      if (exited->has_value()) {
        return absl::AbortedError(
            absl::StrCat("pid ", pid, " ended before it listened on port ", port));
      }
    }
    if (absl::Now() >= end) {
      return absl::DeadlineExceededError(absl::StrCat("nothing on the ", at.name,
                                                      " listens on port ", port, " after ",
                                                      absl::FormatDuration(timeout)));
    }
    absl::SleepFor(kLookInterval);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ExitStatus>> Lab::Exited(pid_t pid) { return impl_->Exited(pid); }
absl::StatusOr<ExitStatus> Lab::WaitForExit(pid_t pid, absl::Duration timeout) {
  return impl_->WaitForExit(pid, timeout);
}
absl::Status Lab::Signal(pid_t pid, int signal) { return impl_->Signal(pid, signal); }
PathStats Lab::Stats() const { return impl_->Stats(); }
absl::Status Lab::Health() { return impl_->Health(); }
std::vector<std::string> Lab::Stop() { return impl_->Stop(); }

}  // namespace tcpmedic::lab
