// What `systemctl status tcpmedic-agent` says: how the agent is doing, in one line. Pure.
#ifndef TCPMEDIC_AGENT_SERVICE_STATUS_H_
#define TCPMEDIC_AGENT_SERVICE_STATUS_H_

#include <string>

#include "agent/status_board.h"

namespace tcpmedic {

// "12 network namespaces watched, 2 findings, 1 change not yet confirmed; no controller: …; 2
// things amiss, such as: …". Nothing in it changes from scan to scan unless something happens.
std::string ServiceStatus(const AgentStatus& status);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_SERVICE_STATUS_H_
