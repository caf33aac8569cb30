#include "observe/proc_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

// The code of an errno that says neither NotFound nor PermissionDenied.
constexpr absl::StatusCode kOtherwise = absl::StatusCode::kUnavailable;

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

}  // namespace

absl::StatusOr<ProcDirectory> ProcDirectory::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), kDirectoryFlags));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("open ", path), errno, kOtherwise);
  return ProcDirectory(std::move(fd), path);
}

absl::StatusOr<ProcDirectory> ProcDirectory::OpenDirectory(const std::string& name) const {
  std::string path = absl::StrCat(path_, "/", name);
  UniqueFd fd(openat(fd_.get(), name.c_str(), kDirectoryFlags));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("open ", path), errno, kOtherwise);
  return ProcDirectory(std::move(fd), std::move(path));
}

absl::StatusOr<UniqueFd> ProcDirectory::OpenFile(const std::string& name) const {
  UniqueFd fd(openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("open ", path_, "/", name), errno, kOtherwise);
  return fd;
}

absl::StatusOr<std::string> ProcDirectory::ReadFile(const std::string& name,
                                                    size_t max_bytes) const {
  const absl::StatusOr<UniqueFd> file = OpenFile(name);
  if (!file.ok()) return file.status();
  std::string text(max_bytes, '\0');
  size_t filled = 0;
  while (filled < max_bytes) {
    const ssize_t n = read(file->get(), text.data() + filled, max_bytes - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(absl::StrCat("read ", path_, "/", name), errno, kOtherwise);
    if (n == 0) break;
    filled += n;
  }
  text.resize(filled);
  return text;
}

absl::StatusOr<std::string> ProcDirectory::ReadLink(const std::string& name) const {
  char target[PATH_MAX];
  const ssize_t size = readlinkat(fd_.get(), name.c_str(), target, sizeof(target));
  if (size < 0) return ErrnoStatus(absl::StrCat("readlink ", path_, "/", name), errno, kOtherwise);
  return std::string(target, size);
}

int ProcDirectory::ReadInodeLink(const char* name, absl::string_view kind, uint64_t* inode) const {
  // Long enough for "KIND:[18446744073709551615]"; a longer target is of another kind, and cut.
  char target[64];
  const ssize_t size = readlinkat(fd_.get(), name, target, sizeof(target));
  if (size < 0) return errno;
  absl::string_view text(target, size);
  const bool matches = absl::ConsumePrefix(&text, kind) && absl::ConsumePrefix(&text, ":[") &&
                       absl::ConsumeSuffix(&text, "]") && absl::SimpleAtoi(text, inode);
  return matches ? 0 : EINVAL;
}

int ProcDirectory::ReadInodeOf(const char* name, uint64_t* inode) const {
  struct stat identity;
  if (fstatat(fd_.get(), name, &identity, 0) != 0) return errno;
  *inode = identity.st_ino;
  return 0;
}

absl::Status ProcDirectory::ForEachNumber(
    absl::FunctionRef<bool(int number, const char* name)> visit) const {
  // A stream of its own, from the start: readdir moves the position of the descriptor that it is
  // given.
  UniqueFd fd(openat(fd_.get(), ".", kDirectoryFlags));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("open ", path_), errno, kOtherwise);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(fd.get()), closedir);
  if (stream == nullptr) return ErrnoStatus(absl::StrCat("open ", path_), errno, kOtherwise);
  fd.release();
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    int number = 0;
    if (!absl::SimpleAtoi(entry->d_name, &number)) continue;
    if (!visit(number, entry->d_name)) return absl::OkStatus();
  }
  return errno == 0 ? absl::OkStatus()
                    : ErrnoStatus(absl::StrCat("read ", path_), errno, kOtherwise);
}

}  // namespace tcpmedic
