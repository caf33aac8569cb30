#include "agent/act/netns_sysctls.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/errno_status.h"
#include "core/sysctl_catalogue.h"
#include "core/unique_fd.h"
#include "observe/in_namespace.h"
#include "observe/proc_directory.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxValueBytes = 64;
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

// Mount points are written with \ooo for blank, tab, newline and backslash (proc_pid_mountinfo(5)).
std::string UnescapeMountPoint(absl::string_view text) {
  std::string point;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      point += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      point += text[i];
    }
  }
  return point;
}

// Looks for one namespace among all that the host has, and enters it.
class Search {
 public:
  Search(const ProcDirectory& root, const NetnsRef& netns) : root_(root), netns_(netns) {}

  // Calls `body` inside the namespace, and gives the namespace's inode.
  absl::StatusOr<uint64_t> Enter(absl::FunctionRef<void()> body) {
    if (ThroughProcesses(body) || ThroughThreads(body) || ThroughMounts(body)) return inode_;
    if (!problem_.ok()) return problem_;
    if (denied_ > 0) {
      return absl::PermissionDeniedError(
          absl::StrCat("namespace cookie ", netns_.cookie, ": not found, but ", denied_,
                       " processes could not be looked at (needs CAP_SYS_PTRACE)"));
    }
    return absl::NotFoundError(
        absl::StrCat("no process is in the namespace with cookie ", netns_.cookie, " any more"));
  }

 private:
  // Each looks in one kind of place; true: found, and `body` has run.
  bool ThroughProcesses(absl::FunctionRef<void()> body) {
    bool found = false;
    Note(root_.ForEachNumber([&](int, const char* pid) {
      found = ThroughLink(absl::StrCat(pid, "/ns/net"), body);
      return !found;
    }));
    return found;
  }

  // A thread can be elsewhere than its process's first one, which may have ended.
  bool ThroughThreads(absl::FunctionRef<void()> body) {
    bool found = false;
    Note(root_.ForEachNumber([&](int, const char* pid) {
      const std::string tasks = absl::StrCat(pid, "/task");
      const absl::StatusOr<ProcDirectory> directory = root_.OpenDirectory(tasks);
      if (!directory.ok()) {
        Note(directory.status());
        return true;
      }
      Note(directory->ForEachNumber([&](int, const char* tid) {
        if (absl::string_view(tid) != pid) {
          found = ThroughLink(absl::StrCat(tasks, "/", tid, "/ns/net"), body);
        }
        return !found;
      }));
      return !found;
    }));
    return found;
  }

  // `ip netns add` and container runtimes keep a namespace by mounting it, also while nothing runs
  // in it: between two starts of a service, say.
  bool ThroughMounts(absl::FunctionRef<void()> body) {
    const absl::StatusOr<std::string> mounts = root_.ReadFile("1/mountinfo", kMaxMountinfoBytes);
    if (!mounts.ok() || mounts->size() == kMaxMountinfoBytes) {
      Note(mounts.ok() ? absl::UnavailableError("1/mountinfo is too large") : mounts.status());
      return false;
    }
    for (const absl::string_view line : absl::StrSplit(*mounts, '\n')) {
      // "551 24 0:4 net:[4026532201] /run/netns/blue rw shared:310 - nsfs nsfs rw"
      const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 5));
      uint64_t inode = 0;
      if (fields.size() < 6) continue;
      absl::string_view root = fields[3];
      if (!absl::ConsumePrefix(&root, "net:[") || !absl::ConsumeSuffix(&root, "]") ||
          !absl::SimpleAtoi(root, &inode) || !Wanted(inode)) {
        continue;
      }
      if (Through(absl::StrCat("1/root", UnescapeMountPoint(fields[4])), body)) return true;
    }
    return false;
  }

  bool ThroughLink(const std::string& link, absl::FunctionRef<void()> body) {
    uint64_t inode = 0;
    const int error = root_.ReadInodeLink(link.c_str(), "net", &inode);
    if (error == EACCES || error == EPERM) ++denied_;
    return error == 0 && Wanted(inode) && Through(link, body);
  }

  bool Through(const std::string& path, absl::FunctionRef<void()> body) {
    const absl::StatusOr<UniqueFd> fd = root_.OpenFile(path);
    if (!fd.ok()) {
      Note(fd.status());
      return false;
    }
    // From here on the descriptor holds the namespace, so that its inode is not given to another.
    struct stat identity;
    if (fstat(fd->get(), &identity) != 0 || !Wanted(identity.st_ino)) return false;
    bool found = false;
    absl::Status status;
    const absl::Status entered = InNamespace(fd->get(), [&] {
      const absl::StatusOr<uint64_t> cookie = CookieOfThisThread();
      status = cookie.status();
      found = cookie.ok() && *cookie == netns_.cookie;
      if (found) body();
    });
    status.Update(entered);
    if (status.ok() && !found) others_.insert(identity.st_ino);
    Note(status);
    inode_ = identity.st_ino;
    return found;
  }

  bool Wanted(uint64_t inode) const {
    return (netns_.inode == 0 || inode == netns_.inode) && !others_.contains(inode);
  }

  // What has ended while it was looked at does not have the namespace.
  void Note(const absl::Status& status) {
    if (absl::IsNotFound(status)) return;
    problem_.Update(status);
  }

  const ProcDirectory& root_;
  const NetnsRef& netns_;
  absl::flat_hash_set<uint64_t> others_;  // inodes of namespaces that are not the one
  absl::Status problem_;
  int denied_ = 0;
  uint64_t inode_ = 0;
};

