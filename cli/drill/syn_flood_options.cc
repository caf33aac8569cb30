#include "cli/drill/syn_flood_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tcpmedic::cli {
namespace {

// A half-open connection's life: tcp_synack_retries is 5, so it ends after 1 + 2 + 4 + 8 + 16 + 32
// seconds (Documentation/networking/ip-sysctl.rst).
constexpr absl::Duration kHalfOpenLife = absl::Seconds(63);
// A queue that fills more slowly leaves too little of the drill to see it full.
constexpr absl::Duration kSlowestFill = absl::Seconds(10);
// The signatures' own bounds: syncookies_sent over their window.
constexpr double kWindowSeconds = 5;
constexpr double kFewestCookies = 100;

// Cookies that are sent per second once the queue is full: all SYNs but those for which a place in
// it has become free.
double CookiesPerSecond(const SynFloodOptions& options) {
  return options.rate_pps + options.legit_per_s -
         SynQueueLimit(options) / absl::ToDoubleSeconds(kHalfOpenLife);
}

}  // namespace

const std::vector<LookAlike<SynFloodOptions>>& SynLookAlikes() {
  static const auto* const look_alikes = new std::vector<LookAlike<SynFloodOptions>>{
      {"burst", "honest clients come all at once, and a small backlog makes cookies of them",
       [](SynFloodOptions& o) {
         o.fault = SynFault::kBurst;
         o.cookies = true;
         o.burst = 1500;
         o.rtt = absl::Milliseconds(148);
       },
       std::string(kBacklogTooSmall)},
      {"port-scan", "closed ports answer by a reset, and no queue fills",
       [](SynFloodOptions& o) { o.fault = SynFault::kPortScan; }},
      {"busy-accept", "many honest clients, and a server that accepts them as fast as they come",
       [](SynFloodOptions& o) {
         o.fault = SynFault::kNone;
         // With some 30 s of it the client's ports, in TIME-WAIT for a minute, suffice.
         o.legit_per_s = 500;
       }},
  };
  return *look_alikes;
}

int SynQueueLimit(const SynFloodOptions& options) {
  if (options.cookies) return options.backlog;
  return std::min(options.backlog, options.max_syn_backlog - options.max_syn_backlog / 4);
}

absl::Duration FillTime(const SynFloodOptions& options) {
  const int limit = SynQueueLimit(options);
  if (options.rate_pps * absl::ToDoubleSeconds(kHalfOpenLife) <= limit) {
    return absl::InfiniteDuration();
  }
  return absl::Seconds(limit / options.rate_pps);
}

Expectation Expect(const SynFloodOptions& options) {
  if (options.expect) return {*options.expect, "--expect says so", ""};
  if (const auto* look_alike = Find(SynLookAlikes(), options.look_alike); look_alike != nullptr) {
    return {look_alike->signature.empty() ? Outcome::kNotDetected : Outcome::kNoted,
            look_alike->sentence, look_alike->signature};
  }
  const std::string fills = absl::StrFormat("%g SYNs per second fill a queue of %d",
                                            options.rate_pps, SynQueueLimit(options));
  if (FillTime(options) > kSlowestFill) {
    return {Outcome::kNotDetected,
            absl::StrFormat("%g SYNs per second do not fill a queue of %d in time",
                            options.rate_pps, SynQueueLimit(options)),
            ""};
  }
  if (!options.cookies) {
    const std::string reason = absl::StrCat(fills, ", and without cookies that locks users out");
    return {options.answer == Answer::kNobody ? Outcome::kProposed : Outcome::kVerified, reason,
            std::string(kFloodUnprotected)};
  }
  if (CookiesPerSecond(options) * kWindowSeconds < kFewestCookies) {
    return {Outcome::kNotDetected, "so few cookies are no flood", ""};
  }
  if (options.legit_per_s >= options.rate_pps) {
    return {Outcome::kNoted, absl::StrCat(fills, ", and most cookies come back"),
            std::string(kBacklogTooSmall)};
  }
  return {Outcome::kNoted, absl::StrCat(fills, ", and cookies answer the rest"),
          std::string(kFloodAbsorbed)};
}

absl::Status Validate(const SynFloodOptions& options) {
  const auto bad = [](auto... words) { return absl::InvalidArgumentError(absl::StrCat(words...)); };
  if (!(options.rate_pps >= 1 && options.rate_pps <= 100'000)) {
    return bad("--rate ", options.rate_pps, ": from 1pps to 100000pps");
  }
  // 200 connects are wanted twice, and the clients' ports are some 28,000.
  if (!(options.legit_per_s >= 5 && options.legit_per_s <= 500)) {
    return bad("--legit ", options.legit_per_s, ": from 5/s to 500/s");
  }
  if (options.backlog < 1 || options.backlog > 65'535) {
    return bad("--backlog ", options.backlog, ": from 1 to 65535");
  }
  if (options.max_syn_backlog < 1 || options.max_syn_backlog > 1'000'000) {
    return bad("--max-syn-backlog ", options.max_syn_backlog, ": from 1 to 1000000");
  }
  if (options.rtt < absl::ZeroDuration() || options.rtt > absl::Seconds(1)) {
    return bad("--rtt ", absl::FormatDuration(options.rtt), ": from 0 to 1s");
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::cli
