// What `tcpmedic drill close-wait-leak` is asked to do, and what should come of it. Pure.
#ifndef TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_OPTIONS_H_
#define TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/drill/drill_options.h"
#include "cli/drill/look_alike.h"
#include "lab/leak_clients.h"
#include "lab/leaky_server.h"

namespace tcpmedic::cli {

inline constexpr absl::string_view kCloseWaitLeak = "close-wait-leak";

// The signature needs 15 s of a rise, which it counts in readings 3 s apart, of connections that
// have been in CLOSE-WAIT for 3 s.
constexpr absl::Duration kLeakNeeds = absl::Seconds(21);

struct CloseWaitLeakOptions : DrillOptions {
  // The lab's server and its clients, who stay with any other server.
  lab::LeakyServerOptions server;
  lab::LeakClientsOptions clients;
  // Have the host sample where in the program the leaked descriptors were last used.
  bool call_sites = false;
  absl::Duration rtt = absl::Milliseconds(20);
  uint64_t seed = 1;
  // How long there may be no finding.
  absl::Duration watch = absl::Seconds(40);
};

// What piles up like a leak, and is none.
const std::vector<LookAlike<CloseWaitLeakOptions>>& LeakLookAlikes();

// What the drill should come to, and by which signature. `expect` overrides it.
Expectation Expect(const CloseWaitLeakOptions& options);

// InvalidArgument, in the words of the flags.
absl::Status Validate(const CloseWaitLeakOptions& options);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_CLOSE_WAIT_LEAK_OPTIONS_H_
