// The server's network namespace of a drill as this program sees it from outside, whatever the
// agent says: its counters, its settings, its half-open connections, and
// those that nobody closes.
#ifndef TCPMEDIC_CLI_DRILL_SERVER_VIEW_H_
#define TCPMEDIC_CLI_DRILL_SERVER_VIEW_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "observe/counters.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic::cli {

// Values by sysctl(8)'s names. What the namespace does not show is left out.
using Sysctls = std::map<std::string, std::string>;

// Of the namespace that process `pid` is in; 0: our own.
absl::StatusOr<Sysctls> ReadSysctls(pid_t pid, absl::Span<const absl::string_view> names);

struct ServerView {
  absl::Time at;
  CounterSample counters;
  int64_t half_open = 0;  // sockets in SYN-RECV
};
absl::StatusOr<ServerView> LookAtServer(pid_t pid);

// Sockets in CLOSE-WAIT. A FIN that the program has not read counts as a byte of Recv-Q (tcp_fin()
// advances rcv_nxt by it; inet_diag_msg.idiag_rqueue is rcv_nxt less copied_seq).
struct CloseWaitPile {
  int64_t sockets = 0;
  int64_t unread_eof = 0;
  int64_t read_eof() const { return sockets - unread_eof; }
};
absl::StatusOr<CloseWaitPile> LookAtCloseWait(pid_t pid);

// What went on between two looks, under the names that the agent uses for the same. A counter that
// is missing or went back leaves its value out.
v1::Measurement MeasureBetween(const ServerView& first, const ServerView& last);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_SERVER_VIEW_H_
