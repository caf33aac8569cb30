// This host, watched for as long as the signatures need: the agent's own scan, once a second, with
// no agent and no controller. Finds, and changes nothing. Blocks; called from one thread.
#ifndef TCPMEDIC_CLI_DIAGNOSE_LIVE_H_
#define TCPMEDIC_CLI_DIAGNOSE_LIVE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "observe/namespaces.h"
#include "scan/compiled_set.h"
#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic::cli {

// The longest `window` with its `for`, and what the first samples and the slowest question (who
// holds these sockets) take.
absl::Duration WatchTimeFor(const v1::SignatureSet& signatures);

struct WatchedFinding {
  v1::Finding finding;  // as it was last seen
  // How long before the end of the watch that was; zero: it holds.
  absl::Duration gone_for;
};

struct Watched {
  std::vector<WatchedFinding> findings;  // all that came up meanwhile, most severe first
  v1::Report report;                     // of the last scan
  int64_t namespaces = 0;
  std::vector<std::string> not_seen;  // sentences
};

// `on_scan` hears of each scan how long the watch has lasted. Unavailable: /proc cannot be read.
// NotFound: none of the namespaces asked for is there.
absl::StatusOr<Watched> WatchThisHost(
    CompiledSet signatures, const Namespaces::Options& namespaces, absl::Duration watch_for,
    absl::FunctionRef<void(absl::Duration watched, const v1::Report& report)> on_scan);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_LIVE_H_
