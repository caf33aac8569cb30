// When to send which report over one stream: changed findings and orders at once, anything else
// every now and then. Level-triggered: only the newest report is ever sent, and a new stream (a new
// SendSchedule) sends the present state first. Pure. Not thread-safe.
#ifndef TCPMEDIC_AGENT_LINK_SEND_SCHEDULE_H_
#define TCPMEDIC_AGENT_LINK_SEND_SCHEDULE_H_

#include <string>

#include "absl/time/time.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

class SendSchedule {
 public:
  explicit SendSchedule(absl::Duration every) : every_(every) {}

  // The uptime at which `newest` is due; minus infinity: now. The same report is sent again after
  // `every`, so that one which the controller could not store is repaired, and the controller hears
  // that the agent lives.
  absl::Duration DueAt(const v1::Report& newest) const;

  void Sent(const v1::Report& report, absl::Duration uptime);

 private:
  absl::Duration every_;
  bool sent_any_ = false;
  absl::Duration sent_at_;
  std::string sent_gist_;
};

// What makes two reports say the same: which findings there are, how severe and how certain, under
// which signatures; and how the orders and their targets stand. Readings that move with each scan
// are in it only for orders under verification: somebody waits for the verdict, and may watch.
std::string GistOf(const v1::Report& report);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_LINK_SEND_SCHEDULE_H_
