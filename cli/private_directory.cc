#include "cli/private_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic::cli {
namespace {

// Not the errno's own code: AlreadyExists must mean that another process holds the lock.
constexpr absl::StatusCode kOtherwise = absl::StatusCode::kInternal;

}  // namespace
absl::Status MakeDirectory(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (mkdir(above.c_str(), 0755) != 0 && errno != EEXIST) {
      return ErrnoStatus(absl::StrCat("make directory ", above), errno, kOtherwise);
    }
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(absl::StrCat("make directory ", path), errno, kOtherwise);
  }
  return absl::OkStatus();
}

absl::Status CheckPrivate(const std::string& path) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0)
    return ErrnoStatus(absl::StrCat("stat ", path), errno, kOtherwise);
  if (!S_ISDIR(status.st_mode)) {
    return absl::PermissionDeniedError(absl::StrCat(
        path, " is not a directory: remove it, or choose another place with --runtime-dir"));
  }
  if (status.st_uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, " belongs to uid ", status.st_uid,
                     ": run this as that user, or choose another place with --runtime-dir"));
  }
  if ((status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, " can be entered by others, who could then give orders: chmod 700 ",
                     path, ", or choose another place with --runtime-dir"));
  }
  return absl::OkStatus();
}

absl::StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  const std::string path = directory + "/up.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return ErrnoStatus(absl::StrCat("open ", path), errno, kOtherwise);
  DirectoryLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(absl::StrCat("lock ", path), errno, kOtherwise);
    char pid[32] = {};
    const ssize_t got = read(fd, pid, sizeof(pid) - 1);
    return absl::AlreadyExistsError(absl::StrCat(
        "pid ", absl::StripAsciiWhitespace(absl::string_view(pid, got < 0 ? 0 : got))));
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return ErrnoStatus(absl::StrCat("write ", path), errno, kOtherwise);
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace tcpmedic::cli
