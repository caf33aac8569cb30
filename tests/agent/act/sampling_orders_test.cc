// Orders that sample call sites, over campaigns in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/act/order_book.h"
#include "agent/act/sampling.h"
#include "tests/agent/act/order_bench.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Stage = CallSiteCampaign::Stage;

constexpr auto kApply = v1::OrderWish::WISH_APPLY;
constexpr auto kRollBack = v1::OrderWish::WISH_ROLL_BACK;

class SamplingOrders : public ::testing::Test {
 protected:
  SamplingOrders() {
    bench.AddNamespaces();
    bench.WriteGuard(
        "actions: [sample_call_sites]\nnamespaces: [cookie:4097]\nprocesses: [leaky]\n");
    bench.host.comms[812] = "leaky";
    Leak(3, /*counted_until=*/bench.clock.Now().uptime);
    bench.Start();
    order = Order("o-1");
  }

  v1::Order Order(const std::string& id) const {
    v1::Order sampling;
    sampling.set_id(id);
    sampling.mutable_selector()->set_signature("close-wait-leak");
    sampling.mutable_selector()->add_group_by()->set_attribute("process");
    sampling.mutable_selector()->set_netns_cookie(FakeHost::kNetns);
    *sampling.mutable_action()->mutable_sample_call_sites()->mutable_duration() =
        ToProto(absl::Seconds(30));
    sampling.set_session_nonce(OrderBench::kNonce);
    *sampling.mutable_expires_at() = ToProto(bench.clock.Now().wall + absl::Seconds(30));
    return sampling;
  }
  // What the scans show: so many sockets, the first of them read to its end.
  void Leak(int sockets, absl::Duration counted_until) {
    ProcessFound found;
    found.process = {.pid = 812, .start_ticks = 4711};
    found.netns = *bench.view.finding;
    found.counted_until = counted_until;
    for (int i = 0; i < sockets; ++i) {
      found.sockets.push_back({SocketKey(), static_cast<uint32_t>(5000 + i), 10 + i, i == 0});
    }
    bench.view.process = found;
  }
  void Sample() {
    bench.Wish(kApply, order);
    Pass(absl::Milliseconds(200));
    ASSERT_EQ(bench.Reports(), "o-1 APPLIED: pid 812=APPLIED\n");
  }
  bool Pass(absl::Duration time) {
    bench.clock.Advance(time);
    return bench.Step();
  }
  std::string Refusal() {
    bench.Wish(kApply, order);
    EXPECT_EQ(bench.call_sites.live, 0);
    const v1::OrderReport report = bench.book->Reports().at(0);
    EXPECT_EQ(report.state(), v1::Order::STATE_REFUSED) << report.DebugString();
    return report.reason();
  }
  static CallSiteReport Found() {
    CallSiteReport report;
    report.leaked_fds = 3;
    report.seen_fds = 2;
    report.samples = 99;
    report.sites.push_back({.kind = CallKind::kReadEof,
                            .fds = 2,
                            .frames = {{.function = "Drop(int)",
                                        .source = "leak.cc:42",
                                        .module = "/usr/bin/leaky",
                                        .offset = 0x1234,
                                        .build_id = "ab"}}});
    return report;
  }

  OrderBench bench;
  v1::Order order;
};

