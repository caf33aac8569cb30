// The agent's Prometheus metrics, served on loopback. prometheus-cpp stays inside the .cc. Scrapes
// come on threads of the server's own and read a snapshot. Thread-safe.
#ifndef TCPMEDIC_AGENT_METRICS_H_
#define TCPMEDIC_AGENT_METRICS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/status_board.h"
#include "core/clock.h"

namespace tcpmedic {

// The text exposition format. Pure.
std::string RenderMetrics(const AgentStatus& status, absl::Duration uptime_now);

class MetricsServer {
 public:
  // `address` as AgentConfig::metrics; port 0 takes a free one. The board and the clock outlive the
  // server. Unavailable: the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              const StatusBoard* board,
                                                              const Clock* clock);
  ~MetricsServer();

  int port() const;

 private:
  struct Inside;
  explicit MetricsServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_METRICS_H_
