#include "agent/act/netns_search.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "observe/in_namespace.h"
#include "observe/proc_directory.h"

namespace tcpmedic {
namespace {

// A host with a thousand containers has some ten thousand mounts of some 200 bytes.
constexpr size_t kMaxMountinfoBytes = 16 * 1024 * 1024;

// SO_NETNS_COOKIE of the calling thread's namespace. Any family will do, and every kernel has this
// one.
absl::StatusOr<uint64_t> CookieOfThisThread() {
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (!fd.valid() || getsockopt(fd.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) {
    return ErrnoStatus("getsockopt SO_NETNS_COOKIE (since Linux 5.14)", errno,
                       absl::StatusCode::kUnavailable);
  }
  return cookie;
}

// Mount points are written with \ooo for blank, tab, newline and backslash
// (proc_pid_mountinfo(5)).
std::string UnescapeMountPoint(absl::string_view text) {
  std::string point;
  while (!text.empty()) {
    if (text[0] == '\\' && text.size() > 3) {
      point += static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
      text.remove_prefix(4);
    } else {
      point += text[0];
      text.remove_prefix(1);
    }
  }
  return point;
}

class Search {
 public:
  Search(const ProcDirectory& root, const NetnsRef& netns, absl::FunctionRef<void()> body)
      : root_(root), netns_(netns), body_(body) {}

  // The likely places first.
  absl::StatusOr<uint64_t> Run() {
    if (ThroughProcesses() || ThroughThreads() || ThroughMounts("thread-self") ||
        ThroughMounts("1")) {
      return found_inode_;
    }
    if (!problem_.ok()) return problem_;
    if (const size_t unknown = CountDeniedThatMayBeThere(); unknown > 0) {
      return absl::PermissionDeniedError(
          absl::StrCat("not found, but ", unknown,
                       " processes and threads could not be looked at (needs CAP_SYS_PTRACE)"));
    }
    return absl::NotFoundError(
        absl::StrCat("nothing is in the network namespace with cookie ", netns_.cookie));
  }

 private:
  // Each looks in one kind of place. True: found, and `body` has run.
  bool ThroughProcesses() {
    bool found = false;
    Note(root_.ForEachNumber([&](int, const char* pid) {
      found = ThroughTask(pid);
      return !found;
    }));
    return found;
  }

  // A thread can be elsewhere than its process's first one, which may have ended.
  bool ThroughThreads() {
    bool found = false;
    Note(root_.ForEachNumber([&](int, const char* pid) {
      const std::string tasks = absl::StrCat(pid, "/task");
      const absl::StatusOr<ProcDirectory> directory = root_.OpenDirectory(tasks);
      if (!directory.ok()) {
        Note(directory.status());
        return true;
      }
      Note(directory->ForEachNumber([&](int, const char* tid) {
        found = absl::string_view(tid) != pid && ThroughTask(absl::StrCat(tasks, "/", tid));
        return !found;
      }));
      return !found;
    }));
    return found;
  }

  bool ThroughMounts(const std::string& task) {
    const std::string path = absl::StrCat(task, "/mountinfo");
    const absl::StatusOr<std::string> mounts = root_.ReadFile(path, kMaxMountinfoBytes);
    Note(mounts.status());
    if (!mounts.ok()) return false;
    if (mounts->size() == kMaxMountinfoBytes) {
      Note(absl::UnavailableError(absl::StrCat("read ", path, ": too many mounts")));
    }
    for (const absl::string_view line : absl::StrSplit(*mounts, '\n')) {
      // "551 24 0:4 net:[4026532201] /run/netns/blue rw shared:310 - nsfs nsfs rw"
      const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 5));
      if (fields.size() < 6) continue;
      absl::string_view mounted = fields[3];
      uint64_t inode = 0;
      if (absl::ConsumePrefix(&mounted, "net:[") && absl::ConsumeSuffix(&mounted, "]") &&
          absl::SimpleAtoi(mounted, &inode) && MayBe(inode) &&
          Through(absl::StrCat(task, "/root", UnescapeMountPoint(fields[4])))) {
        return true;
      }
    }
    return false;
  }

