// As order_book_crash_test.cc, for an order of two settings with a lease: the agent is killed at
// every write to its journal, before, in the middle and after, and at every write of a setting.
// Whatever was on disk, the next agent finds one of two legal states, both settings together, and
// the right one after the deadline and after the lease.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/agent/act/order_bench.h"

namespace tcpmedic {
namespace {

struct Killed {};

constexpr char kOld[] = "net.core.somaxconn=4096 net.ipv4.tcp_syncookies=0";
constexpr char kNew[] = "net.core.somaxconn=8192 net.ipv4.tcp_syncookies=1";
constexpr absl::Duration kLease = absl::Minutes(10);

enum Life { kCommittedAndLeased, kRolledBack, kFailedHalfWay };
// How far the killed agent had come, as the controller may have been told.
enum Told { kNothing, kToldApplied, kToldCommitted, kToldOver };

class SysctlOrdersCrash : public ::testing::TestWithParam<double> {
 protected:
  static void Prepare(OrderBench* bench, Life life) {
    bench->AddNamespaces();
    bench->host.namespaces.erase(FakeHost::kNetns + 1);
    if (life == kFailedHalfWay) {
      bench->host.namespaces.at(FakeHost::kNetns).refuses["net.core.somaxconn"] =
          absl::PermissionDeniedError("write: EACCES");
    }
  }

  static v1::Order TwoSettings(const OrderBench& bench) {
    v1::Order order = bench.SysctlOrder("o-1");
    OrderBench::AddSetting("net.core.somaxconn", "8192", &order);
    *order.mutable_lease()->mutable_for_() = ToProto(kLease);
    return order;
  }

  // Runs one order through its life, a lease that is renewed and runs out included, and kills the
  // agent at the `kill_at`th event. False: it lived to the end.
  static bool LiveUntilKilled(OrderBench* bench, Life life, const v1::Order& order, int kill_at,
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
      *told = life == kFailedHalfWay ? kToldOver : kToldApplied;
      if (life == kRolledBack) {
        bench->Wish(v1::OrderWish::WISH_ROLL_BACK, order);
        *told = kToldOver;
      } else if (life == kCommittedAndLeased) {
        bench->Wish(v1::OrderWish::WISH_COMMIT, order);
        *told = kToldCommitted;
        bench->view.holds = true;
        bench->clock.Advance(kLease / 2);
        bench->Step();
        bench->view.holds = false;
        bench->clock.Advance(kLease);
        bench->Step();
        *told = kToldOver;
      }
    } catch (const Killed&) {
      killed = true;
    }
    bench->disk.before_write = [] {};
    bench->host.before_exchange = [] {};
    return killed;
  }
};

TEST_P(SysctlOrdersCrash, AtAnyEventTheNextAgentFindsALegalStateAndTheRightOneLater) {
  for (const Life life : {kCommittedAndLeased, kRolledBack, kFailedHalfWay}) {
    int kill_at = 0;
    for (bool killed = true; killed; ++kill_at) {
      ASSERT_LT(kill_at, 100);
      OrderBench bench;
      bench.disk.keeps = GetParam();
      Prepare(&bench, life);
      const v1::Order order = TwoSettings(bench);
      Told told = kNothing;
      killed = LiveUntilKilled(&bench, life, order, kill_at, &told);
      SCOPED_TRACE(absl::StrCat("life ", life, ", killed at ", kill_at, ", told ", told));

      bench.view.holds = std::nullopt;
      bench.clock.Advance(absl::Seconds(1));
      bench.Start("boot-1", OrderBench::kNonce + 1);
      const std::string found = bench.host.ShowSysctls();
      const bool committed = bench.Reports().find("COMMITTED") != std::string::npos;
      EXPECT_TRUE(found == kOld || (found == kNew && life != kFailedHalfWay)) << found;
      EXPECT_TRUE(found == kOld || told != kToldOver);
      EXPECT_TRUE(committed || told != kToldCommitted || found == kOld);

      bench.clock.Advance(absl::Seconds(34));
      bench.Step();
      EXPECT_EQ(bench.host.ShowSysctls(), committed ? kNew : kOld) << bench.Reports();
      // The journal may lag behind the newest renewal, and is never ahead of it.
      bench.clock.Advance(kLease);
      bench.Step();
      EXPECT_EQ(bench.host.ShowSysctls(), kOld) << bench.Reports();

      const std::string reports = bench.Reports();
      bench.Start("boot-1", OrderBench::kNonce + 2);
      bench.Step();
      EXPECT_EQ(bench.host.ShowSysctls(), kOld);
      EXPECT_EQ(bench.Reports(), reports);
    }
    EXPECT_GT(kill_at, life == kFailedHalfWay ? 5 : 8) << "fewer events than this life must have";
  }
}

INSTANTIATE_TEST_SUITE_P(OfAWriteThatIsCutShort, SysctlOrdersCrash,
                         ::testing::Values(0.0, 0.6, 1.0));

TEST(SysctlOrdersFaults, EveryWriteThatFailsLeavesALegalStateAndTheLeaseHolds) {
  for (int fail_at = 0; fail_at < 12; ++fail_at) {
    OrderBench bench;
    bench.AddNamespaces();
    bench.host.namespaces.erase(FakeHost::kNetns + 1);
    v1::Order order = bench.SysctlOrder("o-1");
    OrderBench::AddSetting("net.core.somaxconn", "8192", &order);
    int writes = 0;
    bench.disk.before_write = [&] { bench.disk.full = writes++ == fail_at; };
    bench.Start();
    bench.Wish(v1::OrderWish::WISH_APPLY, order);
    bench.Wish(v1::OrderWish::WISH_COMMIT, order);
    bench.Step();
    SCOPED_TRACE(absl::StrCat("write ", fail_at, " fails: ", bench.Reports()));
    const bool committed = bench.Reports().find("COMMITTED") != std::string::npos;
    bench.clock.Advance(absl::Seconds(35));
    bench.Step();
    EXPECT_EQ(bench.host.ShowSysctls(), committed ? kNew : kOld);
    bench.Start();
    EXPECT_EQ(bench.host.ShowSysctls(), committed ? kNew : kOld);
    bench.clock.Advance(absl::Hours(2));
    bench.Step();
    EXPECT_EQ(bench.host.ShowSysctls(), kOld);
  }
}

}  // namespace
}  // namespace tcpmedic
