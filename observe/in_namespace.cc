#include "observe/in_namespace.h"

#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "core/errno_status.h"

namespace tcpmedic {

absl::Status InNamespace(int netns_fd, absl::FunctionRef<void()> body) {
  absl::Status status;
  const auto visit = [&] {
    if (setns(netns_fd, CLONE_NEWNET) == 0) {
      body();
    } else {
      status = ErrnoStatus(errno == EPERM ? "setns (needs CAP_SYS_ADMIN)" : "setns", errno,
                           absl::StatusCode::kUnavailable);
    }
  };
  try {
    std::thread(visit).join();
  } catch (const std::system_error& error) {
    return ErrnoStatus("start a thread", error.code().value(), absl::StatusCode::kUnavailable);
  }
  return status;
}

}  // namespace tcpmedic
