// The agent is killed at every write to its journal, before, in the middle and after, and at every
// change of a socket. Whatever was on disk, the next agent finds one of two legal states, and the
// right one by the deadline.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/agent/act/order_bench.h"

namespace tcpmedic {
namespace {

struct Killed {};

constexpr char kOld[] = "1 cubic 2 cubic 3 cubic 4 cubic";
constexpr char kNew[] = "1 bbr 2 bbr 3 cubic 4 bbr";
constexpr char kAllNew[] = "1 bbr 2 bbr 3 bbr 4 bbr";

// How far the killed agent had come, as the controller may have been told.
enum Told { kNothing, kApplied, kCommitted, kRolledBack };

struct Life {
  const char* name;
  bool commit;  // else it is rolled back
};

// Runs one order through its life and kills the agent at the `kill_at`th event. False: it lived to
// the end.
bool LiveUntilKilled(OrderBench* bench, const Life& life, const v1::Order& order, int kill_at,
                     Told* told) {
  int events = 0;
  const auto event = [&events, kill_at] {
    if (events++ == kill_at) throw Killed();
  };
  bench->disk.before_write = event;
  bench->host.before_exchange = event;
  bool killed = false;
  try {
    bench->Start();
    bench->Wish(v1::OrderWish::WISH_APPLY, order);
    *told = kApplied;
    bench->Wish(life.commit ? v1::OrderWish::WISH_COMMIT : v1::OrderWish::WISH_ROLL_BACK, order);
    *told = life.commit ? kCommitted : kRolledBack;
  } catch (const Killed&) {
    killed = true;
  }
  bench->disk.before_write = [] {};
  bench->host.before_exchange = [] {};
  return killed;
}

class OrderBookCrash : public ::testing::TestWithParam<double> {};

TEST_P(OrderBookCrash, AtAnyEventTheNextAgentFindsALegalStateAndTheRightOneByTheDeadline) {
  for (const Life life : {Life{"commit", true}, Life{"roll back", false}}) {
    int kill_at = 0;
    for (bool killed = true; killed; ++kill_at) {
      ASSERT_LT(kill_at, 100);
      OrderBench bench;
      bench.disk.keeps = GetParam();
      bench.AddSockets(4);
      const v1::Order order = bench.Order("o-1");
      Told told = kNothing;
      killed = LiveUntilKilled(&bench, life, order, kill_at, &told);
      SCOPED_TRACE(absl::StrCat(life.name, ", killed at ", kill_at, ", told ", told));

      bench.clock.Advance(absl::Seconds(1));
      bench.Start("boot-1", OrderBench::kNonce + 1);
      const std::string before_deadline = bench.host.Show();
      EXPECT_TRUE(before_deadline == kOld || before_deadline == kNew || before_deadline == kAllNew)
          << before_deadline;
      const bool committed = bench.Reports().find("COMMITTED") != std::string::npos;
      EXPECT_TRUE(committed || before_deadline != kAllNew);
      EXPECT_TRUE(committed || told != kCommitted);
      EXPECT_TRUE(before_deadline == kOld || told != kRolledBack);

      bench.clock.Advance(absl::Seconds(34));
      bench.Step();
      EXPECT_EQ(bench.host.Show(), committed ? kAllNew : kOld) << bench.Reports();
      // Nothing more happens, also not to the agent after that.
      const std::string reports = bench.Reports();
      bench.Start("boot-1", OrderBench::kNonce + 2);
      bench.Step();
      EXPECT_EQ(bench.host.Show(), committed ? kAllNew : kOld);
      EXPECT_EQ(bench.Reports(), reports);
    }
    EXPECT_GT(kill_at, 10) << "the life has fewer events than it must have";
  }
}

INSTANTIATE_TEST_SUITE_P(OfAWriteThatIsCutShort, OrderBookCrash, ::testing::Values(0.0, 0.6, 1.0));

TEST(OrderBookFaults, EveryWriteThatFailsLeavesALegalStateAndTheDeadlineHolds) {
  for (const bool commit : {true, false}) {
    for (int fail_at = 0; fail_at < 12; ++fail_at) {
      OrderBench bench;
      bench.AddSockets(4);
      int writes = 0;
      bench.disk.before_write = [&] { bench.disk.full = writes++ == fail_at; };
      const v1::Order order = bench.Order("o-1");
      bench.Start();
      bench.Wish(v1::OrderWish::WISH_APPLY, order);
      bench.Wish(commit ? v1::OrderWish::WISH_COMMIT : v1::OrderWish::WISH_ROLL_BACK, order);
      bench.Step();
      SCOPED_TRACE(absl::StrCat(commit ? "commit" : "roll back", ", write ", fail_at,
                                " fails: ", bench.Reports()));
      const bool committed = bench.Reports().find("COMMITTED") != std::string::npos;
      bench.clock.Advance(absl::Seconds(35));
      bench.Step();
      EXPECT_EQ(bench.host.Show(), committed ? kAllNew : kOld);
      bench.Start();
      EXPECT_EQ(bench.host.Show(), committed ? kAllNew : kOld);
    }
  }
}

}  // namespace
}  // namespace tcpmedic
