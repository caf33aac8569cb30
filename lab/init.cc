#include "lab/init.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/control_channel.h"
#include "lab/host_network.h"
#include "lab/host_role.h"

namespace tcpmedic::lab {
namespace {

constexpr int kExecFailed = 127;  // as shells have it

absl::StatusOr<uint64_t> NamespaceInode(const char* path) {
  struct stat found {};
  if (stat(path, &found) != 0) return ErrnoStatus(absl::StrCat("stat ", path));
  return found.st_ino;
}

absl::StatusOr<UniqueFd> Open(const char* path, int flags) {
  UniqueFd fd(open(path, flags | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("open ", path));
  return fd;
}

// One host's namespace, as process 1 holds it.
struct HostNamespace {
  UniqueFd netns;
  UniqueFd tun;
  UniqueFd net_dev;
  Ready::Namespace identity;
};

// A program to be: what it is, and which descriptors it gets as 0, 1, 2, ….
struct Program {
  int id = 0;
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  std::vector<int> fds;
  int netns_fd = -1;
};

// In the child. Does not return.
[[noreturn]] void Become(const Program& program, const ControlChannel& control,
                         const std::string& self) {
  // A session of its own, so that its terminal signals are not ours, and nothing of process 1's
  // signal mask.
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (program.netns_fd >= 0 && setns(program.netns_fd, CLONE_NEWNET) != 0) _exit(kExecFailed);
  if (!control.Send(Started{program.id}).ok()) _exit(kExecFailed);
  // Twice, since a source may lie where another one belongs.
  std::vector<int> sources;
  for (const int fd : program.fds) {
    sources.push_back(fcntl(fd, F_DUPFD, static_cast<int>(program.fds.size())));
  }
  for (size_t i = 0; i < sources.size(); ++i) dup2(sources[i], static_cast<int>(i));
  close_range(static_cast<unsigned>(sources.size()), ~0u, 0);
  for (const auto& [name, value] : program.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& argument : program.argv) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  // By its path, so that its name in ps is that of the file.
  execv(program.argv[0] == kLabProgram ? self.c_str() : argv[0], argv.data());
  dprintf(STDERR_FILENO, "exec %s: %s\n", argv[0], strerrorname_np(errno));
  _exit(kExecFailed);
}

// Process 1 of the lab's PID namespace.
class Init {
 public:
  Init(const InitOptions& options, const ControlChannel& control, UniqueFd path_record,
       UniqueFd holder)
      : options_(options),
        control_(control),
        path_record_(std::move(path_record)),
        holder_(std::move(holder)) {}

  absl::Status SetUp() {
    // /proc must show this PID namespace, and no mount of ours may reach the machine's.
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return ErrnoStatus("make the mounts private");
    }
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
      return ErrnoStatus("mount /proc");
    }
    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
    if (length < 0) return ErrnoStatus("readlink /proc/self/exe");
    self_.assign(self, length);
    absl::StatusOr<UniqueFd> null = Open("/dev/null", O_RDWR);
    if (!null.ok()) return null.status();
    null_ = *std::move(null);
    Ready ready;
    const absl::StatusOr<uint64_t> inode = NamespaceInode("/proc/self/ns/pid");
    if (!inode.ok()) return inode.status();
    ready.pid_namespace_inode = *inode;
    // Process 1 stays in the client's namespace: nothing of the lab remains in the machine's.
    for (const HostRole role : {HostRole::kServer, HostRole::kClient}) {
      if (absl::Status status = MakeHost(role); !status.ok()) return status;
    }
    if (absl::Status status = StartEmulator(); !status.ok()) return status;
    ready.client = host(HostRole::kClient).identity;
    ready.server = host(HostRole::kServer).identity;
    return control_.Send(ready);
  }

