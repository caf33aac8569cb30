#include "lab/lab.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/connect_record.h"
#include "lab/emulator.h"
#include "lab/holder.h"
#include "lab/init.h"
#include "lab/role_flags.h"
#include "lab/timeline_record.h"

namespace tcpmedic::lab {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(10);
constexpr absl::Duration kStopTimeout = absl::Seconds(5);
constexpr absl::Duration kLookInterval = absl::Milliseconds(5);

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

struct Lab::Impl {
  std::unique_ptr<SharedMemory<PathRecord>> path_record;
  std::unique_ptr<Holder> holder;
  LabHost hosts[2];  // by HostRole; not changed once the lab is up
  std::string family;

  LabHost& host(HostRole role) { return hosts[static_cast<int>(role)]; }

  // Starts one of the lab's own programs, `tcpmedic-lab ROLE --to|--on ADDRESS FLAGS…`, which has
  // `record` as kRecordFd and says on our standard error what goes wrong.
  absl::StatusOr<pid_t> RunRole(HostRole on, std::vector<std::string> command,
                                std::vector<std::string> flags, std::optional<int> record = {}) {
    RunRequest request{.host = on, .argv = {kLabProgram}};
    for (auto* part : {&command, &flags}) {
      for (std::string& argument : *part) request.argv.push_back(std::move(argument));
    }
    std::vector<int> fds = {STDERR_FILENO};
    if (record.has_value()) fds.push_back(*record);
    return holder->Run(std::move(request), fds);
  }

  // Starts a program that listens on all addresses of the server's host, and waits until it does.
  absl::StatusOr<pid_t> RunServer(Lab& lab, const std::string& role, std::vector<std::string> flags,
                                  uint16_t port) {
    const absl::StatusOr<pid_t> pid = RunRole(
        HostRole::kServer, {role, "--on", family == "ipv6" ? "::" : "0.0.0.0"}, std::move(flags));
    if (!pid.ok()) return pid.status();
    const absl::Status listening =
        lab.WaitUntilListening(HostRole::kServer, port, kStartTimeout, *pid);
    if (!listening.ok()) return listening;
    return *pid;
  }

