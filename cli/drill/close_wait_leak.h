// The close-wait-leak drill: a server that does not close what its clients have closed, on a
// throwaway network, with a controller and an agent of its own that watch it as they would a host.
// Nothing that they decide uses what the lab knows.
#ifndef TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_H_
#define TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_H_

#include "absl/status/statusor.h"
#include "cli/drill/approval.h"
#include "cli/drill/close_wait_leak_options.h"
#include "cli/drill/close_wait_leak_report.h"
#include "cli/progress.h"

namespace tcpmedic::cli {

// Runs to its end: about 25 s to the alert, and some 90 s where call sites are sampled. Nobody is
// asked anything: the host is not changed. Otherwise as RunLossyPath.
absl::StatusOr<CloseWaitLeakReport> RunCloseWaitLeak(const CloseWaitLeakOptions& options,
                                                     Progress& progress, AskPerson ask);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_H_
