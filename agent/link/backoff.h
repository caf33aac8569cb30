// How long to wait before the next attempt to connect: doubling, with jitter, so that a fleet does
// not return in step. Pure: the caller brings the random number. Not thread-safe.
#ifndef TCPMEDIC_AGENT_LINK_BACKOFF_H_
#define TCPMEDIC_AGENT_LINK_BACKOFF_H_

#include "absl/time/time.h"

namespace tcpmedic {

class Backoff {
 public:
  struct Options {
    absl::Duration first = absl::Milliseconds(100);
    absl::Duration last = absl::Seconds(5);
    // A connection that lived this long starts anew. One that is accepted and then ended does not:
    // two agents that take the same host's name would otherwise push each other out in a busy loop.
    absl::Duration proven_after = absl::Seconds(10);
  };
  explicit Backoff(Options options) : options_(options), next_(options.first) {}

  // `uniform` in [0, 1): the wait is between half of the step and all of it. `lived`: how long the
  // connection that just ended was in use; zero where there was none.
  absl::Duration After(absl::Duration lived, double uniform);

 private:
  Options options_;
  absl::Duration next_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_LINK_BACKOFF_H_