TEST_F(SamplingOrders, SampleTheFindingsProcessAndEndWithWhatWasFound) {
  ASSERT_TRUE(bench.book->Reports().empty());
  Sample();
  EXPECT_EQ(bench.call_sites.process, (ProcessKey{.pid = 812, .start_ticks = 4711}));
  EXPECT_EQ(bench.call_sites.duration, absl::Seconds(30));
  EXPECT_FALSE(bench.book->Reports()[0].has_rolls_back_at());

  // Far beyond what a change is given to be confirmed in.
  for (int i = 0; i < 30; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(bench.Reports(), "o-1 APPLIED: pid 812=APPLIED\n");
  EXPECT_FALSE(bench.call_sites.resolved.has_value());
  EXPECT_FALSE(bench.book->wants_fresh_samples());

  // What leaked last is not counted yet.
  bench.call_sites.stage = Stage::kSampled;
  const absl::Duration sampled = bench.clock.Now().uptime + absl::Seconds(1);
  Pass(absl::Seconds(1));
  EXPECT_TRUE(bench.book->wants_fresh_samples());
  EXPECT_FALSE(bench.call_sites.resolved.has_value());
  Leak(4, sampled);
  Pass(absl::Seconds(1));
  EXPECT_FALSE(bench.book->wants_fresh_samples());
  ASSERT_TRUE(bench.call_sites.resolved.has_value());
  ASSERT_THAT(*bench.call_sites.resolved, SizeIs(4));
  EXPECT_EQ(bench.call_sites.resolved->front().fd, 13);
  EXPECT_EQ(bench.call_sites.resolved->front().socket_inode, 5003u);
  EXPECT_EQ(bench.call_sites.resolved->front().eof_read, false);
  EXPECT_EQ(bench.call_sites.resolved->back().eof_read, true);

  EXPECT_FALSE(Pass(absl::Seconds(1)));  // it unwinds
  bench.call_sites.report = Found();
  EXPECT_TRUE(Pass(absl::Seconds(1)));
  EXPECT_EQ(bench.Reports(), "o-1 ENDED: pid 812=APPLIED\n");
  const v1::CallSites found = bench.book->Reports()[0].call_sites();
  EXPECT_EQ(found.samples(), 99);
  EXPECT_EQ(found.leaked_fds(), 3);
  ASSERT_EQ(found.sites_size(), 1);
  EXPECT_EQ(found.sites(0).kind(), v1::CallSite::KIND_READ_EOF);
  EXPECT_EQ(found.sites(0).frames(0).source(), "leak.cc:42");
  EXPECT_EQ(found.sites(0).frames(0).offset(), 0x1234u);
  EXPECT_EQ(bench.call_sites.live, 0);
  EXPECT_EQ(bench.book->NextDeadline(), absl::InfiniteDuration());
  EXPECT_EQ(bench.host.exchanges, 0);
}

TEST_F(SamplingOrders, AreTheOnlyOneOnTheirHost) {
  Sample();
  v1::OrderSet both;
  for (const char* id : {"o-1", "o-2"}) {
    v1::OrderWish* const wish = both.add_wishes();
    *wish->mutable_order() = Order(id);
    wish->set_wish(kApply);
  }
  bench.book->SetWishes(both);
  bench.Step();
  EXPECT_EQ(bench.Reports(),
            "o-1 APPLIED: pid 812=APPLIED\n"
            "o-2 REFUSED busy: order o-1 is sampling call sites on this host:\n");
  EXPECT_EQ(bench.call_sites.started, 1);
}

TEST_F(SamplingOrders, AreRefusedWithTheHostsSentenceWhereItCannotSample) {
  bench.call_sites.stage = absl::PermissionDeniedError("perf_event_open: EPERM");
  bench.Wish(kApply, order);
  EXPECT_TRUE(bench.book->Reports().empty());  // it was not known at once
  EXPECT_TRUE(Pass(absl::Milliseconds(200)));
  EXPECT_EQ(bench.Reports(), "o-1 REFUSED perf_event_open: EPERM:\n");
  EXPECT_EQ(bench.call_sites.live, 0);
  // Nothing of it is remembered, and nothing stands in the way of the next.
  bench.Start();
  EXPECT_TRUE(bench.book->Reports().empty());
  bench.call_sites.stage = Stage::kSampling;
  order = Order("o-2");
  bench.Wish(kApply, order);
  EXPECT_TRUE(Pass(absl::Milliseconds(200)));
  EXPECT_EQ(bench.Reports(), "o-2 APPLIED: pid 812=APPLIED\n");
}

TEST_F(SamplingOrders, ThatNeverBeginAreRefused) {
  bench.call_sites.stage = Stage::kAttaching;
  bench.Wish(kApply, order);
  EXPECT_FALSE(Pass(absl::Seconds(29)));
  EXPECT_TRUE(Pass(absl::Seconds(1)));
  EXPECT_EQ(bench.Reports(), "o-1 REFUSED sampling has not begun within 30s:\n");
}

TEST_F(SamplingOrders, AreAllowedByTheGuardFileOnly) {
  bench.WriteGuard("actions: [set_sysctl]\nnamespaces: [any]\nprocesses: [any]\n");
  EXPECT_EQ(Refusal(), "the guard file does not allow sample_call_sites; it allows set_sysctl");
  order.set_id("o-2");
  bench.WriteGuard("actions: [sample_call_sites]\nnamespaces: [host]\nprocesses: [any]\n");
  EXPECT_EQ(Refusal(), "the guard file does not allow namespace cookie:4097; it allows host");
  order.set_id("o-3");
  bench.WriteGuard("actions: [sample_call_sites]\nnamespaces: [any]\nprocesses: [nginx]\n");
  EXPECT_EQ(Refusal(), "the guard file does not allow process leaky (pid 812); it allows nginx");
  EXPECT_EQ(bench.call_sites.started, 0);
}

TEST_F(SamplingOrders, WithoutTheirFindingAreRefused) {
  bench.view.process.reset();
  EXPECT_EQ(Refusal(),
            "the finding has gone: close-wait-leak is not seen in namespace cookie:4097");
}

TEST_F(SamplingOrders, ForTooShortOrTooLongAreRefused) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Milliseconds(999), absl::Minutes(5) + absl::Seconds(1)}) {
    order.set_id(absl::StrCat("o-", absl::FormatDuration(duration)));
    *order.mutable_action()->mutable_sample_call_sites()->mutable_duration() = ToProto(duration);
    EXPECT_THAT(Refusal(), HasSubstr("not between 1s and 5m"));
  }
  order.set_id("o-leased");
  *order.mutable_action()->mutable_sample_call_sites()->mutable_duration() =
      ToProto(absl::Seconds(1));
  *order.mutable_lease()->mutable_for_() = ToProto(absl::Hours(1));
  EXPECT_EQ(Refusal(), "sample_call_sites: it changes nothing to be leased");
}

