// The directory that holds the unix sockets: nobody else may enter it, and one `tcpmedic up` owns
// it at a time. Thread-compatible.
#ifndef TCPMEDIC_CLI_PRIVATE_DIRECTORY_H_
#define TCPMEDIC_CLI_PRIVATE_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic::cli {

// Makes `path` and what is missing above it; 0700 itself. An existing one stays as it is.
absl::Status MakeDirectory(const std::string& path);

// PermissionDenied: it is not ours, or others may enter it; says which chmod mends that. A symbolic
// link is refused: in /tmp it may be someone else's.
absl::Status CheckPrivate(const std::string& path);

// Held until destruction or death, however that comes (flock).
class DirectoryLock {
 public:
  // AlreadyExists: another process holds it; the message has its pid.
  static absl::StatusOr<DirectoryLock> Take(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_PRIVATE_DIRECTORY_H_
