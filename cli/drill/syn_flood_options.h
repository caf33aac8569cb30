// What `tcpmedic drill syn-flood` is asked to do, and what should come of it. Pure.
#ifndef TCPMEDIC_CLI_DRILL_SYN_FLOOD_OPTIONS_H_
#define TCPMEDIC_CLI_DRILL_SYN_FLOOD_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/drill/drill_options.h"
#include "cli/drill/look_alike.h"

namespace tcpmedic::cli {

// The signatures that this drill is about.
inline constexpr absl::string_view kFloodAbsorbed = "syn-flood-absorbed";
inline constexpr absl::string_view kFloodUnprotected = "syn-flood-unprotected";
inline constexpr absl::string_view kBacklogTooSmall = "syn-backlog-too-small";

// What is done to the server, beside the legitimate clients that are always there.
enum class SynFault {
  kFlood,     // SYNs from addresses that nobody owns
  kBurst,     // many honest clients at one moment
  kPortScan,  // SYNs from the client's own address, to ports where nothing listens
  kNone,      // the legitimate clients alone
};

struct SynFloodOptions : DrillOptions {
  SynFault fault = SynFault::kFlood;
  bool cookies = false;        // tcp_syncookies of the server's namespace: 1, else 0
  double rate_pps = 2000;      // of the flood, or of the scan
  double legit_per_s = 20;     // connects, one after the other
  int burst = 0;               // connects at once
  int backlog = 128;           // of listen(2); also somaxconn, so that the user's server has it too
  int max_syn_backlog = 2048;  // tcp_max_syn_backlog
  absl::Duration rtt = absl::Milliseconds(20);
  uint64_t seed = 1;
};

// A legitimate attempt fails that has not succeeded within this: two retransmits would be 3 s.
constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
// So many attempts on either side are enough to compare.
constexpr int kConnectsWanted = 200;

// What an operator may take for a flood that needs a remedy, and tcpmedic must not.
const std::vector<LookAlike<SynFloodOptions>>& SynLookAlikes();

// Half-open connections that a listener takes: with cookies its backlog (beyond it, it answers by
// cookies), without them no more than ¾ of tcp_max_syn_backlog either. inet_csk_reqsk_queue_is_full
// in include/net/inet_connection_sock.h, tcp_conn_request in net/ipv4/tcp_input.c.
int SynQueueLimit(const SynFloodOptions& options);
// How long the flood takes to fill that; infinite where half-open connections end sooner.
absl::Duration FillTime(const SynFloodOptions& options);

// What the drill should come to, and by which signature. `expect` overrides it.
Expectation Expect(const SynFloodOptions& options);

// InvalidArgument, in the words of the flags.
absl::Status Validate(const SynFloodOptions& options);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_SYN_FLOOD_OPTIONS_H_