TEST_F(SamplingOrders, ThatAreTakenBackEndAtOnceWithWhatWasSeen) {
  Sample();
  bench.Wish(kRollBack, order, "ann: enough");
  EXPECT_THAT(*bench.call_sites.resolved, SizeIs(3));
  bench.call_sites.report = Found();
  EXPECT_TRUE(Pass(absl::Seconds(1)));
  EXPECT_EQ(bench.Reports(), "o-1 ENDED ann: enough: pid 812=APPLIED\n");
  EXPECT_EQ(bench.book->Reports()[0].call_sites().sites_size(), 1);
}

TEST_F(SamplingOrders, ThatLoseTheirFindingExplainWhatWasLeakedLast) {
  Sample();
  Pass(absl::Seconds(1));
  bench.view.process.reset();
  bench.call_sites.stage = Stage::kSampled;
  Pass(absl::Seconds(1));
  ASSERT_TRUE(bench.call_sites.resolved.has_value());
  EXPECT_THAT(*bench.call_sites.resolved, SizeIs(3));
}

TEST_F(SamplingOrders, DoNotWaitForEverForWhatLeakedLastToBeCounted) {
  Sample();
  bench.call_sites.stage = Stage::kSampled;
  Pass(absl::Seconds(1));
  Pass(absl::Seconds(29));
  EXPECT_FALSE(bench.call_sites.resolved.has_value());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(bench.call_sites.resolved.has_value());
}

TEST_F(SamplingOrders, ExplainTheNewestSocketsOfMany) {
  Leak(5000, bench.clock.Now().uptime + absl::Hours(1));
  Sample();
  bench.call_sites.stage = Stage::kSampled;
  Pass(absl::Seconds(1));
  ASSERT_TRUE(bench.call_sites.resolved.has_value());
  ASSERT_THAT(*bench.call_sites.resolved, SizeIs(Sampling::kMaxLeaked));
  EXPECT_EQ(bench.call_sites.resolved->front().socket_inode, 9999u);
}

