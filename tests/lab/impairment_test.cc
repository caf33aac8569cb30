#include "lab/impairment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tcpmedic::lab {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int kFullPacket = 1500;

// Nothing but what a test switches on.
PathSpec Bare() { return {.rtt = absl::ZeroDuration(), .loss_ratio = 0, .rate_bps = 0}; }

TEST(ImpairmentTest, HalfTheRttIsAddedEachWay) {
  PathSpec path = Bare();
  path.rtt = absl::Milliseconds(148);
  for (const Direction direction : {Direction::kToServer, Direction::kToClient}) {
    Impairment impairment(path, direction);
    EXPECT_EQ(impairment.Admit(5 * kMs, 40).departure_ns, 79 * kMs);
    EXPECT_EQ(impairment.Admit(6 * kMs, kFullPacket).departure_ns, 80 * kMs);
  }
}

TEST(ImpairmentTest, LinkSendsAtItsRateWithoutDrift) {
  for (const int64_t rate_bps : {int64_t{1'000'000}, int64_t{99'999'937}, int64_t{7'000'000'007}}) {
    for (const int length : {40, 577, kFullPacket}) {
      PathSpec path = Bare();
      path.rate_bps = rate_bps;
      path.queue_bytes = int64_t{1} << 40;
      Impairment impairment(path, Direction::kToServer);
      constexpr int kPackets = 100'000;
      int64_t last_ns = 0;
      for (int i = 0; i < kPackets; ++i) last_ns = impairment.Admit(0, length).departure_ns;
      const double expected_ns = kPackets * 8.0 * length * 1e9 / static_cast<double>(rate_bps);
      EXPECT_NEAR(static_cast<double>(last_ns), expected_ns, 2) << rate_bps << " " << length;
    }
  }
}

TEST(ImpairmentTest, AnIdleLinkSavesNothingUp) {
  PathSpec path = Bare();
  path.rate_bps = 12'000'000;  // a full packet each millisecond
  Impairment impairment(path, Direction::kToServer);
  EXPECT_EQ(impairment.Admit(0, kFullPacket).departure_ns, 1 * kMs);
  EXPECT_EQ(impairment.Admit(100 * kMs, kFullPacket).departure_ns, 101 * kMs);
  EXPECT_EQ(impairment.Admit(100 * kMs, kFullPacket).departure_ns, 102 * kMs);
}

TEST(ImpairmentTest, QueueTakesWhatItHoldsAndDropsTheRest) {
  PathSpec path = Bare();
  path.rate_bps = 12'000'000;
  path.queue_bytes = 10 * kFullPacket;
  Impairment impairment(path, Direction::kToServer);
  for (int i = 1; i <= 10; ++i) {
    const Verdict verdict = impairment.Admit(0, kFullPacket);
    EXPECT_EQ(verdict.fate, Fate::kDelivered);
    EXPECT_EQ(verdict.queue_bytes, i * kFullPacket);
  }
  EXPECT_EQ(impairment.Admit(0, kFullPacket).fate, Fate::kQueueFull);
  EXPECT_EQ(impairment.Admit(0, 40).fate, Fate::kQueueFull);
  // A millisecond later one packet has been sent, and one more fits.
  const Verdict taken = impairment.Admit(1 * kMs, kFullPacket);
  EXPECT_EQ(taken.fate, Fate::kDelivered);
  EXPECT_EQ(taken.departure_ns, 11 * kMs);
  EXPECT_EQ(impairment.Admit(1 * kMs, kFullPacket).fate, Fate::kQueueFull);
}

TEST(ImpairmentTest, QueueNeverExceedsItsBoundUnderOverload) {
  PathSpec path = Bare();
  path.rate_bps = 10'000'000;
  path.queue_bytes = 50'000;
  Impairment impairment(path, Direction::kToServer);
  int64_t delivered_bytes = 0;
  for (int64_t now_ns = 0; now_ns < 1'000 * kMs; now_ns += 100'000) {  // 120 Mbit/s
    const Verdict verdict = impairment.Admit(now_ns, kFullPacket);
    EXPECT_LE(verdict.queue_bytes, 50'000);
    if (verdict.fate == Fate::kDelivered) delivered_bytes += kFullPacket;
  }
  // A second at the rate, and the queue's content.
  EXPECT_NEAR(static_cast<double>(delivered_bytes), 1'250'000 + 50'000, 2 * kFullPacket);
}

TEST(ImpairmentTest, AnIdleLinkTakesAPacketLongerThanItsQueue) {
  PathSpec path = Bare();
  path.rate_bps = 12'000'000;
  path.queue_bytes = 100;
  Impairment impairment(path, Direction::kToServer);
  EXPECT_EQ(impairment.Admit(0, kFullPacket).fate, Fate::kDelivered);
  EXPECT_EQ(impairment.Admit(0, kFullPacket).fate, Fate::kQueueFull);
}

int CountLost(const PathSpec& path, Direction direction, int packets) {
  Impairment impairment(path, direction);
  int lost = 0;
  for (int i = 0; i < packets; ++i) lost += impairment.Admit(i * kMs, 100).fate == Fate::kLost;
  return lost;
}

TEST(ImpairmentTest, LossIsWithinFourSigmaForEverySeed) {
  constexpr int kPackets = 200'000;
  for (const double ratio : {0.001, 0.01, 0.1}) {
    const double sigma = std::sqrt(kPackets * ratio * (1 - ratio));
    for (uint64_t seed = 0; seed < 10; ++seed) {
      PathSpec path = Bare();
      path.loss_ratio = ratio;
      path.seed = seed;
      EXPECT_NEAR(CountLost(path, Direction::kToServer, kPackets), kPackets * ratio, 4 * sigma);
      EXPECT_NEAR(CountLost(path, Direction::kToClient, kPackets), kPackets * ratio, 4 * sigma);
    }
  }
}

TEST(ImpairmentTest, LossIsNoneAtZeroAndAllAtOne) {
  PathSpec path = Bare();
  EXPECT_EQ(CountLost(path, Direction::kToServer, 10'000), 0);
  path.loss_ratio = 1;
  EXPECT_EQ(CountLost(path, Direction::kToServer, 10'000), 10'000);
}

TEST(ImpairmentTest, LossesAreIndependentOfTheOneBefore) {
  PathSpec path = Bare();
  path.loss_ratio = 0.1;
  Impairment impairment(path, Direction::kToServer);
  int lost = 0, pairs = 0;
  bool before = false;
  for (int i = 0; i < 200'000; ++i) {
    const bool now = impairment.Admit(i, 100).fate == Fate::kLost;
    lost += now;
    pairs += now && before;
    before = now;
  }
  // Of the packets after a lost one, a tenth is lost too.
  EXPECT_NEAR(pairs, lost * 0.1, 4 * std::sqrt(lost * 0.1 * 0.9));
}

std::vector<bool> Losses(const PathSpec& path, Direction direction) {
  Impairment impairment(path, direction);
  std::vector<bool> lost;
  for (int i = 0; i < 10'000; ++i) {
    lost.push_back(impairment.Admit(i * kMs, 100).fate == Fate::kLost);
  }
  return lost;
}

TEST(ImpairmentTest, SameSeedSameFateWhateverElseIsSwitchedOn) {
  PathSpec path = Bare();
  path.loss_ratio = 0.05;
  path.seed = 7;
  PathSpec busier = path;
  busier.jitter = absl::Milliseconds(3);
  busier.reorder_ratio = 0.1;
  busier.rtt = absl::Milliseconds(10);
  busier.rate_bps = 50'000'000;
  EXPECT_EQ(Losses(path, Direction::kToServer), Losses(path, Direction::kToServer));
  EXPECT_EQ(Losses(path, Direction::kToServer), Losses(busier, Direction::kToServer));
}

TEST(ImpairmentTest, SeedsAndDirectionsDiffer) {
  PathSpec path = Bare();
  path.loss_ratio = 0.05;
  PathSpec other = path;
  other.seed = 2;
  EXPECT_NE(Losses(path, Direction::kToServer), Losses(other, Direction::kToServer));
  EXPECT_NE(Losses(path, Direction::kToServer), Losses(path, Direction::kToClient));
}

TEST(ImpairmentTest, JitterSpreadsDelaysAndKeepsOrder) {
  PathSpec path = Bare();
  path.rtt = absl::Milliseconds(20);
  path.jitter = absl::Milliseconds(4);
  Impairment impairment(path, Direction::kToServer);
  int64_t last_ns = 0;
  double sum_ms = 0;
  for (int64_t i = 0; i < 10'000; ++i) {
    const int64_t arrival_ns = i * 10 * kMs;  // too far apart to hold each other up
    const int64_t departure_ns = impairment.Admit(arrival_ns, 100).departure_ns;
    EXPECT_GE(departure_ns, arrival_ns + 10 * kMs);
    EXPECT_LE(departure_ns, arrival_ns + 14 * kMs);
    sum_ms += static_cast<double>(departure_ns - arrival_ns) / kMs;
    last_ns = departure_ns;
  }
  EXPECT_NEAR(sum_ms / 10'000, 12, 0.05);
  for (int64_t i = 0; i < 10'000; ++i) {  // close together: order decides
    const int64_t departure_ns = impairment.Admit(200'000 * kMs + i * 1'000, 100).departure_ns;
    EXPECT_GE(departure_ns, last_ns);
    last_ns = departure_ns;
  }
}

TEST(ImpairmentTest, HeldBackPacketsAreOvertaken) {
  PathSpec path = Bare();
  path.rtt = absl::Milliseconds(20);
  path.reorder_ratio = 0.02;
  path.reorder_delay = absl::Milliseconds(5);
  Impairment impairment(path, Direction::kToServer);
  int held_back = 0;
  for (int64_t i = 0; i < 10'000; ++i) {
    const Verdict verdict = impairment.Admit(i * kMs, 100);
    EXPECT_EQ(verdict.departure_ns, (i + 10 + (verdict.held_back ? 5 : 0)) * kMs);
    held_back += verdict.held_back;
  }
  EXPECT_NEAR(held_back, 200, 4 * std::sqrt(200 * 0.98));
}

}  // namespace
}  // namespace tcpmedic::lab
