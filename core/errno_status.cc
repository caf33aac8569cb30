#include "core/errno_status.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace tcpmedic {

std::string ErrnoText(absl::string_view tried, int error) {
  const char* const name = strerrorname_np(error);
  return absl::StrCat(tried, ": ", name == nullptr ? absl::StrCat("errno ", error) : name);
}

absl::Status ErrnoStatus(absl::string_view tried, int error) {
  return ErrnoStatus(tried, error, absl::ErrnoToStatusCode(error));
}

absl::Status ErrnoStatus(absl::string_view tried, int error, absl::StatusCode otherwise) {
  const std::string text = ErrnoText(tried, error);
  switch (error) {
    case EPERM:
    case EACCES:
    case EROFS:
      return absl::PermissionDeniedError(text);
    case ENOENT:
    case ESRCH:
      return absl::NotFoundError(text);
    default:
      return absl::Status(otherwise, text);
  }
}

}  // namespace tcpmedic
