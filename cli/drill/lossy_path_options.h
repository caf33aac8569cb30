// What `tcpmedic drill lossy-path` is asked to do, and what should come of it. Pure.
#ifndef TCPMEDIC_CLI_DRILL_LOSSY_PATH_OPTIONS_H_
#define TCPMEDIC_CLI_DRILL_LOSSY_PATH_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/drill/drill_options.h"
#include "cli/drill/look_alike.h"
#include "lab/path_spec.h"
#include "lab/transfer_options.h"

namespace tcpmedic::cli {

struct LossyPathOptions : DrillOptions {
  lab::PathSpec path;
  lab::TransferOptions transfer;
  // With server_command: the user's own programs instead of `transfer`, for /bin/sh -c.
  std::string client_command;
  std::string to = "bbr";  // the algorithm that is proposed; the shipped policy's is bbr
};

// What an operator may take for a pinned window, and tcpmedic must not.
const std::vector<LookAlike<LossyPathOptions>>& LookAlikes();

// What the drill should come to: proposed (and with an approval, verified for BBR and rolled back
// for any other algorithm) where loss is what limits a CUBIC transfer on this path by the theory
// that the signature rests on (RFC 9438 §5.1), not_detected elsewhere. `expect` overrides it.
Expectation Expect(const LossyPathOptions& options);

// InvalidArgument, in the words of the flags.
absl::Status Validate(const LossyPathOptions& options);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_LOSSY_PATH_OPTIONS_H_
