// The syn-flood drill: a flood of SYNs from addresses that nobody owns beside legitimate clients,
// on a throwaway network, with a controller and an agent of its own that watch it as they would a
// host. Nothing that they decide uses what the lab knows.
#ifndef TCPMEDIC_CLI_DRILL_SYN_FLOOD_H_
#define TCPMEDIC_CLI_DRILL_SYN_FLOOD_H_

#include "absl/status/statusor.h"
#include "cli/drill/approval.h"
#include "cli/drill/syn_flood_options.h"
#include "cli/drill/syn_flood_report.h"
#include "cli/progress.h"

namespace tcpmedic::cli {

// Runs to its end: about 25 s to the proposal or the note, 50 s to the verdict. Otherwise as
// RunLossyPath.
absl::StatusOr<SynFloodReport> RunSynFlood(const SynFloodOptions& options, Progress& progress,
                                           AskPerson ask);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_SYN_FLOOD_H_
