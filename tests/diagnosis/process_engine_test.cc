// The engine and processes that do not close their sockets, or only seem not to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/str_join.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/engine.h"
#include "proto/proto_time.h"
#include "tests/diagnosis/leaking_host.h"
#include "tests/diagnosis/shipped_signature.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const v1::Evidence* Evidence(const v1::Finding& finding, const std::string& name) {
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() == name) return &evidence;
  }
  ADD_FAILURE() << name << " is not in " << finding.DebugString();
  static const v1::Evidence none;
  return &none;
}
int64_t IntOf(const v1::Finding& finding, const std::string& name) {
  return Evidence(finding, name)->value().int_value();
}

class ProcessEngineTest : public ::testing::Test {
 protected:
  ProcessEngineTest() {
    engine_.SetSignatures({MustCompile(LeakSignature())}, "rev-1");
    host_.Start(812, "leaky");
  }

  // One scan a second up to `second`, before each of which `each` happens.
  Engine::Result RunUntil(
      int second, const std::function<void()>& each = [] {}) {
    Engine::Result result;
    while (host_.second < second) {
      ++host_.second;
      each();
      result = host_.Scan(&engine_);
      if (!result.findings.empty() && found_at_ < 0) found_at_ = host_.second;
    }
    return result;
  }
  // 50 a second.
  std::function<void()> Leaking(std::vector<int> pids) {
    return [this, pids] { host_.Leak(50, pids); };
  }

  Engine engine_;
  LeakingHost host_;
  int found_at_ = -1;  // the first second with a finding
};

TEST_F(ProcessEngineTest, LeakIsFoundWithin20SecondsWithItsProcessAndListener) {
  RunUntil(5);
  const Engine::Result result = RunUntil(40, Leaking({812}));
  EXPECT_LE(found_at_ - 5, 20);
  EXPECT_EQ(host_.ever_wanted, MaskOf(TcpState::kCloseWait) | MaskOf(TcpState::kListen));
  ASSERT_THAT(result.findings, SizeIs(1));
  const v1::Finding& finding = result.findings[0];
  EXPECT_EQ(finding.group(), "process=812 listener=0.0.0.0:8080");
  EXPECT_EQ(finding.subject(), v1::SUBJECT_PROCESS);
  EXPECT_EQ(finding.confidence(), v1::CONFIDENCE_CERTAIN);
  EXPECT_EQ(finding.netns().cookie(), 1u);
  EXPECT_EQ(IntOf(finding, "process.pid"), 812);
  EXPECT_EQ(IntOf(finding, "process.unread_eof"), 0);
  EXPECT_EQ(IntOf(finding, "process.read_eof"), finding.socket_count());
  EXPECT_NEAR(Evidence(finding, "process.growth_per_min")->value().double_value(), 3'000, 200);
  EXPECT_EQ(Evidence(finding, "process.peers")->value().string_value(), "203.0.113.20 100 %");
  EXPECT_EQ(finding.sockets_size(), 64);
  EXPECT_EQ(finding.exemplar().cookie(), 1u);
  EXPECT_EQ(finding.before().values(0).name(), "close_wait_sockets");
  EXPECT_EQ(finding.before().values(0).value().int_value(), finding.socket_count());
  EXPECT_EQ(finding.before().values(1).name(), "growth_per_min");
  EXPECT_EQ(engine_.finding_sockets().at(0).pid, 812);
  EXPECT_THAT(engine_.finding_sockets().at(0).inodes, SizeIs(64));
}

TEST_F(ProcessEngineTest, FinThatWasNotReadIsToldFromOneThatWas) {
  const Engine::Result result = RunUntil(30, [&] {
    host_.Leak(40, {812});
    for (int i = 0; i < 10; ++i) host_.Leak({812}).rqueue = 1;
  });
  ASSERT_THAT(result.findings, SizeIs(1));
  const int64_t unread = IntOf(result.findings[0], "process.unread_eof");
  EXPECT_EQ(IntOf(result.findings[0], "process.read_eof"), 4 * unread);
}

TEST_F(ProcessEngineTest, OneAMinuteIsFoundAfterTenMinutes) {
  host_.Leak(200, {812});
  RunUntil(120);
  RunUntil(1'200, [&] {
    if (host_.second % 60 == 0) host_.Leak(1, {812});
  });
  EXPECT_GE(found_at_, 600);
  EXPECT_LE(found_at_, 900);
}

