#include "agent/act/journal_storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"

namespace tcpmedic {
namespace {

constexpr char kName[] = "journal";
constexpr char kNewName[] = "journal.new";
constexpr char kLockName[] = "journal.lock";
// Far more than compaction lets it grow to; whatever is larger is not ours.
constexpr size_t kMaxBytes = 64 << 20;

absl::Status WriteAll(int fd, absl::string_view bytes, absl::string_view path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return ErrnoStatus(absl::StrCat("write ", path), errno, absl::StatusCode::kUnavailable);
    bytes.remove_prefix(n);
  }
  return absl::OkStatus();
}

class FileStorage : public JournalStorage {
 public:
  FileStorage(std::string path, UniqueFd dir, UniqueFd lock)
      : path_(std::move(path)), dir_(std::move(dir)), lock_(std::move(lock)) {}

  absl::StatusOr<std::string> Read() override {
    const UniqueFd fd(openat(dir_.get(), kName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid() && errno == ENOENT) return std::string();
    if (!fd.valid())
      return ErrnoStatus(absl::StrCat("open ", path_), errno, absl::StatusCode::kUnavailable);
    std::string contents;
    char buffer[16 * 1024];
    while (true) {
      const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0)
        return ErrnoStatus(absl::StrCat("read ", path_), errno, absl::StatusCode::kUnavailable);
      if (n == 0) return contents;
      contents.append(buffer, n);
      if (contents.size() > kMaxBytes) {
        return absl::DataLossError(absl::StrCat(path_, " is larger than any journal of ours"));
      }
    }
  }

  absl::Status Append(absl::string_view bytes) override {
    if (!file_.valid()) return absl::FailedPreconditionError("Append before Replace");
    if (absl::Status written = WriteAll(file_.get(), bytes, path_); !written.ok()) return written;
    if (fsync(file_.get()) != 0)
      return ErrnoStatus(absl::StrCat("fsync ", path_), errno, absl::StatusCode::kUnavailable);
    return absl::OkStatus();
  }

  absl::Status Replace(absl::string_view contents) override {
    const std::string new_path = absl::StrCat(path_, ".new");
    UniqueFd fd(openat(dir_.get(), kNewName,
                       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid())
      return ErrnoStatus(absl::StrCat("create ", new_path), errno, absl::StatusCode::kUnavailable);
    if (absl::Status written = WriteAll(fd.get(), contents, new_path); !written.ok()) {
      return written;
    }
    if (fsync(fd.get()) != 0)
      return ErrnoStatus(absl::StrCat("fsync ", new_path), errno, absl::StatusCode::kUnavailable);
    if (renameat(dir_.get(), kNewName, dir_.get(), kName) != 0) {
      return ErrnoStatus(absl::StrCat("rename ", new_path), errno, absl::StatusCode::kUnavailable);
    }
    file_ = std::move(fd);
    if (fsync(dir_.get()) != 0)
      return ErrnoStatus("fsync the journal's directory", errno, absl::StatusCode::kUnavailable);
    return absl::OkStatus();
  }

 private:
  std::string path_;
  UniqueFd dir_;
  UniqueFd lock_;
  UniqueFd file_;  // for appending
};

}  // namespace

absl::StatusOr<std::unique_ptr<JournalStorage>> OpenJournalStorage(const std::string& dir) {
  if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(absl::StrCat("mkdir ", dir), errno, absl::StatusCode::kUnavailable);
  }
  UniqueFd dir_fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat identity;
  if (!dir_fd.valid() || fstat(dir_fd.get(), &identity) != 0) {
    return ErrnoStatus(absl::StrCat("open ", dir), errno, absl::StatusCode::kUnavailable);
  }
  // Whoever writes the journal chooses what is set on sockets as root.
  if (identity.st_uid != geteuid() || (identity.st_mode & 022) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(dir, " must belong to the agent's user and not be writable by others"));
  }
  UniqueFd lock(openat(dir_fd.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid())
    return ErrnoStatus(absl::StrCat("open ", dir, "/", kLockName), errno,
                       absl::StatusCode::kUnavailable);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return ErrnoStatus(absl::StrCat("lock ", dir, "/", kLockName), errno,
                         absl::StatusCode::kUnavailable);
    return absl::FailedPreconditionError(
        absl::StrCat(dir, "/", kName, " is in use by another tcpmedic-agent"));
  }
  return std::make_unique<FileStorage>(absl::StrCat(dir, "/", kName), std::move(dir_fd),
                                       std::move(lock));
}

}  // namespace tcpmedic