  // Starts a program that sends SYNs from the client's host.
  absl::StatusOr<SynProgram> RunSynProgram(const std::string& role,
                                           std::vector<std::string> flags) {
    absl::StatusOr<std::shared_ptr<SharedMemory<SynRecord>>> record =
        SharedMemory<SynRecord>::Create("tcpmedic-lab-syns");
    if (!record.ok()) return record.status();
    SynProgram program{.started_at = absl::Now(), .record = *std::move(record)};
    const absl::StatusOr<pid_t> pid =
        RunRole(HostRole::kClient, {role, "--to", host(HostRole::kServer).address},
                std::move(flags), program.record->fd());
    if (!pid.ok()) return pid.status();
    program.pid = *pid;
    return program;
  }
};

absl::StatusOr<std::unique_ptr<Lab>> Lab::Start(const LabOptions& options) {
  if (absl::Status status = Validate(options.path); !status.ok()) return status;
  const absl::StatusOr<std::string> binary = FindLabBinary(options.lab_binary);
  if (!binary.ok()) return binary.status();
  absl::StatusOr<std::unique_ptr<SharedMemory<PathRecord>>> record =
      SharedMemory<PathRecord>::Create("tcpmedic-lab-path");
  if (!record.ok()) return record.status();
  auto impl = std::make_unique<Impl>();
  impl->path_record = *std::move(record);
  impl->family = options.ipv6 ? "ipv6" : "ipv4";
  absl::StatusOr<std::unique_ptr<Holder>> holder = Holder::Start(
      *binary, ToFlags(InitOptions{options.path, options.ipv6, options.server_sysctls}),
      impl->path_record->fd());
  if (!holder.ok()) return holder.status();
  impl->holder = *std::move(holder);
  for (const HostRole role : {HostRole::kClient, HostRole::kServer}) {
    const Ready& ready = impl->holder->ready();
    const Ready::Namespace& netns = role == HostRole::kClient ? ready.client : ready.server;
    impl->host(role) = {.name = std::string(Name(role)),
                        .address = std::string(AddressOf(role, options.ipv6)),
                        .netns_inode = netns.inode,
                        .netns_cookie = netns.cookie,
                        .pid = impl->holder->host_pid(role)};
  }
  return std::unique_ptr<Lab>(new Lab(std::move(impl)));
}

Lab::Lab(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lab::~Lab() = default;  // the holder stops

const LabHost& Lab::client() const { return impl_->host(HostRole::kClient); }
const LabHost& Lab::server() const { return impl_->host(HostRole::kServer); }
const std::string& Lab::family() const { return impl_->family; }

absl::StatusOr<Transfer> Lab::RunTransfer(const TransferOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<SharedMemory<TimelineRecord>>> created =
      SharedMemory<TimelineRecord>::Create("tcpmedic-lab-timeline");
  if (!created.ok()) return created.status();
  const std::shared_ptr<SharedMemory<TimelineRecord>> record = *std::move(created);
  Transfer transfer{.timeline = ReceiverTimeline(record)};

  absl::StatusOr<pid_t> pid = impl_->RunRole(
      HostRole::kServer, {"receive", "--on", server().address}, ToFlags(options), record->fd());
  if (!pid.ok()) return pid.status();
  transfer.receiver_pid = *pid;
  const absl::Status listening =
      WaitUntilListening(HostRole::kServer, options.port, kStartTimeout, transfer.receiver_pid);
  if (!listening.ok()) return listening;
  transfer.started_at = absl::Now();
  pid = impl_->RunRole(HostRole::kClient, {"send", "--to", server().address}, ToFlags(options));
  if (!pid.ok()) return pid.status();
  transfer.sender_pid = *pid;
  return transfer;
}

absl::Status Lab::EndTransfer(const Transfer& transfer) {
  // The receiver first: what the sender then still has is refused at once, and does not go on
  // filling the path.
  for (const pid_t pid : {transfer.receiver_pid, transfer.sender_pid}) {
    if (absl::Status status = EndProgram(pid); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<pid_t> Lab::RunListener(const ListenOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return impl_->RunServer(*this, "listen", ToFlags(options), options.port);
}

absl::StatusOr<pid_t> Lab::RunLeakyServer(const LeakyServerOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return impl_->RunServer(*this, "leaky-server", ToFlags(options), options.port);
}

absl::StatusOr<LeakClients> Lab::RunLeakClients(const LeakClientsOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<SharedMemory<LeakClientsRecord>>> record =
      SharedMemory<LeakClientsRecord>::Create("tcpmedic-lab-leak-clients");
  if (!record.ok()) return record.status();
  LeakClients clients{.started_at = absl::Now(), .record = *std::move(record)};
  const absl::StatusOr<pid_t> pid =
      impl_->RunRole(HostRole::kClient, {"leak-clients", "--to", server().address},
                     ToFlags(options), clients.record->fd());
  if (!pid.ok()) return pid.status();
  clients.pid = *pid;
  return clients;
}

absl::StatusOr<SynFlood> Lab::RunSynFlood(const SynFloodOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return impl_->RunSynProgram("syn-flood", ToFlags(options));
}

absl::StatusOr<PortScan> Lab::RunPortScan(const PortScanOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return impl_->RunSynProgram("port-scan", ToFlags(options));
}

absl::StatusOr<Connects> Lab::RunConnects(const ConnectOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<SharedMemory<ConnectRecord>>> created =
      SharedMemory<ConnectRecord>::Create("tcpmedic-lab-connects");
  if (!created.ok()) return created.status();
  const std::shared_ptr<SharedMemory<ConnectRecord>> record = *std::move(created);
  Connects connects{.started_at = absl::Now(), .log = ConnectLog(record)};
  const absl::StatusOr<pid_t> pid = impl_->RunRole(
      HostRole::kClient, {"connect", "--to", server().address}, ToFlags(options), record->fd());
  if (!pid.ok()) return pid.status();
  connects.pid = *pid;
  return connects;
}

absl::Status Lab::EndProgram(pid_t pid) {
  const absl::Status signalled = Signal(pid, SIGTERM);
  if (!signalled.ok() && !absl::IsNotFound(signalled)) return signalled;
  return WaitForExit(pid, kStopTimeout).status();
}

absl::StatusOr<pid_t> Lab::RunCommand(HostRole host, const std::string& command, uint16_t port,
                                      const std::string& output_file) {
  const UniqueFd output(open(output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output.valid()) return ErrnoStatus(absl::StrCat("open ", output_file));
  return impl_->holder->Run({.host = host,
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
      const absl::StatusOr<std::optional<ExitStatus>> exited = impl_->holder->Exited(pid);
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

absl::StatusOr<std::optional<ExitStatus>> Lab::Exited(pid_t pid) {
  return impl_->holder->Exited(pid);
}
absl::StatusOr<ExitStatus> Lab::WaitForExit(pid_t pid, absl::Duration timeout) {
  return impl_->holder->WaitForExit(pid, timeout);
}
absl::Status Lab::Signal(pid_t pid, int signal) { return impl_->holder->Signal(pid, signal); }
PathStats Lab::Stats() const { return (*impl_->path_record)->Read(); }
absl::Status Lab::Health() { return impl_->holder->Health(); }
std::vector<std::string> Lab::Stop() { return impl_->holder->Stop(); }

}  // namespace tcpmedic::lab
