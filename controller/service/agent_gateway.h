// The agents' side of the controller: one stream per host, whose messages become the coordinator's
// events. What waits to be sent is at most one message of each kind, the newest, so that an agent
// which does not read costs nothing. Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_SERVICE_AGENT_GATEWAY_H_
#define TCPMEDIC_CONTROLLER_SERVICE_AGENT_GATEWAY_H_

#include <memory>

#include "absl/status/status.h"
#include "controller/coordinator.h"

namespace grpc {
class Service;
}

namespace tcpmedic {

class AgentGateway {
 public:
  // The coordinator must outlive the gateway, and the gateway the server that serves it.
  explicit AgentGateway(Coordinator* coordinator);
  ~AgentGateway();

  grpc::Service* service();

  // Sends the signatures in force to every agent that is connected.
  void SendSignatures();
  // Ends every stream with this error.
  void EndAll(const absl::Status& why);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_SERVICE_AGENT_GATEWAY_H_