absl::StatusOr<uint64_t> Enter(const std::string& proc_root, const NetnsRef& netns,
                               absl::FunctionRef<void()> body) {
  if (netns.cookie == 0) return absl::InvalidArgumentError("a namespace without its cookie");
  const absl::StatusOr<ProcDirectory> root = ProcDirectory::Open(proc_root);
  if (absl::IsPermissionDenied(root.status())) return root.status();
  if (!root.ok()) return absl::UnavailableError(root.status().message());
  return Search(*root, netns).Enter(body);
}

absl::Status CheckName(absl::string_view name) {
  if (FindSysctl(name) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is not on the list of sysctls that an order may set"));
}

// One file under /proc/sys, opened in the calling thread's namespace.
class SettingFile {
 public:
  static absl::StatusOr<SettingFile> Open(const std::string& proc_root, absl::string_view name,
                                          int mode) {
    std::string path = absl::StrCat(proc_root, "/sys/", SysctlPath(name));
    UniqueFd fd(open(path.c_str(), mode | O_CLOEXEC));
    if (fd.valid()) return SettingFile(std::move(fd), std::move(path));
    const int error = errno;
    // ENOENT must not read as "the namespace is gone".
    if (error == ENOENT) {
      return absl::FailedPreconditionError(
          absl::StrCat("open ", path, ": this namespace shows no such setting"));
    }
    return ErrnoStatus(absl::StrCat("open ", path, Hint(error)), error,
                       absl::StatusCode::kUnavailable);
  }

  absl::StatusOr<int64_t> Read() const {
    char text[kMaxValueBytes];
    const ssize_t size = pread(fd_.get(), text, sizeof(text), 0);
    if (size < 0) return Failed("read ");
    const absl::StatusOr<int64_t> value =
        ParseSysctl(absl::StripAsciiWhitespace(absl::string_view(text, size)));
    if (value.ok()) return value;
    return absl::FailedPreconditionError(
        absl::StrCat("read ", path_, ": ", value.status().message()));
  }

  absl::Status Write(int64_t value) const {
    const std::string text = absl::StrCat(value);
    const ssize_t size = pwrite(fd_.get(), text.data(), text.size(), 0);
    if (size == static_cast<ssize_t>(text.size())) return absl::OkStatus();
    if (size >= 0) return absl::UnavailableError(absl::StrCat("write ", path_, ": a short write"));
    if (errno == EINVAL || errno == ERANGE) {
      return absl::FailedPreconditionError(
          ErrnoText(absl::StrCat("write ", text, " to ", path_), errno));
    }
    return Failed(absl::StrCat("write ", text, " to "));
  }

 private:
  SettingFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Failed(absl::string_view tried) const {
    const int error = errno;
    return absl::Status(ErrnoStatus(absl::StrCat(tried, path_, Hint(error)), error,
                                    absl::StatusCode::kUnavailable));
  }
  static absl::string_view Hint(int error) {
    if (error == EACCES || error == EPERM) return " (needs CAP_NET_ADMIN)";
    return error == EROFS ? " (/proc/sys is mounted read-only)" : "";
  }

  UniqueFd fd_;
  std::string path_;
};

absl::StatusOr<HostControl::Exchange> ReplaceHere(const std::string& proc_root,
                                                  absl::string_view name, int64_t from,
                                                  int64_t to) {
  const absl::StatusOr<SettingFile> file = SettingFile::Open(proc_root, name, O_RDWR);
  if (!file.ok()) return file.status();
  const absl::StatusOr<int64_t> found = file->Read();
  if (!found.ok()) return found.status();
  if (*found != from) return HostControl::Exchange{.changed = false, .now = absl::StrCat(*found)};
  const absl::Status written = file->Write(to);
  if (!written.ok()) return written;
  const absl::StatusOr<int64_t> now = file->Read();
  if (!now.ok()) return now.status();
  return HostControl::Exchange{.changed = true, .now = absl::StrCat(*now)};
}

}  // namespace

absl::StatusOr<uint64_t> NetnsSysctls::InodeOf(const NetnsRef& netns) const {
  return Enter(proc_root_, netns, [] {});
}

absl::StatusOr<std::string> NetnsSysctls::Read(const NetnsRef& netns,
                                               absl::string_view name) const {
  const absl::Status known = CheckName(name);
  if (!known.ok()) return known;
  absl::StatusOr<int64_t> value;
  const absl::StatusOr<uint64_t> entered = Enter(proc_root_, netns, [&] {
    const absl::StatusOr<SettingFile> file = SettingFile::Open(proc_root_, name, O_RDONLY);
    value = file.ok() ? file->Read() : file.status();
  });
  if (!entered.ok()) return entered.status();
  if (!value.ok()) return value.status();
  return absl::StrCat(*value);
}

absl::StatusOr<HostControl::Exchange> NetnsSysctls::Replace(const NetnsRef& netns,
                                                            absl::string_view name,
                                                            absl::string_view from,
                                                            absl::string_view to) const {
  const absl::Status known = CheckName(name);
  if (!known.ok()) return known;
  const absl::StatusOr<int64_t> expected = ParseSysctl(from);
  if (!expected.ok()) return expected.status();
  const absl::StatusOr<int64_t> wanted = ParseSysctl(to);
  if (!wanted.ok()) return wanted.status();
  absl::StatusOr<HostControl::Exchange> exchange;
  const absl::StatusOr<uint64_t> entered = Enter(
      proc_root_, netns, [&] { exchange = ReplaceHere(proc_root_, name, *expected, *wanted); });
  if (!entered.ok()) return entered.status();
  return exchange;
}

}  // namespace tcpmedic
