#include "cli/drill/close_wait_leak_options.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tcpmedic::cli {
namespace {

// The signature's own bound, process.risen_by.
constexpr double kFewestRisen = 100;

}  // namespace

const std::vector<LookAlike<CloseWaitLeakOptions>>& LeakLookAlikes() {
  static const auto* const look_alikes = new std::vector<LookAlike<CloseWaitLeakOptions>>{
      {"half-close", "the clients have closed one direction only, and the program still sends",
       [](CloseWaitLeakOptions& o) {
         o.server.bug = lab::LeakBug::kNone;
         o.server.stream = true;
         // Half as many as leak otherwise: each goes on sending.
         o.clients.rate_per_s = 25;
         o.clients.half_close = true;
         o.clients.duration = absl::Seconds(45);
       }},
      {"flat-pool", "a pool holds connections that are over, and never more of them",
       [](CloseWaitLeakOptions& o) {
         o.clients.rate_per_s = 0;
         o.clients.burst = 200;
         o.clients.duration = absl::Seconds(1);
       }},
      {"burst", "connections pile up twice, and each time the program closes them all",
       [](CloseWaitLeakOptions& o) {
         o.clients.rate_per_s = 100;
         o.clients.duration = absl::Seconds(16);
         o.server.drain_every = absl::Seconds(9);
       }},
      {"shutdown", "the program has closed its listener and is about to exit",
       [](CloseWaitLeakOptions& o) {
         // Its clients begin to close when it no longer looks, and go on for longer than a leak
         // needs to be found.
         o.server.bug = lab::LeakBug::kNone;
         o.server.shutdown_after = absl::Seconds(24);
         o.server.shutdown_takes = absl::Seconds(28);
         o.clients.rate_per_s = 25;
         o.clients.idle = absl::Seconds(24);
         o.clients.duration = absl::Seconds(24);
         o.watch = absl::Seconds(54);
       }},
      {"memory", "memory grows for another reason, and every connection is closed",
       [](CloseWaitLeakOptions& o) {
         o.server.bug = lab::LeakBug::kNone;
         o.server.keep_heap = true;
         o.server.heap_bytes_per_connection = 64 << 10;
       }},
  };
  return *look_alikes;
}

Expectation Expect(const CloseWaitLeakOptions& options) {
  if (options.expect) return {*options.expect, "--expect says so", ""};
  if (const auto* look_alike = Find(LeakLookAlikes(), options.look_alike); look_alike != nullptr) {
    return {Outcome::kNotDetected, look_alike->sentence, ""};
  }
  const double rate = options.clients.rate_per_s;
  if (rate * absl::ToDoubleSeconds(options.watch - kLeakNeeds + absl::Seconds(15)) < kFewestRisen) {
    return {Outcome::kNotDetected,
            absl::StrFormat("%g connections per second are too few to be told in %s", rate,
                            absl::FormatDuration(options.watch)),
            ""};
  }
  return {Outcome::kAlerted,
          absl::StrFormat("%g connections per second are closed by their clients, and never by the "
                          "program",
                          rate),
          std::string(kCloseWaitLeak)};
}

absl::Status Validate(const CloseWaitLeakOptions& options) {
  const auto bad = [](auto... words) { return absl::InvalidArgumentError(absl::StrCat(words...)); };
  const double rate = options.clients.rate_per_s;
  if (options.look_alike.empty() && !(rate >= 1 && rate <= 500)) {
    return bad("--rate ", rate, ": from 1/s to 500/s");
  }
  if (!options.server_command.empty() && !options.look_alike.empty()) {
    return bad("--server and --look-alike exclude each other: the lab's own server plays them");
  }
  if (options.rtt < absl::ZeroDuration() || options.rtt > absl::Seconds(1)) {
    return bad("--rtt ", absl::FormatDuration(options.rtt), ": from 0 to 1s");
  }
  if (absl::Status status = lab::Validate(options.server); !status.ok()) return status;
  return lab::Validate(options.clients);
}

}  // namespace tcpmedic::cli
