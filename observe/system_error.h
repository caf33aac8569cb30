// A failed system call as a Status that names what was tried and the errno: "setns: EPERM". Pure.
#ifndef TCPMEDIC_OBSERVE_SYSTEM_ERROR_H_
#define TCPMEDIC_OBSERVE_SYSTEM_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

// EPERM, EACCES: PermissionDenied. ENOENT, ESRCH: NotFound. Anything else: Unavailable.
absl::Status SystemError(absl::string_view attempted, int error);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_SYSTEM_ERROR_H_
