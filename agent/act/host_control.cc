#include "agent/act/host_control.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
// glibc 2.36 declares these functions for C only.
extern "C" {
#include <sys/pidfd.h>
}

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/act/netns_sysctls.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "observe/proc_directory.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxAlgorithmName = 16;  // TCP_CA_NAME_MAX, with its zero

absl::StatusOr<uint64_t> CookieOption(int fd, int option, absl::string_view name) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (getsockopt(fd, SOL_SOCKET, option, &cookie, &size) != 0) {
    return ErrnoStatus(absl::StrCat("getsockopt ", name), errno, absl::StatusCode::kUnavailable);
  }
  return cookie;
}

bool Is(int fd, const SocketKey& key) {
  // A file that is no socket has no cookies: the descriptor was used again.
  const absl::StatusOr<uint64_t> cookie = CookieOption(fd, SO_COOKIE, "SO_COOKIE");
  const absl::StatusOr<uint64_t> netns = CookieOption(fd, SO_NETNS_COOKIE, "SO_NETNS_COOKIE");
  return cookie.ok() && netns.ok() && *cookie == key.cookie && *netns == key.netns_cookie;
}

// By number: glibc 2.36 declares both, but not for C++.
int PidfdOpen(int pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
int PidfdGetfd(int pidfd, int fd) {
  return static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

// A duplicate of what `holder` names; PermissionDenied names the capability.
absl::StatusOr<UniqueFd> Duplicate(const Holder& holder) {
  const UniqueFd process(PidfdOpen(holder.pid));
  if (!process.valid())
    return ErrnoStatus(absl::StrCat("pidfd_open of pid ", holder.pid), errno,
                       absl::StatusCode::kUnavailable);
  UniqueFd fd(PidfdGetfd(process.get(), holder.fd));
  if (fd.valid()) return fd;
  if (errno == EBADF || errno == ESRCH) {
    return absl::NotFoundError(absl::StrCat("pid ", holder.pid, " has no descriptor ", holder.fd));
  }
  return ErrnoStatus(absl::StrCat("pidfd_getfd of pid ", holder.pid,
                                  errno == EPERM ? " (needs CAP_SYS_PTRACE)" : ""),
                     errno, absl::StatusCode::kUnavailable);
}

absl::StatusOr<UniqueFd> OpenSocket(const Whereabouts& socket) {
  absl::Status problem = absl::NotFoundError("no process holds the socket any more");
  for (const Holder& holder : socket.holders) {
    absl::StatusOr<UniqueFd> fd = Duplicate(holder);
    if (fd.ok() && Is(fd->get(), socket.key)) return fd;
    if (!fd.ok() && !absl::IsNotFound(fd.status())) problem = fd.status();
  }
  return problem;
}

absl::StatusOr<std::string> CongestionControlOf(int fd) {
  char name[kMaxAlgorithmName] = {};
  socklen_t size = sizeof(name) - 1;
  if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size) != 0) {
    return ErrnoStatus("getsockopt TCP_CONGESTION", errno, absl::StatusCode::kUnavailable);
  }
  return std::string(name);
}

// Whether we have CAP_NET_ADMIN over the socket's namespace, where our own effective set says
// nothing if the namespace belongs to another user namespace. TCP_REPAIR is refused with EPERM
// before its value is looked at, and a value that does not exist with EINVAL after
// (do_tcp_setsockopt in net/ipv4/tcp.c): nothing is ever changed.
bool AdministersNamespaceOf(int fd) {
  constexpr int kNoSuchMode = 0x7463706d;
  return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &kNoSuchMode, sizeof(kNoSuchMode)) != 0 &&
         errno == EINVAL;
}

uint64_t InodeOf(int fd) {
  struct stat identity;
  return fstat(fd, &identity) == 0 ? identity.st_ino : 0;
}

class RealHostControl : public HostControl {
 public:
  explicit RealHostControl(std::string proc_root)
      : proc_root_(std::move(proc_root)), processes_(proc_root_), sysctls_(proc_root_) {}

  bool Locate(absl::Span<Whereabouts> sockets, absl::Span<const int> pids) override {
    absl::flat_hash_set<uint32_t> inodes;
    for (const Whereabouts& socket : sockets) inodes.insert(socket.inode);
    HolderScan scan;
    if (pids.empty()) {
      scan = processes_.FindHolders(inodes);
    } else {
      for (const int pid : pids) AddHoldings(pid, inodes, &scan);
    }
    for (Whereabouts& socket : sockets) {
      const auto found = scan.holders.find(socket.inode);
      socket.holders = found == scan.holders.end() ? std::vector<Holder>() : found->second;
    }
    return scan.complete && scan.processes_denied == 0;
  }

