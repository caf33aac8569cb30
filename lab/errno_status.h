// errno as a Status: what was tried, and the errno's name: "unshare a network namespace: EPERM".
// Thread-safe.
#ifndef TCPMEDIC_LAB_ERRNO_STATUS_H_
#define TCPMEDIC_LAB_ERRNO_STATUS_H_

#include <string.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tcpmedic::lab {

// Call it before anything else can set errno. EPERM and EACCES: PermissionDenied; ENOENT: NotFound;
// others as absl::ErrnoToStatusCode.
inline absl::Status ErrnoStatus(absl::string_view tried, int error = errno) {
  const char* const name = strerrorname_np(error);
  return absl::Status(absl::ErrnoToStatusCode(error),
                      absl::StrCat(tried, ": ", name != nullptr ? name : "unknown error"));
}

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_ERRNO_STATUS_H_
