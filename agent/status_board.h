// How the agent is doing, for the metrics and for `degraded`: each part writes its own entry,
// anyone reads the whole. Thread-safe.
#ifndef TCPMEDIC_AGENT_STATUS_BOARD_H_
#define TCPMEDIC_AGENT_STATUS_BOARD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

struct LinkStatus {
  bool connected = false;  // Welcome has come, and the stream stands
  int64_t connects = 0;    // streams that got as far as Welcome
  int64_t reports_sent = 0;
  int64_t reports_acked = 0;
  std::string problem = {};  // why it is not connected; empty while it is
};

struct OrderCounts {
  std::map<v1::Order::State, int64_t> by_state = {};  // how often one came to it, since start
  int64_t live = 0;                                   // applied, and not decided yet
};

struct AgentStatus {
  int64_t scans = 0;
  absl::Duration scan_cpu_total;
  absl::Duration newest_sample_uptime;  // when it was taken; 0: none yet
  v1::ScanStats scan;                   // of the newest report
  std::map<std::string, int64_t> findings_by_signature;
  LinkStatus link;
  OrderCounts orders;
};

class StatusBoard {
 public:
  AgentStatus Read() const;

  // Counts one scan in. `sampled_uptime`: when its samples were taken.
  void Scanned(const v1::Report& report, absl::Duration sampled_uptime);
  void SetLink(LinkStatus link);
  void SetOrders(OrderCounts orders);

  // What stays wrong whatever a scan sees: set once at start, or replaced by the part that it
  // belongs to. An empty text removes the entry.
  void SetProblem(const std::string& part, std::string text);
  std::vector<std::string> Problems() const;  // in the order of the parts' names

 private:
  mutable absl::Mutex mutex_;
  AgentStatus status_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> problems_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_STATUS_BOARD_H_
