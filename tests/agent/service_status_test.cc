#include "agent/service_status.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(ServiceStatus, SaysWhatIsWatchedAndFound) {
  AgentStatus status;
  status.scan.set_namespaces(12);
  status.findings_by_signature = {{"pinned-cwnd", 2}, {"syn-flood-absorbed", 0}};
  status.link.connected = true;
  EXPECT_EQ(ServiceStatus(status), "12 network namespaces watched, 2 findings");
}

TEST(ServiceStatus, SaysWhatIsAmiss) {
  AgentStatus status;
  status.scan.set_namespaces(1);
  status.scan.add_degraded("the agent only observes: open guard.yaml: ENOENT");
  status.scan.add_degraded("no metrics are served");
  status.findings_by_signature = {{"pinned-cwnd", 1}};
  status.orders.live = 1;
  status.link.problem = "connect: ENOENT";
  EXPECT_EQ(ServiceStatus(status),
            "1 network namespace watched, 1 finding, 1 change not yet confirmed; no controller: "
            "connect: ENOENT; 2 things amiss, such as: the agent only observes: open guard.yaml: "
            "ENOENT");
}

}  // namespace
}  // namespace tcpmedic
