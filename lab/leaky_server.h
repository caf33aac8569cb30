// A server that leaks its connections, as `tcpmedic-lab leaky-server` runs it: it answers each
// request with a short HTTP response, and what its clients close stays in CLOSE-WAIT. Without the
// bug it closes in order. One thread.
//
// Each other option makes a server that is in order and looks like one that leaks.
#ifndef TCPMEDIC_LAB_LEAKY_SERVER_H_
#define TCPMEDIC_LAB_LEAKY_SERVER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tcpmedic::lab {

enum class LeakBug : int {
  kNone,
  kReadEof,    // it reads the end of file and returns without close(): Recv-Q 0
  kNeverRead,  // it never looks at a connection again once it has answered: Recv-Q 1
};

// "none", "read-eof", "never-read".
absl::string_view LeakBugName(LeakBug bug);
std::optional<LeakBug> LeakBugNamed(absl::string_view name);

struct LeakyServerOptions {
  LeakBug bug = LeakBug::kReadEof;
  // Written to, and given back when the connection is closed. 0 to 1 MiB.
  int64_t heap_bytes_per_connection = 16 << 10;
  uint16_t port = 8080;
  absl::Duration duration = absl::Minutes(10);  // then it ends; at most an hour

  // Memory grows for another reason: the heap is never given back, though sockets are closed.
  bool keep_heap = false;
  // Half-close in use: after the end of file the server goes on sending, twice a second, until the
  // client has gone. Needs kNone.
  bool stream = false;
  // A burst that drains: so long after its start, and again after as much, it closes all that it
  // has leaked. 0: never.
  absl::Duration drain_every = absl::ZeroDuration();
  // Being shut down: so long after its start it closes its listening socket and looks at no
  // connection any more, and ends `shutdown_takes` later. 0: never.
  absl::Duration shutdown_after = absl::ZeroDuration();
  absl::Duration shutdown_takes = absl::ZeroDuration();

  bool operator==(const LeakyServerOptions&) const = default;
};

// InvalidArgument, naming the field.
absl::Status Validate(const LeakyServerOptions& options);

// Serves on `address` for `options.duration`, with as many descriptors as the hard limit allows;
// beyond, clients wait in the accept queue.
absl::Status RunLeakyServer(const std::string& address, const LeakyServerOptions& options);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_LEAKY_SERVER_H_