TEST_F(ProcessEngineTest, OldLeakIsCountedFromTheMomentThatTheAgentStarts) {
  host_.second = -10'000;
  host_.Leak(9'821, {812});
  host_.second = 0;
  const Engine::Result result = RunUntil(25, Leaking({812}));
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_GT(IntOf(result.findings[0], "process.sockets"), 9'821);
  EXPECT_LT(IntOf(result.findings[0], "process.risen_by"), 50 * 25);
  EXPECT_GE(FromProto(Evidence(result.findings[0], "process.oldest")->value().duration_value()),
            absl::Seconds(10'000));
}

// What must stay silent.

TEST_F(ProcessEngineTest, HalfCloseThatStillSendsIsSilent) {
  const auto each = [&] {
    host_.Leak(50, {812});
    for (auto& socket : host_.sockets) socket.bytes_acked += 10'000;
  };
  const Engine::Result result = RunUntil(60, each);
  EXPECT_EQ(found_at_, -1);
  ASSERT_THAT(result.activity, SizeIs(1));
  ASSERT_EQ(result.activity[0].stops_size(), 1);
  EXPECT_EQ(result.activity[0].stops(0).at(), "half-close-in-use");
}

TEST_F(ProcessEngineTest, HalfCloseWhosePeerIsSlowToReadIsSilent) {
  RunUntil(60, [&] {
    host_.Leak(50, {812});
    for (auto& socket : host_.sockets) socket.wqueue = 4'000'000;
  });
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, FlatPoolIsSilentAndNobodyIsAskedWhoHoldsIt) {
  host_.second = -100;
  host_.Leak(500, {812});
  host_.second = 0;
  const Engine::Result result = RunUntil(2'000);
  EXPECT_EQ(found_at_, -1);
  EXPECT_EQ(host_.questions, 0);
  EXPECT_EQ(host_.ever_wanted, MaskOf(TcpState::kCloseWait));
  EXPECT_EQ(result.activity.at(0).suspects(), 500);
}

TEST_F(ProcessEngineTest, BurstThatDrainsIsSilent) {
  RunUntil(5);
  host_.Leak(2'000, {812});
  RunUntil(15);
  RunUntil(60, [&] {
    host_.sockets.resize(host_.sockets.size() - std::min<size_t>(host_.sockets.size(), 60));
  });
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, BurstThatStandsStillAfterwardsIsSilent) {
  RunUntil(5);
  RunUntil(14, [&] { host_.Leak(300, {812}); });
  RunUntil(1'500);
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, PoolThatIsUsedAndClosesIsSilent) {
  host_.Leak(200, {812});
  RunUntil(120, [&] {  // more come than go, but they do go
    host_.Leak(50, {812});
    if (host_.second % 5 == 0)
      host_.sockets.erase(host_.sockets.begin(), host_.sockets.begin() + 5);
  });
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, ConnectionsThatAreClosedSoonAreNotCountedAndEndNoRise) {
  RunUntil(40, [&] {
    host_.sockets.erase(std::remove_if(host_.sockets.begin(), host_.sockets.end(),
                                       [](const auto& socket) { return socket.local_port == 80; }),
                        host_.sockets.end());
    host_.Leak({812}).local_port = 80;  // gone by the next scan
    host_.Leak(50, {812});
  });
  EXPECT_GE(found_at_, 15);
  EXPECT_LE(found_at_, 25);
}

TEST_F(ProcessEngineTest, ProcessThatIsBeingShutDownIsSilent) {
  RunUntil(5);
  // It has stopped to read and to listen, and exits after half a minute.
  host_.second = 5;
  host_.Leak(60, {812});
  RunUntil(10);
  host_.listening.clear();
  RunUntil(35, Leaking({812}));
  host_.End(812);
  RunUntil(60);
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, ProcessThatExitsSoonIsSilent) {
  RunUntil(5);
  RunUntil(15, Leaking({812}));
  host_.End(812);
  RunUntil(60);
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, MemoryThatGrowsForOtherReasonsIsSilent) {
  host_.process(812).set_rss_growth_bytes_per_min(1e9);
  host_.Leak(500, {812});
  RunUntil(1'000);
  EXPECT_EQ(found_at_, -1);
}

TEST_F(ProcessEngineTest, ConnectionsThatWaitForAcceptAreNobodysLeak) {
  RunUntil(60, [&] {
    for (int i = 0; i < 50; ++i) host_.Leak({812}).in_accept_queue = true;
  });
  EXPECT_EQ(found_at_, -1);
  EXPECT_EQ(host_.questions, 0);
}

TEST_F(ProcessEngineTest, FewerThan50AreNotWorthAsking) {
  RunUntil(40, [&] {
    if (host_.second % 3 == 0 && host_.sockets.size() < 49) host_.Leak(4, {812});
  });
  EXPECT_EQ(host_.questions, 0);
}

// Who it is.

TEST_F(ProcessEngineTest, SocketsSharedByForkBelongToTheLowestPidThatHoldsAll) {
  host_.Start(900, "leaky");
  const Engine::Result result = RunUntil(30, Leaking({900, 812}));
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].group(), "process=812 listener=0.0.0.0:8080");
}

TEST_F(ProcessEngineTest, WhoHoldsAllIsMeantAndNotWhoHoldsSome) {
  host_.Start(20, "child");
  const Engine::Result result = RunUntil(30, [&] {
    host_.Leak(30, {812});
    host_.Leak(20, {20, 812});
  });
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].group(), "process=812 listener=0.0.0.0:8080");
  EXPECT_EQ(result.findings[0].socket_count(), IntOf(result.findings[0], "process.sockets"));
}

TEST_F(ProcessEngineTest, EachOfSeveralProcessesIsAFindingOfItsOwn) {
  host_.Start(813, "leaky");
  const Engine::Result result = RunUntil(30, [&] {
    host_.Leak(25, {812});
    host_.Leak(25, {813});
  });
  ASSERT_THAT(result.findings, SizeIs(2));
  EXPECT_EQ(result.findings[0].group(), "process=812 listener=0.0.0.0:8080");
  EXPECT_EQ(result.findings[1].group(), "process=813 listener=0.0.0.0:8080");
}

TEST_F(ProcessEngineTest, ClientsLeakIsNamedByItsUpstream) {
  uint16_t port = 32'768;
  const Engine::Result result = RunUntil(30, [&] {
    for (int i = 0; i < 30; ++i) {
      auto& socket = host_.Leak({812});
      socket.local_port = port++;
      socket.remote_ip = "10.0.0.7";
      socket.remote_port = 5432;
    }
  });
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].group(), "process=812 listener=upstream 10.0.0.7:5432");
  EXPECT_FALSE(Evidence(result.findings[0], "process.listener_closed")->value().bool_value());
}

TEST_F(ProcessEngineTest, LeakIsFoundInEveryNamespace) {
  host_.Start(900, "contained");
  const Engine::Result result = RunUntil(30, [&] {
    for (int i = 0; i < 50; ++i) host_.Leak({900}).netns = 7;
  });
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].netns().cookie(), 7u);
}