  // `task`: "812" or "812/task/815".
  bool ThroughTask(const std::string& task) {
    const std::string link = absl::StrCat(task, "/ns/net");
    uint64_t inode = 0;
    const int error = root_.ReadInodeLink(link.c_str(), "net", &inode);
    if (error == EACCES || error == EPERM) denied_.push_back(task);
    return error == 0 && MayBe(inode) && Through(link);
  }

  bool Through(const std::string& path) {
    const absl::StatusOr<UniqueFd> fd = root_.OpenFile(path);
    Note(fd.status());
    // From here on the descriptor holds the namespace, so that its inode is not given to another.
    struct stat identity;
    if (!fd.ok() || fstat(fd->get(), &identity) != 0 || !MayBe(identity.st_ino)) return false;
    absl::StatusOr<uint64_t> cookie;
    const absl::Status entered = InNamespace(fd->get(), [&] {
      cookie = CookieOfThisThread();
      if (cookie.ok() && *cookie == netns_.cookie) body_();
    });
    Note(entered.ok() ? cookie.status() : entered);
    if (!entered.ok() || !cookie.ok()) return false;
    if (*cookie != netns_.cookie) {
      others_.insert(identity.st_ino);
      return false;
    }
    found_inode_ = identity.st_ino;
    return true;
  }

  bool MayBe(uint64_t inode) const {
    return (netns_.inode == 0 || inode == netns_.inode) && !others_.contains(inode);
  }

  // What may not be looked at can still be known to be elsewhere. /proc/PID/net needs no right to
  // look at the process (get_proc_task_net in fs/proc/proc_net.c), and its files have one inode for
  // each namespace: so a process is in the namespace of another whose files are the same.
  size_t CountDeniedThatMayBeThere() const {
    if (denied_.empty()) return 0;
    absl::flat_hash_set<uint64_t> elsewhere;
    const absl::Status scanned = root_.ForEachNumber([&](int, const char* pid) {
      uint64_t inode = 0;
      if (root_.ReadInodeLink(absl::StrCat(pid, "/ns/net").c_str(), "net", &inode) == 0 &&
          !MayBe(inode)) {
        const absl::StatusOr<uint64_t> file = NetFileOf(pid);
        if (file.ok()) elsewhere.insert(*file);
      }
      return true;
    });
    if (!scanned.ok() || elsewhere.empty()) return denied_.size();
    size_t unknown = 0;
    for (const std::string& task : denied_) {
      const absl::StatusOr<uint64_t> file = NetFileOf(task);
      // Since others have such a file, a task without one has ended.
      if (file.ok() ? !elsewhere.contains(*file) : !absl::IsNotFound(file.status())) ++unknown;
    }
    return unknown;
  }

  absl::StatusOr<uint64_t> NetFileOf(absl::string_view task) const {
    const absl::StatusOr<UniqueFd> fd = root_.OpenFile(absl::StrCat(task, "/net/snmp"));
    if (!fd.ok()) return fd.status();
    struct stat identity;
    if (fstat(fd->get(), &identity) != 0) return absl::UnavailableError("fstat");
    return identity.st_ino;
  }

  // What has ended while it was looked at has no namespace.
  void Note(const absl::Status& status) {
    if (!absl::IsNotFound(status)) problem_.Update(status);
  }

  const ProcDirectory& root_;
  const NetnsRef& netns_;
  const absl::FunctionRef<void()> body_;
  absl::flat_hash_set<uint64_t> others_;  // inodes of namespaces with other cookies
  std::vector<std::string> denied_;       // tasks whose namespace may not be looked at
  absl::Status problem_;                  // the first that leaves the answer open
  uint64_t found_inode_ = 0;
};

}  // namespace

absl::StatusOr<uint64_t> EnterNetns(const std::string& proc_root, const NetnsRef& netns,
                                    absl::FunctionRef<void()> body) {
  if (netns.cookie == 0)
    return absl::InvalidArgumentError("a network namespace without its cookie");
  const absl::StatusOr<ProcDirectory> root = ProcDirectory::Open(proc_root);
  if (absl::IsPermissionDenied(root.status())) return root.status();
  if (!root.ok()) return absl::UnavailableError(root.status().message());
  return Search(*root, netns, body).Run();
}

}  // namespace tcpmedic