  absl::StatusOr<SocketFacts> Read(const Whereabouts& socket) override {
    const absl::StatusOr<UniqueFd> fd = OpenSocket(socket);
    if (!fd.ok()) return fd.status();
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (getsockopt(fd->get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
      return ErrnoStatus("getsockopt TCP_INFO", errno, absl::StatusCode::kUnavailable);
    }
    absl::StatusOr<std::string> algorithm = CongestionControlOf(fd->get());
    if (!algorithm.ok()) return algorithm.status();

    SocketFacts facts;
    facts.state = static_cast<TcpState>(info.tcpi_state);
    facts.congestion_control = *std::move(algorithm);
    // Setting an algorithm that is in force already is never refused, so it cannot be tried: what
    // the kernel asks when it is not in force any more is looked up (tcp_set_congestion_control in
    // net/ipv4/tcp_cong.c).
    facts.restorable =
        AdministersNamespaceOf(fd->get()) || IsUnrestricted(facts.congestion_control);
    const UniqueFd netns(ioctl(fd->get(), SIOCGSKNS));
    if (netns.valid()) {
      facts.netns_inode = InodeOf(netns.get());
      facts.in_host_netns = InHostNetns(facts.netns_inode);
    }
    return facts;
  }

  absl::StatusOr<Exchange> ExchangeCongestionControl(const Whereabouts& socket,
                                                     absl::string_view from,
                                                     absl::string_view to) override {
    const absl::StatusOr<UniqueFd> fd = OpenSocket(socket);
    if (!fd.ok()) return fd.status();
    absl::StatusOr<std::string> now = CongestionControlOf(fd->get());
    if (!now.ok()) return now.status();
    if (*now != from) return Exchange{.changed = false, .now = *std::move(now)};
    if (setsockopt(fd->get(), IPPROTO_TCP, TCP_CONGESTION, to.data(), to.size()) != 0) {
      const int error = errno;
      // The kernel says ENOENT, which here must not read as "the socket is gone".
      if (error == ENOENT) {
        return absl::FailedPreconditionError(
            absl::StrCat("setsockopt TCP_CONGESTION ", to, ": this kernel has no such algorithm"));
      }
      return ErrnoStatus(absl::StrCat("setsockopt TCP_CONGESTION ", to,
                                      error == EPERM ? " (needs CAP_NET_ADMIN)" : ""),
                         error, absl::StatusCode::kUnavailable);
    }
    now = CongestionControlOf(fd->get());
    if (!now.ok()) return now.status();
    return Exchange{.changed = true, .now = *std::move(now)};
  }

  absl::StatusOr<NetnsFacts> FindNetns(const NetnsRef& netns) override {
    const absl::StatusOr<uint64_t> inode = sysctls_.InodeOf(netns);
    if (!inode.ok()) return inode.status();
    return NetnsFacts{
        .cookie = netns.cookie, .inode = *inode, .in_host_netns = InHostNetns(*inode)};
  }

  absl::StatusOr<std::string> ReadSysctl(const NetnsRef& netns, absl::string_view name) override {
    return sysctls_.Read(netns, name);
  }

  absl::StatusOr<Exchange> ExchangeSysctl(const NetnsRef& netns, absl::string_view name,
                                          absl::string_view from, absl::string_view to) override {
    return sysctls_.Replace(netns, name, from, to);
  }

  absl::StatusOr<v1::Process> Describe(int pid) override { return processes_.Read(pid); }

 private:
  void AddHoldings(int pid, const absl::flat_hash_set<uint32_t>& inodes, HolderScan* scan) {
    const auto fds = ProcDirectory::Open(absl::StrCat(proc_root_, "/", pid, "/fd"));
    absl::Status status = fds.status();
    if (fds.ok()) {
      status = fds->ForEachNumber([&](int fd, const char* name) {
        uint64_t inode = 0;
        if (fds->ReadInodeLink(name, "socket", &inode) == 0 &&
            inodes.contains(static_cast<uint32_t>(inode))) {
          scan->holders[static_cast<uint32_t>(inode)].push_back({.pid = pid, .fd = fd});
        }
        return true;
      });
    }
    if (!status.ok() && !absl::IsNotFound(status)) scan->complete = false;
  }

  // The list is one for all namespaces (tcp_get_allowed_congestion_control), so ours says it for
  // any.
  bool IsUnrestricted(absl::string_view algorithm) const {
    const auto directory = ProcDirectory::Open(absl::StrCat(proc_root_, "/sys/net/ipv4"));
    if (!directory.ok()) return false;
    const auto text = directory->ReadFile("tcp_allowed_congestion_control");
    if (!text.ok()) return false;
    const std::vector<absl::string_view> names =
        absl::StrSplit(absl::StripAsciiWhitespace(*text), ' ', absl::SkipEmpty());
    return std::find(names.begin(), names.end(), algorithm) != names.end();
  }

  // As observe/namespaces.h names it: that of pid 1, or our own where pid 1 may not be looked at.
  std::optional<bool> InHostNetns(uint64_t inode) const {
    const auto root = ProcDirectory::Open(proc_root_);
    uint64_t hosts = 0;
    if (inode == 0 || !root.ok() ||
        (root->ReadInodeLink("1/ns/net", "net", &hosts) != 0 &&
         root->ReadInodeLink("thread-self/ns/net", "net", &hosts) != 0)) {
      return std::nullopt;
    }
    return inode == hosts;
  }

  const std::string proc_root_;
  const Processes processes_;
  const NetnsSysctls sysctls_;
};

}  // namespace

std::unique_ptr<HostControl> MakeHostControl(std::string proc_root) {
  return std::make_unique<RealHostControl>(std::move(proc_root));
}

}  // namespace tcpmedic