TEST_F(SamplingOrders, ThatHangEndWithoutAReport) {
  Sample();
  Pass(absl::Seconds(149));
  EXPECT_EQ(bench.Reports(), "o-1 APPLIED: pid 812=APPLIED\n");
  Pass(absl::Seconds(1));
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED it did not come to an end within 2m of its time: pid 812=APPLIED\n");
  EXPECT_FALSE(bench.book->Reports()[0].has_call_sites());
  EXPECT_EQ(bench.call_sites.live, 0);
}

TEST_F(SamplingOrders, EndWithTheAgentAndAreNotBegunAgain) {
  Sample();
  bench.Start("boot-1", OrderBench::kNonce + 1);
  constexpr char kEnded[] = "o-1 ENDED the agent stopped while it was sampling: pid 812=APPLIED\n";
  EXPECT_EQ(bench.Reports(), kEnded);
  bench.Wish(kApply, order);
  EXPECT_EQ(bench.Reports(), kEnded);
  EXPECT_EQ(bench.call_sites.started, 1);
  EXPECT_EQ(bench.call_sites.live, 0);
}

TEST_F(SamplingOrders, ThatWereJustBeginningEndWithTheAgentToo) {
  bench.call_sites.stage = Stage::kAttaching;
  bench.Wish(kApply, order);
  bench.Start("boot-2");
  EXPECT_EQ(bench.Reports(), "o-1 ENDED the host has restarted: pid 812=APPLIED\n");
}

TEST_F(SamplingOrders, OfAnAgentThatIsStoppedAreToldToHaveEnded) {
  Sample();
  EXPECT_TRUE(bench.book->AbandonSampling("the agent stopped while it was sampling"));
  EXPECT_EQ(bench.Reports(),
            "o-1 ENDED the agent stopped while it was sampling: pid 812=APPLIED\n");
  EXPECT_FALSE(bench.book->AbandonSampling("again"));
  EXPECT_EQ(bench.call_sites.live, 0);
}

TEST_F(SamplingOrders, HaveNothingToUndoOrToFollow) {
  Sample();
  EXPECT_TRUE(bench.book->followed().empty());
  const OrderBook::Undone undone = bench.book->UndoAll(bench.clock.Now());
  EXPECT_TRUE(undone.complete);
  EXPECT_THAT(undone.lines, ::testing::IsEmpty());
}

TEST_F(SamplingOrders, AreForgottenOnceTheirEndIsStored) {
  Sample();
  bench.Wish(kRollBack, order);
  bench.call_sites.report = Found();
  Pass(absl::Seconds(1));
  bench.clock.Advance(absl::Minutes(2));
  bench.Wish(v1::OrderWish::WISH_UNSPECIFIED, order, "", v1::Order::STATE_ENDED);
  bench.Step();
  EXPECT_EQ(bench.Reports(), "");
  bench.Start();
  EXPECT_EQ(bench.Reports(), "");
}

TEST(BoundedCallSites, LeavesOutTheSitesOfFewestDescriptorsAndSaysSo) {
  CallSiteReport report;
  for (int i = 0; i < 60; ++i) report.sites.push_back({CallKind::kRead, 60 - i, {}});
  const v1::CallSites found = BoundedCallSites(report);
  EXPECT_EQ(found.sites_size(), 50);
  EXPECT_EQ(found.sites(0).fds(), 60);
  EXPECT_THAT(found.degraded(), ElementsAre("10 of 60 call sites are not told: those with the "
                                            "fewest descriptors"));
}

TEST(BoundedCallSites, KeepsToItsBytesAndToTextThatCanBePrinted) {
  CallSiteReport report;
  CallFrame frame;
  frame.function = std::string(100'000, 'x');
  frame.module = "\x1b[2J\xff";
  for (int i = 0; i < 40; ++i) {
    report.sites.push_back({CallKind::kRead, 1, std::vector<CallFrame>(48, frame)});
  }
  const v1::CallSites found = BoundedCallSites(report, 100'000);
  EXPECT_GT(found.sites_size(), 0);
  EXPECT_LT(found.ByteSizeLong(), 101'000u);
  EXPECT_EQ(found.sites(0).frames(0).function().size(), 512 + std::string("…").size());
  EXPECT_EQ(found.sites(0).frames(0).module(), "?[2J?");
}

}  // namespace
}  // namespace tcpmedic