  // Until the holder has gone, or what the lab stands on has.
  void Serve() {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    const UniqueFd children(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!children.valid()) return;
    Reap();  // what ended before the signal was blocked
    for (;;) {
      pollfd polled[] = {
          {control_.fd(), POLLIN, 0}, {holder_.get(), POLLIN, 0}, {children.get(), POLLIN, 0}};
      if (poll(polled, 3, -1) < 0 && errno != EINTR) return;
      if (polled[1].revents != 0) return;  // the holder's process has ended
      if (polled[2].revents != 0) {
        signalfd_siginfo ignored;
        while (read(children.get(), &ignored, sizeof(ignored)) > 0) {
        }
        Reap();
      }
      if (polled[0].revents != 0 && !HandleMessage()) return;
    }
  }

 private:
  HostNamespace& host(HostRole role) { return hosts_[static_cast<int>(role)]; }

  absl::Status MakeHost(HostRole role) {
    if (unshare(CLONE_NEWNET) != 0) return ErrnoStatus("unshare a network namespace");
    HostNamespace& made = host(role);
    absl::StatusOr<int> tun =
        SetUpHostNetwork(std::string(AddressOf(role, options_.ipv6)), options_.path);
    if (!tun.ok()) return tun.status();
    made.tun = UniqueFd(*tun);
    if (role == HostRole::kServer) {
      for (const auto& [name, value] : options_.server_sysctls) {
        if (absl::Status status = WriteSysctl(name, value); !status.ok()) return status;
      }
    }
    absl::StatusOr<UniqueFd> netns = Open("/proc/self/ns/net", O_RDONLY);
    if (!netns.ok()) return netns.status();
    made.netns = *std::move(netns);
    absl::StatusOr<UniqueFd> net_dev = Open("/proc/self/net/dev", O_RDONLY);
    if (!net_dev.ok()) return net_dev.status();
    made.net_dev = *std::move(net_dev);
    const absl::StatusOr<uint64_t> inode = NamespaceInode("/proc/self/ns/net");
    if (!inode.ok()) return inode.status();
    made.identity.inode = *inode;
    const UniqueFd any_socket(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof(made.identity.cookie);
    if (getsockopt(any_socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &made.identity.cookie, &size) !=
        0) {
      return ErrnoStatus("getsockopt SO_NETNS_COOKIE");
    }
    Program holder;
    holder.id = role == HostRole::kClient ? kClientHostId : kServerHostId;
    holder.argv = {kLabProgram, "host", std::string(Name(role))};
    holder.fds = {null_.get(), null_.get(), STDERR_FILENO};
    return StartProgram(holder);
  }

  absl::Status StartEmulator() {
    Program emulator;
    emulator.id = kEmulatorId;
    emulator.argv = {kLabProgram, "emulate"};
    for (std::string& flag : ToFlags(options_.path)) emulator.argv.push_back(std::move(flag));
    HostNamespace& client = host(HostRole::kClient);
    HostNamespace& server = host(HostRole::kServer);
    emulator.fds = {null_.get(),          null_.get(),         STDERR_FILENO,
                    null_.get(),  // kControlFd is not the emulator's
                    path_record_.get(),   client.tun.get(),    server.tun.get(),
                    client.net_dev.get(), server.net_dev.get()};
    absl::Status status = StartProgram(emulator);
    // From now on the emulator alone holds the devices: they go when it goes.
    for (HostNamespace* each : {&client, &server}) {
      each->tun = UniqueFd();
      each->net_dev = UniqueFd();
    }
    path_record_ = UniqueFd();
    return status;
  }

  absl::Status StartProgram(const Program& program) {
    const pid_t pid = fork();
    if (pid < 0) return ErrnoStatus("fork");
    if (pid == 0) Become(program, control_, self_);
    ids_[pid] = program.id;
    return absl::OkStatus();
  }

  // Children, and orphans that fell to process 1, whose ends interest nobody.
  void Reap() {
    int state = 0;
    for (pid_t pid; (pid = waitpid(-1, &state, WNOHANG)) > 0;) {
      const auto known = ids_.find(pid);
      if (known == ids_.end()) continue;
      ExitStatus status;
      if (WIFSIGNALED(state)) {
        status.signal = WTERMSIG(state);
      } else {
        status.code = WEXITSTATUS(state);
      }
      // Should the holder be gone, the loop will see it.
      (void)control_.Send(Exited{known->second, status});
      ids_.erase(known);
    }
  }

  // False: the holder has gone.
  bool HandleMessage() {
    absl::StatusOr<std::optional<ReceivedMessage>> received = control_.Receive();
    if (!received.ok()) return false;
    if (!received->has_value()) return true;
    const std::vector<UniqueFd>& fds = (*received)->fds;
    if (const auto* run = std::get_if<RunRequest>(&(*received)->message)) {
      Program program{
          run->id, run->argv, run->environment, {null_.get()}, host(run->host).netns.get()};
      for (size_t i = 0; i < fds.size(); ++i) {
        if (i == 0) program.fds.push_back(fds[i].get());  // output and errors
        program.fds.push_back(fds[i].get());
      }
      const bool complete = !run->argv.empty() && !fds.empty();
      if (!complete || !StartProgram(program).ok()) {
        (void)control_.Send(Exited{run->id, {.code = kExecFailed}});
      }
    } else if (const auto* signal = std::get_if<SignalRequest>(&(*received)->message)) {
      for (const auto& [pid, id] : ids_) {
        // Each program leads a process group of its own: a shell's children hear it too.
        if (id == signal->id) kill(-pid, signal->signal);
      }
    }
    return true;
  }

  const InitOptions options_;
  const ControlChannel& control_;
  UniqueFd path_record_;
  const UniqueFd holder_;  // pidfd
  std::string self_;       // this program's file
  UniqueFd null_;
  HostNamespace hosts_[2];    // by HostRole
  std::map<pid_t, int> ids_;  // of living programs, by their pid in here
};

absl::Status EnterNewNamespaces() {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) == 0) return absl::OkStatus();
  if (errno == EPERM) {
    return absl::PermissionDeniedError(
        "unshare a PID namespace: EPERM. The lab makes namespaces and TUN devices: run as root "
        "(sudo), or with CAP_SYS_ADMIN and CAP_NET_ADMIN");
  }
  return ErrnoStatus("unshare a PID namespace");
}

