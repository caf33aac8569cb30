// The directory of the controller's sockets: private to its user, and held by one controller at a
// time. The hold is a lock on DIR/controller.lock that the kernel drops when its holder dies,
// however it dies; so sockets that lie there once the lock is taken are a dead controller's, and
// are removed. Not thread-safe.
#ifndef TCPMEDIC_CONTROLLER_SERVICE_RUNTIME_DIRECTORY_H_
#define TCPMEDIC_CONTROLLER_SERVICE_RUNTIME_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tcpmedic {

class RuntimeDirectory {
 public:
  // FailedPrecondition: another controller is running there, or the path is no directory.
  // PermissionDenied: it belongs to someone else, or others may enter it. InvalidArgument: the
  // sockets' paths would be too long for the kernel.
  static absl::StatusOr<std::unique_ptr<RuntimeDirectory>> Claim(const std::string& path);
  ~RuntimeDirectory();  // removes the sockets, and lets go
  RuntimeDirectory(const RuntimeDirectory&) = delete;
  RuntimeDirectory& operator=(const RuntimeDirectory&) = delete;

  const std::string& agents_socket() const { return agents_socket_; }
  const std::string& operators_socket() const { return operators_socket_; }

 private:
  RuntimeDirectory(const std::string& path, int lock_fd);

  const std::string agents_socket_;
  const std::string operators_socket_;
  const int lock_fd_;
};

// Makes a directory and what is missing above it, 0700. OK where it exists.
absl::Status MakePrivateDirectory(const std::string& path);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_SERVICE_RUNTIME_DIRECTORY_H_
