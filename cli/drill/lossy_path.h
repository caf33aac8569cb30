// The lossy-path drill: a transfer over a long path that loses packets, on a throwaway network,
// with a controller and an agent of its own that watch it as they would a host. Nothing that they
// decide uses what the lab knows.
#ifndef TCPMEDIC_CLI_DRILL_LOSSY_PATH_H_
#define TCPMEDIC_CLI_DRILL_LOSSY_PATH_H_

#include "absl/status/statusor.h"
#include "cli/drill/approval.h"
#include "cli/drill/lossy_path_options.h"
#include "cli/drill/lossy_path_report.h"
#include "cli/progress.h"

namespace tcpmedic::cli {

// Runs to its end: about 20 s to the proposal, 45 s to the verdict, 30 s where nothing is found.
// Call it from the main thread, before anything makes threads. PermissionDenied: not root.
// FailedPrecondition: the state directory is in use. Aborted: one of the lab's or the drill's
// programs ended; the message says why. Cancelled: SIGINT or SIGTERM. Nothing is left behind either
// way.
absl::StatusOr<LossyPathReport> RunLossyPath(const LossyPathOptions& options, Progress& progress,
                                             AskPerson ask);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_LOSSY_PATH_H_
