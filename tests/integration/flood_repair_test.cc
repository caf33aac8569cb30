// tcp_syncookies ordered on the real kernel under a flood, with what goes wrong around it. What the
// setting is, is always read from the kernel, in the server's namespace.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/integration/flood_bench.h"

namespace tcpmedic::test {
namespace {

using ::testing::HasSubstr;

// Between the agent's step and our reading.
constexpr absl::Duration kMargin = absl::Seconds(3);
constexpr absl::Duration kAtOnce = absl::Seconds(3);
// The window over which a rate falls to nothing once the flood has ended.
constexpr absl::Duration kWindow = absl::Seconds(10);

class FloodRepair : public ::testing::Test {
 protected:
  void Start(absl::Duration lease) {
    const absl::Status started = bench_.Start(lease);
    ASSERT_TRUE(started.ok()) << started;
    id_ = daemons_.WaitForProposal();
    ASSERT_NE(id_, "") << daemons_.Logs();
    ASSERT_EQ(bench_.Cookies(), "0");
  }
  void TearDown() override {
    if (HasFailure()) std::puts(daemons_.Logs().c_str());
  }

  void ApproveAndSeeItChanged() {
    const Output approved = daemons_.Ask(absl::StrCat("approve ", id_, " --no-wait"));
    ASSERT_EQ(approved.exit_code, 0) << approved.err;
    ASSERT_TRUE(bench_.CookiesReach("1", kAtOnce)) << bench_.Cookies();
    changed_at_ = absl::Now();
  }
  nlohmann::json Order() const { return daemons_.NewestOrder(id_); }
  bool OrderReaches(const std::string& state, absl::Duration timeout) const {
    return Eventually(timeout, [&] { return Order()["state"] == state; });
  }
  absl::Duration UntilDeadline() const {
    return changed_at_ + FloodBench::kConfirmWithin + kMargin - absl::Now();
  }

  FloodBench bench_;
  Daemons& daemons_ = bench_.daemons();
  std::string id_;
  absl::Time changed_at_;
};

TEST_F(FloodRepair, StaysWhileTheFloodGoesOnAndEndsWithTheLeaseAfterIt) {
  constexpr absl::Duration kLease = absl::Seconds(8);
  ASSERT_NO_FATAL_FAILURE(Start(kLease));
  ASSERT_NO_FATAL_FAILURE(ApproveAndSeeItChanged());
  ASSERT_TRUE(OrderReaches("committed", absl::Seconds(25))) << Order().dump(2);

  // Its own finding has gone, several leases pass, and the flood goes on.
  const absl::Time committed = absl::Now();
  EXPECT_TRUE(Eventually(absl::Seconds(45), [&] {
    return daemons_.Show(id_)["finding_present"] == false;
  })) << daemons_.Show(id_).dump(2);
  absl::SleepFor(committed + 3 * kLease - absl::Now());
  EXPECT_EQ(bench_.Cookies(), "1");
  EXPECT_EQ(Order()["state"], "committed");

  ASSERT_TRUE(bench_.EndFlood().ok());
  const absl::Time ended = absl::Now();
  // Until the rate has left the window it holds; then the lease runs.
  EXPECT_TRUE(bench_.CookiesReach("0", kWindow + kLease + 2 * kMargin)) << bench_.Cookies();
  std::printf(
      "0 again %s after the flood's end\n",
      absl::FormatDuration(absl::Trunc(absl::Now() - ended, absl::Milliseconds(1))).c_str());
  EXPECT_TRUE(OrderReaches("ended", kMargin)) << Order().dump(2);
  EXPECT_THAT(Order()["reason"].get<std::string>(), HasSubstr("lease"));
  EXPECT_EQ(daemons_.Show(id_)["outcome"], "remedied");
}

TEST_F(FloodRepair, AnAdministratorsOwnWriteSurvivesRollback) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Hours(2)));
  ASSERT_NO_FATAL_FAILURE(ApproveAndSeeItChanged());
  ASSERT_TRUE(bench_.SetCookies("2").ok());
  const Output rolled_back = daemons_.Ask(absl::StrCat("rollback ", id_));
  EXPECT_EQ(rolled_back.exit_code, 1) << rolled_back.out;
  EXPECT_EQ(bench_.Cookies(), "2");
  EXPECT_EQ(Order()["state"], "drifted") << Order().dump(2);
  EXPECT_EQ(Order()["targets"][0]["value_after"], "2");
}

TEST_F(FloodRepair, AgentAlonePutsTheOldValueBackWhenTheControllerIsKilled) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Hours(2)));
  ASSERT_NO_FATAL_FAILURE(ApproveAndSeeItChanged());
  daemons_.KillController();
  absl::SleepFor(absl::Seconds(5));
  ASSERT_EQ(bench_.Cookies(), "1");
  EXPECT_TRUE(bench_.CookiesReach("0", UntilDeadline())) << bench_.Cookies();
}

TEST_F(FloodRepair, KilledAgentRestartedAlonePutsTheOldValueBack) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Hours(2)));
  ASSERT_NO_FATAL_FAILURE(ApproveAndSeeItChanged());
  daemons_.KillController();
  daemons_.KillAgent();
  ASSERT_EQ(bench_.Cookies(), "1");
  ASSERT_TRUE(daemons_.StartAgent().ok());
  EXPECT_TRUE(bench_.CookiesReach("0", UntilDeadline())) << bench_.Cookies();
}

TEST_F(FloodRepair, WhatTheGuardFileDoesNotAllowIsRefusedWithItsReason) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Hours(2)));
  const std::string good = FloodBench::GuardText(bench_.server().netns_cookie);
  struct Refusal {
    const char* name;
    std::string guard;
    const char* reason;
  };
  const Refusal refusals[] = {
      {"observe", absl::StrReplaceAll(good, {{"enforce", "observe"}}), "observe"},
      {"another action", absl::StrReplaceAll(good, {{"set_sysctl", "set_congestion_control"}}),
       "set_sysctl"},
      {"another sysctl",
       absl::StrReplaceAll(good,
                           {{"net.ipv4.tcp_syncookies: {min: 1, max: 1}", "net.core.somaxconn"}}),
       "net.ipv4.tcp_syncookies"},
      {"narrower bounds", absl::StrReplaceAll(good, {{"{min: 1, max: 1}", "{min: 2, max: 2}"}}),
       "2"},
      {"another namespace", FloodBench::GuardText(bench_.server().netns_cookie + 1000),
       "namespace"},
  };
  bool first = true;
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    std::ofstream(daemons_.guard_path()) << refusal.guard;
    if (!first) {
      const Output proposed = daemons_.Ask(absl::StrCat("propose ", id_));
      EXPECT_EQ(proposed.exit_code, 0) << proposed.err;
    }
    first = false;
    const Output approved = daemons_.Ask(absl::StrCat("approve ", id_));
    EXPECT_EQ(approved.exit_code, 1) << approved.out;
    EXPECT_EQ(Order()["state"], "refused") << Order().dump(2);
    EXPECT_THAT(Order()["reason"].get<std::string>(), HasSubstr(refusal.reason));
    EXPECT_EQ(bench_.Cookies(), "0");
  }
}

}  // namespace
}  // namespace tcpmedic::test
