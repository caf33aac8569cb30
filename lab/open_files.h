// For programs of the lab that hold thousands of sockets at once.
#ifndef TCPMEDIC_LAB_OPEN_FILES_H_
#define TCPMEDIC_LAB_OPEN_FILES_H_

#include <sys/resource.h>

#include "absl/status/status.h"
#include "core/errno_status.h"

namespace tcpmedic::lab {

// Raises this process's soft limit of descriptors to its hard one.
inline absl::Status AllowManyOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus("getrlimit RLIMIT_NOFILE");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus("setrlimit RLIMIT_NOFILE");
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_OPEN_FILES_H_
