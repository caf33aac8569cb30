// What the close-wait-leak drill came to: what the controller and the agent say, and beside it the
// server that the lab started and its sockets as a dump from outside shows them. Pure.
#ifndef TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_REPORT_H_
#define TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_REPORT_H_

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/drill/drill_report.h"
#include "cli/drill/server_view.h"
#include "lab/leak_clients.h"
#include "lab/leaky_server.h"

namespace tcpmedic::cli {

struct CloseWaitLeakReport : DrillReport {
  // Of the lab's own server; nullopt: it is the user's.
  std::optional<lab::LeakBug> bug;
  pid_t server_pid = 0;  // of the user's server, its shell's
  std::optional<lab::LeakClientCounts> clients;
  // Of the whole namespace, as it was before everything was taken down.
  std::optional<CloseWaitPile> outside;
};

// A problem for each thing that an alert about the lab's own server says and that is not so: which
// process leaks, and by which bug.
void CheckAgainstLab(CloseWaitLeakReport& report);

nlohmann::ordered_json ToJson(const CloseWaitLeakReport& report);

// The frame, with what the lab knows of the server.
std::string RenderDrill(const CloseWaitLeakReport& report, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_REPORT_H_
