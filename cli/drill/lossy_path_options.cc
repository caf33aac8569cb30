#include "cli/drill/lossy_path_options.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace tcpmedic::cli {
namespace {

// The signature's own bounds. A drill outside them must stay silent.
constexpr absl::Duration kLongPath = absl::Milliseconds(40);
constexpr double kLeastLoss = 0.001;
constexpr double kMostLoss = 0.15;

constexpr double kSegmentBits = 1448 * 8;

// What loss alone lets a loss-based algorithm deliver: 1.22 segments ÷ √loss each round trip.
double LossLimitedBps(const lab::PathSpec& path) {
  return 1.22 / std::sqrt(path.loss_ratio) * kSegmentBits / absl::ToDoubleSeconds(path.rtt);
}

}  // namespace

const std::vector<LookAlike<LossyPathOptions>>& LookAlikes() {
  static const auto* const look_alikes = new std::vector<LookAlike<LossyPathOptions>>{
      // The first three lose packets too. On 60 ms loss alone would allow 2.3 Mbit/s (4.2 at 0.3
      // %), so that what
      // limits them is below that, and there is still a loss in nearly every window.
      {"application-limited", "the sending program writes less than the path would take",
       [](LossyPathOptions& o) {
         o.path.rtt = absl::Milliseconds(60);
         o.transfer.app_rate_bps = 1'000'000;
       }},
      {"receiver-limited", "the receiving program reads slower than the path delivers",
       [](LossyPathOptions& o) {
         o.path.rtt = absl::Milliseconds(60);
         o.transfer.read_rate_bps = 1'000'000;
         o.transfer.receive_buffer_bytes = 16 * 1024;
       }},
      {"send-buffer-limited", "a small SO_SNDBUF holds the window down",
       [](LossyPathOptions& o) {
         o.path.rtt = absl::Milliseconds(60);
         o.path.loss_ratio = 0.003;
         o.transfer.send_buffer_bytes = 3 * 1024;
         o.transfer.write_bytes = 3 * 1024;
       }},
      {"short-transfers", "each connection ends before its window could tell anything",
       [](LossyPathOptions& o) { o.transfer.connection_bytes = 100 * 1024; }},
      {"reordering", "packets overtake each other and nothing is lost",
       [](LossyPathOptions& o) {
         // Held back for longer than RACK's reordering window can grow (one round trip), or the
         // kernel would learn to wait and retransmit nothing.
         o.path.loss_ratio = 0;
         o.path.rtt = absl::Milliseconds(60);
         o.path.reorder_ratio = 0.01;
         o.path.reorder_delay = absl::Milliseconds(150);
       }},
      {"bbr", "the transfer is on BBR already",
       [](LossyPathOptions& o) { o.transfer.congestion_control = "bbr"; }},
      {"slow-start", "a clean path, whose queue slow start overflows once",
       [](LossyPathOptions& o) {
         o.path.loss_ratio = 0;
         o.path.queue_bytes = lab::BandwidthDelayBytes(o.path) / 4;
       }},
      {"own-queue", "a narrow path whose deep queue the transfer itself fills",
       [](LossyPathOptions& o) {
         o.path.loss_ratio = 0;
         o.path.rtt = absl::Milliseconds(60);
         o.path.rate_bps = 2'000'000;
         o.path.queue_bytes = 60'000;
       }},
      {"short-path", "the same loss on a path so short that CUBIC recovers at once",
       [](LossyPathOptions& o) { o.path.rtt = absl::Milliseconds(10); }},
  };
  return *look_alikes;
}

Expectation Expect(const LossyPathOptions& options) {
  if (options.expect) return {*options.expect, "--expect says so"};
  const auto silent = [](std::string reason) {
    return Expectation{Outcome::kNotDetected, std::move(reason)};
  };
  if (const auto* look_alike = Find(LookAlikes(), options.look_alike); look_alike != nullptr) {
    return silent(look_alike->sentence);
  }
  const lab::PathSpec& path = options.path;
  if (options.transfer.congestion_control != "cubic") {
    return silent(absl::StrCat("the transfer is on ", options.transfer.congestion_control,
                               ", and the signature is about CUBIC"));
  }
  if (path.rtt < kLongPath) return silent("on so short a path CUBIC recovers from loss at once");
  if (path.loss_ratio < kLeastLoss) return silent("there is no loss that could hold the window");
  if (path.loss_ratio > kMostLoss) return silent("so much loss is an outage, not a slow transfer");
  if (path.rate_bps > 0 && LossLimitedBps(path) > 0.5 * static_cast<double>(path.rate_bps)) {
    return silent("the path is so narrow that loss is not what limits the transfer");
  }
  const std::string theory =
      absl::StrFormat("loss of %g %% at %s lets CUBIC deliver about %.2g Mbit/s of %g",
                      path.loss_ratio * 100, absl::FormatDuration(path.rtt),
                      LossLimitedBps(path) / 1e6, static_cast<double>(path.rate_bps) / 1e6);
  if (options.answer == Answer::kNobody) return {Outcome::kProposed, theory};
  if (options.to == "bbr") return {Outcome::kVerified, theory};
  return {Outcome::kRolledBack, absl::StrCat(theory, ", and ", options.to, " no more")};
}

absl::Status Validate(const LossyPathOptions& options) {
  if (options.server_command.empty() != options.client_command.empty()) {
    return absl::InvalidArgumentError(
        "--server and --client go together: the lab cannot know how to talk to half of a pair");
  }
  if (!options.client_command.empty() && !options.look_alike.empty()) {
    return absl::InvalidArgumentError(
        "--look-alike shapes the lab's own transfer and does not go with --client");
  }
  if (options.to.empty() || options.to.size() > 15 ||
      !std::all_of(options.to.begin(), options.to.end(),
                   [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; })) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--to ", options.to, ": not the name of a congestion control algorithm, such as bbr"));
  }
  if (absl::Status status = lab::Validate(options.path); !status.ok()) return status;
  return lab::Validate(options.transfer);
}

}  // namespace tcpmedic::cli
