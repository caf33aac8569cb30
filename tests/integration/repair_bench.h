// A lab with a transfer that suffers, and a controller and an agent of its own that watch it: each
// a process that a test may kill. What a socket really uses is read from the kernel, never from
// what they say. Not thread-safe; use it on the main thread (cli/process.h says why).
#ifndef TCPMEDIC_TESTS_INTEGRATION_REPAIR_BENCH_H_
#define TCPMEDIC_TESTS_INTEGRATION_REPAIR_BENCH_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/lab.h"
#include "tests/integration/daemons.h"

namespace tcpmedic::test {

class RepairBench {
 public:
  // The shortest `verify.after` that a policy may have, instead of the shipped 20 s, and the time
  // after the change at which the host takes it back by itself.
  static constexpr absl::Duration kVerifyAfter = absl::Seconds(10);
  static constexpr absl::Duration kConfirmWithin = absl::Seconds(10 + 15);

  // Lab, transfer, both daemons, and a guard file that allows bbr in the lab; returns before
  // anything is found.
  absl::Status Start();

  Daemons& daemons() { return daemons_; }
  const Daemons& daemons() const { return daemons_; }

  // Ends the sending program with SIGKILL: its socket closes, and its symptom goes.
  absl::Status EndTransfer();
  // As someone else on this host would: takes the sender's socket and sets `algorithm`.
  absl::Status SetFromOutside(const std::string& algorithm);

  // What the sender's one socket uses, by a dump of the client's namespace made now: "cubic". What
  // keeps it from being known, otherwise: "2 sockets".
  std::string Algorithm() const;
  // Whether it comes to use that within `timeout`.
  bool Reaches(const std::string& algorithm, absl::Duration timeout) const;

  // The guard file's text that allows what the repair needs.
  std::string GuardText() const;

 private:
  Daemons daemons_;
  std::unique_ptr<lab::Lab> lab_;
  std::optional<lab::Transfer> transfer_;
};

}  // namespace tcpmedic::test

#endif  // TCPMEDIC_TESTS_INTEGRATION_REPAIR_BENCH_H_
