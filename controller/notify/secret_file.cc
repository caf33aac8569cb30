#include "controller/notify/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxBytes = 16 << 10;

}  // namespace

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  // O_NONBLOCK: a FIFO in its place must not stop us.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("open ", path));
  // Of what is open, so that nobody exchanges it between the two.
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return ErrnoStatus(absl::StrCat("stat ", path));
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  }
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, " belongs to user ", status.st_uid, ", who could exchange it"));
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(path, " is open to others: chmod 0600 ", path));
  }
  std::string content(kMaxBytes + 1, '\0');
  size_t length = 0;
  while (length < content.size()) {
    const ssize_t got = read(fd.get(), content.data() + length, content.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(absl::StrCat("read ", path));
    if (got == 0) break;
    length += got;
  }
  if (length > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is longer than 16 KiB"));
  }
  content.resize(length);
  std::string secret(absl::StripAsciiWhitespace(content));
  if (secret.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  if (!std::all_of(secret.begin(), secret.end(),
                   [](unsigned char c) { return absl::ascii_isprint(c); })) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " must hold one line of printable ASCII characters"));
  }
  return secret;
}

}  // namespace tcpmedic