int Fail(const ControlChannel& control, const absl::Status& status) {
  (void)control.Send(Failed{static_cast<int>(status.code()), std::string(status.message())});
  return 1;
}

}  // namespace

int RunInit(const InitOptions& options) {
  ControlChannel control((UniqueFd(kControlFd)));
  UniqueFd path_record(kPathRecordFd);
  for (const int fd : {kControlFd, kPathRecordFd}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  // PDEATHSIG would follow the holder's thread, which may end before its process does; a pidfd
  // follows the process, and no copy of the control socket that another child of the holder
  // inherited can hide its end.
  UniqueFd holder(static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0)));
  if (!holder.valid()) return Fail(control, ErrnoStatus("pidfd_open the lab's holder"));
  if (absl::Status status = EnterNewNamespaces(); !status.ok()) return Fail(control, status);
  const pid_t init = fork();
  if (init < 0) return Fail(control, ErrnoStatus("fork"));
  if (init == 0) {
    // The parent waits on its only thread until this process has ended, so here PDEATHSIG does what
    // it should.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Init process_one(options, control, std::move(path_record), std::move(holder));
    if (absl::Status status = process_one.SetUp(); !status.ok()) return Fail(control, status);
    process_one.Serve();
    return 0;
  }
  // Only process 1 may hold the control socket: its end of file is the lab's.
  control = ControlChannel(UniqueFd());
  path_record = UniqueFd();
  int state = 0;
  while (waitpid(init, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}

}  // namespace tcpmedic::lab
