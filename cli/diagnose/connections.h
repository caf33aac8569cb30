// Which connections of a trace to show, and each in words. Pure.
#ifndef TCPMEDIC_CLI_DIAGNOSE_CONNECTIONS_H_
#define TCPMEDIC_CLI_DIAGNOSE_CONNECTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/diagnose/diagnosis_view.h"
#include "cli/render/text.h"
#include "diagnosis/trace/tracker.h"

namespace tcpmedic::cli {

// The connections to draw, in the order of the trace. Unless asked for: three at most, and of each
// outcome one, those first that failed. NotFound: none is of the address that was asked for; names
// some that there are. InvalidArgument: it is no address. Points into `trace`.
absl::StatusOr<std::vector<const TrackedConnection*>> ConnectionsToDraw(
    const TraceResult& trace, const ShownConnections& shown);

// "10.0.0.5:51514 → 10.0.0.9:6379".
std::string ConnectionText(const TrackedConnection& connection);
// "412 connections: 300 closed, 100 established, 12 reset". Empty: there is none.
std::string CensusText(const TraceResult& trace);
// The blocks of the screen that tell of connections: the census, each of `drawn` with its ladder,
// the others in a table.
std::vector<std::string> ConnectionLines(const TraceResult& trace,
                                         const std::vector<const TrackedConnection*>& drawn,
                                         const ShownConnections& shown, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_CONNECTIONS_H_
