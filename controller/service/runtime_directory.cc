#include "controller/service/runtime_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/default_paths.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

// A path that someone else can write to, or a symbolic link of theirs, would let them answer in our
// place.
absl::Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return ErrnoStatus(absl::StrCat("stat ", path));
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a directory"));
  }
  if (info.st_uid != geteuid()) {
    return absl::PermissionDeniedError(absl::StrCat(path, " belongs to uid ", info.st_uid,
                                                    ", not to ", geteuid(),
                                                    ": give another --runtime-dir"));
  }
  if ((info.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, " can be entered by others: chmod 700 ", path));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MakePrivateDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  const size_t slash = path.rfind('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0)
    return ErrnoStatus(absl::StrCat("mkdir ", path));
  if (absl::Status above = MakePrivateDirectory(path.substr(0, slash)); !above.ok()) return above;
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoStatus(absl::StrCat("mkdir ", path));
}

absl::StatusOr<std::unique_ptr<RuntimeDirectory>> RuntimeDirectory::Claim(const std::string& path) {
  if (OperatorsSocket(path).size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        OperatorsSocket(path), " is longer than the ", sizeof(sockaddr_un::sun_path) - 1,
        " bytes that a unix socket's path may have: give a shorter --runtime-dir"));
  }
  if (absl::Status made = MakePrivateDirectory(path); !made.ok()) return made;
  if (absl::Status is_private = CheckPrivate(path); !is_private.ok()) return is_private;

  const std::string lock_path = absl::StrCat(path, "/controller.lock");
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return ErrnoStatus(absl::StrCat("open ", lock_path));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    const absl::Status failed = ErrnoStatus(absl::StrCat("lock ", lock_path));
    char pid[16] = {};
    const ssize_t length = pread(fd, pid, sizeof(pid) - 1, 0);
    close(fd);
    if (!held) return failed;
    return absl::FailedPreconditionError(
        absl::StrCat("another controller is running at ", path,
                     length > 0 ? absl::StrCat(" (pid ", absl::StripAsciiWhitespace(pid), ")") : "",
                     ": stop it, or give another --runtime-dir"));
  }
  std::unique_ptr<RuntimeDirectory> directory(new RuntimeDirectory(path, fd));
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return ErrnoStatus(absl::StrCat("write ", lock_path));
  }
  for (const std::string& socket : {directory->agents_socket_, directory->operators_socket_}) {
    if (unlink(socket.c_str()) != 0 && errno != ENOENT)
      return ErrnoStatus(absl::StrCat("remove ", socket));
  }
  return directory;
}

RuntimeDirectory::RuntimeDirectory(const std::string& path, int lock_fd)
    : agents_socket_(AgentsSocket(path)),
      operators_socket_(OperatorsSocket(path)),
      lock_fd_(lock_fd) {}

RuntimeDirectory::~RuntimeDirectory() {
  unlink(agents_socket_.c_str());
  unlink(operators_socket_.c_str());
  close(lock_fd_);
}

}  // namespace tcpmedic
