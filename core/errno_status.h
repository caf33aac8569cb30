// A failed system call as a Status: what was tried, on what, and the errno's name:
// "open /proc/7/net/snmp: EACCES". Pure. Take errno before anything else can set it.
#ifndef TCPMEDIC_CORE_ERRNO_STATUS_H_
#define TCPMEDIC_CORE_ERRNO_STATUS_H_

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

// The text alone. An errno that has no name is "errno 4711".
std::string ErrnoText(absl::string_view tried, int error);

// EPERM, EACCES, EROFS: PermissionDenied; ENOENT, ESRCH: NotFound; each other one as
// absl::ErrnoToStatusCode has it.
absl::Status ErrnoStatus(absl::string_view tried, int error = errno);

// The same, but with `otherwise` for each other one: where callers are promised one code for the
// rest.
absl::Status ErrnoStatus(absl::string_view tried, int error, absl::StatusCode otherwise);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_ERRNO_STATUS_H_
