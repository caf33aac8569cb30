// A lab whose server is flooded with SYNs while its cookies are off, and daemons of a test's own
// that watch it. What a setting is, is read from the kernel, never from what they say. Not
// thread-safe; use it on the main thread (cli/process.h says why).
#ifndef TCPMEDIC_TESTS_INTEGRATION_FLOOD_BENCH_H_
#define TCPMEDIC_TESTS_INTEGRATION_FLOOD_BENCH_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/lab.h"
#include "lab/syn_flood.h"
#include "tests/integration/daemons.h"

namespace tcpmedic::test {

class FloodBench {
 public:
  // The shortest `verify.after` that a policy may have, and the time after the change at which the
  // host takes it back by itself.
  static constexpr absl::Duration kVerifyAfter = absl::Seconds(10);
  static constexpr absl::Duration kConfirmWithin = absl::Seconds(10 + 15);

  // Lab, listener, flood, both daemons, and a guard file that allows tcp_syncookies in the server's
  // namespace; returns before anything is found. `lease` stands for the shipped one.
  absl::Status Start(absl::Duration lease = absl::Hours(2));

  Daemons& daemons() { return daemons_; }
  const lab::LabHost& server() const { return lab_->server(); }

  absl::Status StartFlood();
  absl::Status EndFlood();

  // net.ipv4.tcp_syncookies in the server's namespace, read now.
  std::string Cookies() const;
  bool CookiesReach(const std::string& value, absl::Duration timeout) const;
  // As an administrator of that namespace would.
  absl::Status SetCookies(const std::string& value) const;

  // The guard file's text that allows the repair in the namespace `netns_cookie`.
  static std::string GuardText(uint64_t netns_cookie);

 private:
  Daemons daemons_;
  std::unique_ptr<lab::Lab> lab_;
  std::optional<lab::SynFlood> flood_;
};

}  // namespace tcpmedic::test

#endif  // TCPMEDIC_TESTS_INTEGRATION_FLOOD_BENCH_H_
