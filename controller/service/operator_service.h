// The operators' side of the controller: each call is the coordinator's; a watch is a stream with a
// bounded queue. Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_SERVICE_OPERATOR_SERVICE_H_
#define TCPMEDIC_CONTROLLER_SERVICE_OPERATOR_SERVICE_H_

#include <memory>

#include "absl/status/status.h"
#include "controller/coordinator.h"

namespace grpc {
class Service;
}

namespace tcpmedic {

// Changes that may wait for one watcher, on top of what was open when it began. At one change of
// each of a thousand incidents it is still served; a terminal that is stopped is not.
inline constexpr size_t kMaxQueuedWatchEvents = 1024;

class OperatorService {
 public:
  // The coordinator must outlive the service, and the service the server that serves it.
  explicit OperatorService(Coordinator* coordinator);
  ~OperatorService();

  grpc::Service* service();
  // Ends every watch with this error.
  void EndAll(const absl::Status& why);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_SERVICE_OPERATOR_SERVICE_H_