TEST_F(ProcessEngineTest, SocketsOfAProcessThatHasEndedAreThoseOfItsHeir) {
  host_.Start(900, "heir");
  RunUntil(30, Leaking({812, 900}));
  host_.End(812);
  const Engine::Result result = RunUntil(60, Leaking({900}));
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].group(), "process=900 listener=0.0.0.0:8080");
}

TEST_F(ProcessEngineTest, HolderIsAskedForOncePerSocket) {
  RunUntil(60, Leaking({812}));
  EXPECT_LE(host_.inodes_asked, 50 * 60);
  EXPECT_LE(host_.questions, 60 / 3 + 1);
}

TEST_F(ProcessEngineTest, NobodyIsNamedWhereNobodyCanBeAsked) {
  host_.hidden = true;
  const Engine::Result result = RunUntil(60, Leaking({812}));
  EXPECT_EQ(found_at_, -1);
  EXPECT_EQ(result.activity.at(0).suspects(), 3'000);
  EXPECT_EQ(result.activity.at(0).sockets_seen(), 0);
}

// How a finding lives.

TEST_F(ProcessEngineTest, FindingGoesWhenNothingIsLeakedAnyMore) {
  RunUntil(30, Leaking({812}));
  // The window that a break may last, keep_firing_for, and readings on the way.
  EXPECT_THAT(RunUntil(50).findings, SizeIs(1));
  EXPECT_THAT(RunUntil(30 + 15 + 30 + 7).findings, IsEmpty());
}

TEST_F(ProcessEngineTest, FindingGoesWithItsProcess) {
  RunUntil(30, Leaking({812}));
  host_.End(812);
  EXPECT_THAT(RunUntil(31).findings, IsEmpty());
}

TEST_F(ProcessEngineTest, NamespaceThatCouldNotBeReadStaysAsItWas) {
  RunUntil(30, Leaking({812}));
  host_.dump_fails_in.insert(1);
  EXPECT_THAT(RunUntil(90, Leaking({812})).findings, SizeIs(1));
  host_.dump_fails_in.clear();
  EXPECT_THAT(RunUntil(120, Leaking({812})).findings, SizeIs(1));
}

TEST_F(ProcessEngineTest, OneThatIsClosedEndsTheRise) {
  RunUntil(30, Leaking({812}));
  host_.sockets.erase(host_.sockets.begin());
  const Engine::Result result = RunUntil(34, Leaking({812}));
  ASSERT_THAT(result.findings, SizeIs(1));  // for keep_firing_for
  EXPECT_THAT(Evidence(result.findings[0], "process.rises")->basis(), HasSubstr("last match"));
  ASSERT_EQ(result.activity.at(0).stops_size(), 1);
  EXPECT_EQ(result.activity[0].stops(0).at(), "process.closed == 0");
  EXPECT_EQ(result.activity[0].stops(0).example(),
            "leaky (pid 812), 0.0.0.0:8080: process.closed = 1");
}

TEST_F(ProcessEngineTest, ProcessOfASelectorIsTheOneThatTheFindingIsAbout) {
  const Engine::Result result = RunUntil(30, [&] {
    host_.Leak(40, {812});
    for (int i = 0; i < 10; ++i) host_.Leak({812}).rqueue = 1;
  });
  v1::Selector selector;
  selector.set_signature("close-wait-leak");
  selector.set_netns_cookie(1);
  *selector.mutable_group_by() = result.findings.at(0).group_by();
  const auto found = engine_.ProcessOf(selector);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->process, (ProcessKey{812, 8'120}));
  EXPECT_EQ(static_cast<int>(found->sockets.size()), result.findings[0].socket_count());
  EXPECT_EQ(found->sockets[0].key.cookie, 1u);
  EXPECT_EQ(found->sockets[0].inode, 9'001u);
  EXPECT_EQ(found->sockets[0].fd, 1);
  EXPECT_TRUE(found->sockets[0].eof_read);
  selector.mutable_group_by(0)->set_value("813");
  EXPECT_FALSE(engine_.ProcessOf(selector).has_value());
  selector.clear_group_by();
  EXPECT_FALSE(engine_.ProcessOf(selector).has_value());
}

TEST_F(ProcessEngineTest, KernelThatDoesNotReportTheLastAckCountsFromWhenItWasSeen) {
  const Engine::Result result = RunUntil(30, [&] {
    for (int i = 0; i < 50; ++i) host_.Leak({812}).reports_last_ack = false;
  });
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(Evidence(result.findings[0], "process.oldest")->basis(), "now, since first seen");
}

}  // namespace
}  // namespace tcpmedic
