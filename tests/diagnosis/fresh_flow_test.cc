// How long after its start a flow that loss pins is found, by seeded simulation: a fresh CUBIC flow
// at 148 ms, a scan a second at a random phase. A drill has 15 s from fault to finding.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "diagnosis/engine.h"
#include "tests/diagnosis/shipped_signature.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

constexpr double kRttSeconds = 0.148;

// CUBIC round by round: slow start from ten segments until the first loss, one reduction to 70 %
// per round with loss, growth by RFC 9438, a retransmission timeout where a retransmit is lost.
class FreshCubicFlow {
 public:
  FreshCubicFlow(double loss, uint32_t seed) : loss_(loss), random_(seed) {}

  // What a scan `seconds` after the SYN sees.
  SyntheticSocket At(double seconds) {
    while (round_end_ <= seconds) PlayRound();
    const double part =
        std::clamp((seconds - round_begin_) / (round_end_ - round_begin_), 0.0, 1.0);
    const auto between = [part](double before, double after) {
      return before + part * (after - before);
    };
    SyntheticSocket socket;
    socket.info.tcpi_snd_cwnd = static_cast<uint32_t>(cwnd_before_);
    socket.info.tcpi_notsent_bytes = 65'536;
    if (ssthresh_ < 1e9) socket.info.tcpi_snd_ssthresh = static_cast<uint32_t>(ssthresh_);
    socket.info.tcpi_data_segs_out = static_cast<uint32_t>(between(sent_before_, sent_));
    socket.info.tcpi_total_retrans =
        static_cast<uint32_t>(between(retransmitted_before_, retransmitted_));
    socket.info.tcpi_bytes_acked = static_cast<uint64_t>(
        1 + 1448 * (socket.info.tcpi_data_segs_out - socket.info.tcpi_total_retrans));
    socket.info.tcpi_busy_time = static_cast<uint64_t>(seconds * 1e6);
    return socket;
  }

 private:
  int LostOf(int segments) { return std::binomial_distribution<int>(segments, loss_)(random_); }

  void PlayRound() {
    round_begin_ = round_end_;
    sent_before_ = sent_;
    retransmitted_before_ = retransmitted_;
    cwnd_before_ = cwnd_;
    const int room = std::max(1, static_cast<int>(cwnd_));
    const int repaired = std::min(to_repair_, room);
    const int lost_again = LostOf(repaired);
    const int lost = LostOf(room - repaired);
    sent_ += room;
    retransmitted_ += repaired;
    to_repair_ += lost + lost_again - repaired;
    round_end_ += kRttSeconds + (lost_again > 0 ? 0.25 : 0);
    if (lost_again > 0 || (lost > 0 && !recovering_)) {
      window_at_loss_ = cwnd_ < window_at_loss_ ? 0.85 * cwnd_ : cwnd_;  // fast convergence
      ssthresh_ = cwnd_ = std::max(2.0, 0.7 * cwnd_);
      since_loss_ = 0;
      recovering_ = true;
    } else if (recovering_) {
      recovering_ = to_repair_ > 0;
    }
    if (!recovering_) Grow();
  }

  void Grow() {
    if (cwnd_ < ssthresh_) {
      cwnd_ = std::min(2 * cwnd_, 2'000.0);
      return;
    }
    since_loss_ += kRttSeconds;
    const double k = std::cbrt(std::max(window_at_loss_ - ssthresh_, 0.0) / 0.4);
    const double cubic = 0.4 * std::pow(since_loss_ - k, 3) + window_at_loss_;
    const double friendly = ssthresh_ + 0.53 * since_loss_ / kRttSeconds;
    cwnd_ = std::clamp(std::max(cubic, friendly), cwnd_, 1.5 * cwnd_);
  }

  const double loss_;
  std::mt19937 random_;
  double round_begin_ = 0;
  double round_end_ = 2 * kRttSeconds;  // the handshake
  double cwnd_ = 10;
  double cwnd_before_ = 10;
  double ssthresh_ = 1e9;
  double window_at_loss_ = 0;
  double since_loss_ = 0;
  bool recovering_ = false;
  int to_repair_ = 0;
  double sent_ = 0;
  double sent_before_ = 0;
  double retransmitted_ = 0;
  double retransmitted_before_ = 0;
};

constexpr double kNotFound = 99;

// Seconds from the flow's start to its finding, each of `flows` on an engine of its own; ascending.
std::vector<double> TimesToFinding(double loss, int flows) {
  const auto signature = MustCompile(ShippedSignature("pinned-cwnd"));
  v1::NetworkNamespace netns;
  netns.set_cookie(1);
  std::vector<double> times;
  for (int seed = 0; seed < flows; ++seed) {
    Engine engine;
    engine.SetSignatures({signature}, "");
    FreshCubicFlow flow(loss, seed);
    std::mt19937 random(seed + 1'000'000);
    double now = std::uniform_real_distribution<double>(0, 1)(random);
    double found = kNotFound;
    while (found == kNotFound && now < 60) {
      engine.BeginScan(At(now));
      engine.ObserveNamespace(netns, nullptr);
      engine.BeginNamespace(netns.cookie());
      if (now > kRttSeconds) engine.Observe(flow.At(now).Sample());
      engine.EndNamespace(true);
      if (!engine.EndScan().findings.empty()) found = now;
      now += std::uniform_real_distribution<double>(0.99, 1.03)(random);
    }
    times.push_back(found);
  }
  std::sort(times.begin(), times.end());
  const auto quantile = [&times](double q) {
    return times[static_cast<size_t>(q * (times.size() - 1))];
  };
  std::printf("loss %.1f %%: found after p10 %.1f, p50 %.1f, p90 %.1f, p99 %.1f, at most %.1f s\n",
              100 * loss, quantile(0.1), quantile(0.5), quantile(0.9), quantile(0.99),
              times.back());
  return times;
}

double ShareWithin(const std::vector<double>& times, double seconds) {
  return static_cast<double>(std::upper_bound(times.begin(), times.end(), seconds) -
                             times.begin()) /
         static_cast<double>(times.size());
}

TEST(FreshFlow, AtOnePercentIsFoundInTwelveSeconds) {
  const std::vector<double> times = TimesToFinding(0.01, 500);
  EXPECT_GE(ShareWithin(times, 12), 0.95);
  EXPECT_GE(ShareWithin(times, 15), 0.99);
}

TEST(FreshFlow, AtThreePercentIsFoundInTwelveSeconds) {
  const std::vector<double> times = TimesToFinding(0.03, 200);
  EXPECT_GE(ShareWithin(times, 12), 0.95);
  EXPECT_GE(ShareWithin(times, 15), 0.99);
}

TEST(FreshFlow, AtRareLossIsFoundOnceLossHasShown) {
  EXPECT_GE(ShareWithin(TimesToFinding(0.003, 200), 15), 0.9);
}

TEST(FreshFlow, WithoutLossIsNotFound) { EXPECT_EQ(TimesToFinding(0, 20).front(), kNotFound); }

}  // namespace
}  // namespace tcpmedic
