#include "observe/system_error.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tcpmedic {

absl::Status SystemError(absl::string_view attempted, int error) {
  const char* name = strerrorname_np(error);
  const std::string text =
      absl::StrCat(attempted, ": ", name == nullptr ? absl::StrCat("errno ", error) : name);
  switch (error) {
    case EPERM:
    case EACCES:
      return absl::PermissionDeniedError(text);
    case ENOENT:
    case ESRCH:
      return absl::NotFoundError(text);
    default:
      return absl::UnavailableError(text);
  }
}

}  // namespace tcpmedic
