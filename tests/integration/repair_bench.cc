#include "tests/integration/repair_bench.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/drill/guard_file.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "observe/inet_diag_socket.h"

namespace tcpmedic::test {
namespace {

namespace fs = std::filesystem;

constexpr uint16_t kPort = 5201;

// The sender's sockets in the namespace of `pid`, which is let go again at once.
absl::StatusOr<std::vector<SocketSample>> SendersIn(pid_t pid) {
  const UniqueFd netns(open(absl::StrCat("/proc/", pid, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return ErrnoStatus("open the client's network namespace");
  absl::StatusOr<std::unique_ptr<InetDiagSocket>> sockets =
      InetDiagSocket::OpenInNamespace(netns.get());
  if (!sockets.ok()) return sockets.status();
  std::vector<SocketSample> senders;
  const absl::StatusOr<DumpStats> dumped =
      (*sockets)->Dump({.states = MaskOf(TcpState::kEstablished)}, [&](const SocketSample& sample) {
        if (sample.remote_port == kPort) senders.push_back(sample);
      });
  if (!dumped.ok()) return dumped.status();
  return senders;
}

}  // namespace

absl::Status RepairBench::Start() {
  absl::StatusOr<std::unique_ptr<lab::Lab>> lab =
      lab::Lab::Start({.path = {}, .ipv6 = false, .lab_binary = Program("tcpmedic-lab")});
  if (!lab.ok()) return lab.status();
  lab_ = *std::move(lab);
  absl::StatusOr<lab::Transfer> transfer = lab_->RunTransfer({});
  if (!transfer.ok()) return transfer.status();
  transfer_ = *std::move(transfer);
  const absl::Status copied = daemons_.CopyPolicies(
      "responses/lossy-path-to-bbr.yaml",
      {{"after: 20s", absl::StrCat("after: ", absl::FormatDuration(kVerifyAfter))}});
  if (!copied.ok()) return copied;
  const cli::DrillGuard guard{{lab_->client().netns_cookie}, {"bbr"}};
  if (absl::Status written = WriteGuardFile(guard, daemons_.guard_path()); !written.ok()) {
    return written;
  }
  daemons_.WatchOnly({lab_->client().netns_inode, lab_->server().netns_inode});
  if (absl::Status started = daemons_.StartController(); !started.ok()) return started;
  return daemons_.StartAgent();
}

absl::Status RepairBench::EndTransfer() { return lab_->Signal(transfer_->sender_pid, SIGKILL); }

absl::Status RepairBench::SetFromOutside(const std::string& algorithm) {
  const absl::StatusOr<std::vector<SocketSample>> senders = SendersIn(lab_->client().pid);
  if (!senders.ok()) return senders.status();
  if (senders->size() != 1) return absl::NotFoundError("not one sender");
  const UniqueFd process(
      static_cast<int>(syscall(SYS_pidfd_open, transfer_->sender_pid, /*flags=*/0)));
  if (!process.valid()) return ErrnoStatus("pidfd_open");
  for (const auto& entry :
       fs::directory_iterator(absl::StrCat("/proc/", transfer_->sender_pid, "/fd"))) {
    int number = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &number)) continue;
    const UniqueFd fd(
        static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), number, /*flags=*/0)));
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    if (!fd.valid() || getsockopt(fd.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0 ||
        cookie != senders->front().key.cookie) {
      continue;
    }
    if (setsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, algorithm.data(), algorithm.size()) !=
        0) {
      return ErrnoStatus("setsockopt TCP_CONGESTION");
    }
    return absl::OkStatus();
  }
  return absl::NotFoundError("the sender holds no such socket");
}

std::string RepairBench::Algorithm() const {
  const absl::StatusOr<std::vector<SocketSample>> senders = SendersIn(lab_->client().pid);
  if (!senders.ok()) return std::string(senders.status().message());
  if (senders->size() != 1) return absl::StrCat(senders->size(), " sockets");
  return std::string(senders->front().cc());
}

bool RepairBench::Reaches(const std::string& algorithm, absl::Duration timeout) const {
  return Eventually(timeout, [&] { return Algorithm() == algorithm; });
}

std::string RepairBench::GuardText() const {
  return cli::GuardYaml({{lab_->client().netns_cookie}, {"bbr"}});
}

}  // namespace tcpmedic::test
