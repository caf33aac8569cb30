// The two gRPC servers of a controller, one socket each: agents see the gateway, operators their
// service; both have health and reflection. Only through the socket's directory is access given or
// refused. Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_SERVICE_SERVER_H_
#define TCPMEDIC_CONTROLLER_SERVICE_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/coordinator.h"
#include "controller/service/runtime_directory.h"

namespace tcpmedic {

// A report of 1,000 findings with all their sockets and processes is below it.
inline constexpr int kMaxAgentMessageBytes = 4 << 20;
inline constexpr int kMaxOperatorMessageBytes = 64 << 10;

class Server {
 public:
  // Both must outlive the server. Unavailable: a socket cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const RuntimeDirectory& directory,
                                                       Coordinator* coordinator);
  ~Server();

  // Sends the signatures in force to every agent.
  void SendSignatures();
  // Ends every stream in words, and what has not ended after `grace`, by force. Call once.
  void Stop(absl::Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_SERVICE_SERVER_H_
