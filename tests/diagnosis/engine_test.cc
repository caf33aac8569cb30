// The engine's mechanics: how findings begin, group, outlive their condition and end. On the
// shipped pinned-cwnd, which a flow matches 11 s after it was first scanned
// (tests/diagnosis/flow.h).
#include "diagnosis/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/diagnosis/scan_fixture.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EngineTest : public ScanFixture {
 protected:
  EngineTest() : signature_(ShippedSignature("pinned-cwnd")) { Use(signature_); }

  void UseOptions(EngineOptions options) {
    engine_ = std::make_unique<Engine>(options);
    Use(signature_);
  }

  v1::Signature signature_;
};

TEST_F(EngineTest, WithoutSignaturesNothingIsAskedForOrFound) {
  engine_->SetSignatures({}, "");
  EXPECT_EQ(engine_->StatesWanted(1), 0u);
  AddFlow(1);
  const Engine::Result result = ScanUntil(20);
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_THAT(result.activity, IsEmpty());
  EXPECT_EQ(result.sockets, 1);
  EXPECT_EQ(result.suspects, 0);
}

TEST_F(EngineTest, SocketsToOneAddressAreOneFinding) {
  for (uint64_t cookie = 1; cookie <= 8; ++cookie) AddFlow(cookie);
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].socket_count(), 8);
  EXPECT_THAT(CookiesOf(result.findings[0]), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(result.findings[0].before().sockets(), 8);
  EXPECT_EQ(result.findings[0].before().values(1).value().double_value(), 8 * 99 * 1'448 * 8);
}

TEST_F(EngineTest, AddressesAndNamespacesAreFindingsOfTheirOwn) {
  AddFlow(1, "203.0.113.20");
  AddFlow(2, "203.0.113.99");
  AddFlow(3, "203.0.113.20").socket.netns_cookie = 5;
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(3));
  EXPECT_EQ(result.findings[0].group(), "netns=1 socket.remote_ip=203.0.113.20");
  EXPECT_EQ(result.findings[1].group(), "netns=1 socket.remote_ip=203.0.113.99");
  EXPECT_EQ(result.findings[2].group(), "netns=5 socket.remote_ip=203.0.113.20");
  EXPECT_EQ(result.findings[2].netns().name(), "netns 5");
}

TEST_F(EngineTest, TheSocketThatMatchedLongestIsTheExemplar) {
  AddFlow(9);
  ScanUntil(3);
  AddFlow(2);
  const Engine::Result result = ScanUntil(20);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].exemplar().cookie(), 9u);
  EXPECT_THAT(CookiesOf(result.findings[0]), ElementsAre(9, 2));
}

TEST_F(EngineTest, WhenIsAskedOfTheWholeGroup) {
  signature_.set_when("group.count >= 3 && group.goodput_bps > 3e6");
  Use(signature_);
  AddFlow(1);
  AddFlow(2);
  EXPECT_THAT(ScanUntil(20).findings, IsEmpty());
  AddFlow(3);
  EXPECT_THAT(ScanUntil(30).findings, IsEmpty());
  EXPECT_THAT(ScanUntil(31).findings, SizeIs(1));
}

TEST_F(EngineTest, WindowThatByChanceHoldsNoLossIsNoBreak) {
  signature_.mutable_for_()->set_seconds(10);
  Use(signature_);
  Flow& flow = AddFlow(1);
  ScanUntil(7);  // matches since 6 s
  flow.retransmits_per_second = 0;
  ScanUntil(13);  // from 12 s on no window holds a retransmit
  flow.retransmits_per_second = 1;
  EXPECT_THAT(ScanUntil(14).findings, IsEmpty());
  const Engine::Result result = ScanUntil(15);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].since().seconds(), 1'700'000'006);
}

TEST_F(EngineTest, NoFindingIsMadeWhileItsWindowHoldsNoLoss) {
  signature_.mutable_for_()->set_seconds(8);
  Use(signature_);
  Flow& flow = AddFlow(1);
  ScanUntil(7);
  flow.retransmits_per_second = 0;
  EXPECT_THAT(ScanUntil(15).findings, IsEmpty());
}

TEST_F(EngineTest, TimeThatNoMatchingWindowCoversIsABreak) {
  signature_.mutable_for_()->set_seconds(10);
  Use(signature_);
  Flow& flow = AddFlow(1);
  ScanUntil(7);
  flow.retransmits_per_second = 0;
  ScanUntil(18);  // the last match at 11 s
  flow.retransmits_per_second = 1;
  EXPECT_THAT(ScanUntil(27).findings, IsEmpty());
  const Engine::Result result = ScanUntil(28);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].since().seconds(), 1'700'000'019);
}

TEST_F(EngineTest, LookAlikeBreaksAtOnce) {
  Flow& flow = AddFlow(1);
  ScanUntil(9);
  flow.socket.info.tcpi_delivery_rate_app_limited = 1;
  Scan();
  flow.socket.info.tcpi_delivery_rate_app_limited = 0;
  EXPECT_THAT(ScanUntil(15).findings, IsEmpty());
  EXPECT_THAT(ScanUntil(16).findings, SizeIs(1));
}

TEST_F(EngineTest, FindingOutlivesItsConditionWithTheEvidenceOfItsLastMatch) {
  Flow& flow = AddFlow(1);
  const std::string verdict = ScanUntil(20).findings[0].verdict();
  flow.retransmits_per_second = 0;
  flow.socket.info.tcpi_snd_cwnd = 400;  // no match from now on
  Engine::Result result = ScanUntil(21);
  ASSERT_THAT(result.findings, SizeIs(1));
  const v1::Finding& finding = result.findings[0];
  EXPECT_EQ(finding.verdict(), verdict);
  EXPECT_EQ(finding.observed_at().seconds(), 1'700'000'020);
  for (const v1::Evidence& evidence : finding.evidence()) {
    EXPECT_TRUE(absl::EndsWith(evidence.basis(), ", at the last match")) << evidence.basis();
    EXPECT_FALSE(absl::StrContains(evidence.basis(), "match, at")) << evidence.basis();
  }
  EXPECT_THAT(ScanUntil(49).findings, SizeIs(1));
  EXPECT_THAT(ScanUntil(50).findings, IsEmpty());  // 30 s after the last match
}

TEST_F(EngineTest, FindingThatLingersReturnsAsTheSameFinding) {
  Flow& flow = AddFlow(1);
  ScanUntil(20);
  flow.socket.info.tcpi_snd_cwnd = 400;
  ScanUntil(35);
  flow.socket.info.tcpi_snd_cwnd = 12;
  const Engine::Result result = ScanUntil(36);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].found_at().seconds(), 1'700'000'011);
  EXPECT_EQ(result.findings[0].observed_at().seconds(), 1'700'000'036);
  EXPECT_EQ(result.findings[0].evidence(0).basis(), "now");
}

TEST_F(EngineTest, FindingLeavesAtOnceWithItsLastSocket) {
  AddFlow(1);
  AddFlow(2);
  ScanUntil(12);
  flows_.erase(flows_.begin());
  Engine::Result result = Scan();
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_THAT(CookiesOf(result.findings[0]), ElementsAre(2));
  flows_.clear();
  result = Scan();
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_EQ(result.suspects, 0);
}

TEST_F(EngineTest, SocketThatVanishesFromALingeringFindingIsNotListed) {
  AddFlow(1);
  AddFlow(2);
  ScanUntil(12);
  for (Flow& flow : flows_) flow.socket.info.tcpi_snd_cwnd = 400;
  EXPECT_THAT(CookiesOf(ScanUntil(20).findings[0]), ElementsAre(1, 2));
  flows_.pop_back();
  const Engine::Result result = Scan();
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_THAT(CookiesOf(result.findings[0]), ElementsAre(1));
  EXPECT_EQ(result.findings[0].socket_count(), 1);
  flows_.clear();
  EXPECT_THAT(Scan().findings, IsEmpty());
}

TEST_F(EngineTest, SocketThatOneSampleRulesOutLeavesAtOnce) {
  Flow& flow = AddFlow(1);
  ASSERT_THAT(ScanUntil(12).findings, SizeIs(1));
  flow.socket.cc = "bbr";  // somebody moved it
  EXPECT_THAT(Scan().findings, IsEmpty());
}

TEST_F(EngineTest, NewSocketAtTheSameAddressesIsANewSocket) {
  AddFlow(1);
  ASSERT_THAT(ScanUntil(12).findings, SizeIs(1));
  flows_[0].socket.cookie = 2;
  EXPECT_THAT(Scan().findings, IsEmpty());
  EXPECT_THAT(ScanUntil(22).findings, IsEmpty());
  const Engine::Result result = ScanUntil(23);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].since().seconds(), 1'700'000'018);
}

TEST_F(EngineTest, CountersThatStartAgainMakeTheWindowFillAgain) {
  Flow& flow = AddFlow(1);
  ScanUntil(8);
  flow.socket.info.tcpi_data_segs_out = 300;
  flow.socket.info.tcpi_total_retrans = 0;
  const Engine::Result result = Scan();
  EXPECT_THAT(result.findings, IsEmpty());
  ASSERT_THAT(result.activity[0].stops(), SizeIs(1));
  EXPECT_TRUE(result.activity[0].stops(0).waiting());
  EXPECT_THAT(ScanUntil(18).findings, IsEmpty());
  EXPECT_THAT(ScanUntil(19).findings, SizeIs(1));  // reset at 9 s, full at 14 s, for 5 s
}

TEST_F(EngineTest, GapInScansIsNoBreakAndIsNamedInTheBasis) {
  AddFlow(1);
  ScanUntil(12);
  const Engine::Result result = Scan(60);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].evidence(4).name(), "socket.retrans_ratio");
  EXPECT_EQ(result.findings[0].evidence(4).basis(), "window 1m");
  EXPECT_EQ(result.findings[0].evidence(4).value().double_value(), 0.01);
  EXPECT_EQ(result.findings[0].since().seconds(), 1'700'000'006);
}

TEST_F(EngineTest, FailedDumpKeepsWhatWasKnown) {
  AddFlow(1);
  AddFlow(2).socket.netns_cookie = 5;
  ScanUntil(12);
  dump_fails_in_ = {5};
  for (int i = 0; i < 60; ++i) {
    const Engine::Result result = Scan();
    ASSERT_THAT(result.findings, SizeIs(2));
    EXPECT_EQ(result.findings[0].observed_at().seconds(), 1'700'000'000 + seconds_);
    EXPECT_EQ(result.findings[1].observed_at().seconds(), 1'700'000'012);
    EXPECT_EQ(result.suspects, 2);
  }
  dump_fails_in_.clear();
  const Engine::Result result = Scan();
  ASSERT_THAT(result.findings, SizeIs(2));
  EXPECT_EQ(result.findings[1].observed_at().seconds(), 1'700'000'000 + seconds_);
  EXPECT_EQ(result.findings[1].found_at().seconds(), 1'700'000'011);
}

TEST_F(EngineTest, FailedDumpDoesNotEndALingeringFinding) {
  Flow& flow = AddFlow(1);
  ScanUntil(12);
  flow.socket.info.tcpi_snd_cwnd = 400;
  ScanUntil(20);
  dump_fails_in_ = {1};
  EXPECT_THAT(ScanUntil(90).findings, SizeIs(1));
  dump_fails_in_.clear();
  EXPECT_THAT(Scan().findings, IsEmpty());
}

TEST_F(EngineTest, NamespaceThatCannotEvenBeNamedHoldsUpNoOther) {
  dump_fails_in_ = {0};
  AddFlow(1);
  EXPECT_THAT(ScanUntil(11).findings, SizeIs(1));
}

TEST_F(EngineTest, NamespaceThatVanishesTakesItsFindingsAlong) {
  AddFlow(1);
  AddFlow(2).socket.netns_cookie = 5;
  ASSERT_THAT(ScanUntil(12).findings, SizeIs(2));
  flows_.pop_back();
  const Engine::Result result = Scan();
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].netns().cookie(), 1u);
  EXPECT_EQ(result.suspects, 1);
}

TEST_F(EngineTest, SignatureOfTheSameTextKeepsItsFindings) {
  AddFlow(1);
  ScanUntil(12);
  v1::Signature other = signature_;
  other.set_name("other");
  engine_->SetSignatures({MustCompile(other), MustCompile(signature_)}, "rev-2");
  const Engine::Result result = Scan();
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].signature(), "pinned-cwnd");
  EXPECT_EQ(result.findings[0].signature_revision(), "rev-2");
  EXPECT_EQ(result.findings[0].found_at().seconds(), 1'700'000'011);
  EXPECT_THAT(result.activity, SizeIs(2));
}

TEST_F(EngineTest, ChangedSignatureBeginsAnewOnTheHistoryThatThereIs) {
  AddFlow(1);
  ScanUntil(12);
  signature_.set_title("another title");
  Use(signature_, "rev-2");
  EXPECT_THAT(ScanUntil(17).findings, IsEmpty());
  EXPECT_THAT(ScanUntil(18).findings, SizeIs(1));  // first match at 13 s, for 5 s
}

TEST_F(EngineTest, RemovedSignatureHasNoFindings) {
  AddFlow(1);
  ScanUntil(12);
  engine_->SetSignatures({}, "rev-2");
  EXPECT_THAT(Scan().findings, IsEmpty());
}

TEST_F(EngineTest, SocketSeenTwiceInOneDumpCountsOnce) {
  AddFlow(1);
  ScanUntil(12);
  flows_.push_back(flows_[0]);
  const Engine::Result result = Scan();
  EXPECT_EQ(result.sockets, 1);
  EXPECT_EQ(result.activity[0].sockets_seen(), 1);
  EXPECT_EQ(result.findings[0].socket_count(), 1);
}

TEST_F(EngineTest, SuspectsAreBoundedAndTheRestCounted) {
  UseOptions({.max_suspects = 4});
  for (uint64_t cookie = 1; cookie <= 6; ++cookie) AddFlow(cookie);
  Engine::Result result = Scan();
  EXPECT_EQ(result.suspects, 4);
  EXPECT_EQ(result.suspects_not_kept, 2);
  result = Scan();
  EXPECT_EQ(result.suspects, 4);
  EXPECT_EQ(result.suspects_not_kept, 4);
  EXPECT_EQ(ScanUntil(12).findings[0].socket_count(), 4);
}

TEST_F(EngineTest, YoungSocketsTakeNoMoreThanHalfOfTheRoom) {
  UseOptions({.max_suspects = 8});
  for (uint64_t cookie = 1; cookie <= 10; ++cookie) {
    Flow& flow = AddFlow(cookie);
    flow.socket.info.tcpi_data_segs_out = 10;
    flow.segments_per_second = 1;
  }
  EXPECT_EQ(Scan().suspects, 4);
  for (uint64_t cookie = 11; cookie <= 14; ++cookie) AddFlow(cookie);
  const Engine::Result result = Scan();
  EXPECT_EQ(result.suspects, 8);
  EXPECT_EQ(result.suspects_not_kept, 0);
}

TEST_F(EngineTest, FindingsAndTheirSocketsAreBounded) {
  UseOptions({.max_findings = 2, .max_sockets_per_finding = 3});
  for (uint64_t cookie = 1; cookie <= 5; ++cookie) AddFlow(cookie, "203.0.113.1");
  AddFlow(6, "203.0.113.2");
  AddFlow(7, "203.0.113.3");
  const Engine::Result result = ScanUntil(12);
  ASSERT_THAT(result.findings, SizeIs(2));
  EXPECT_EQ(result.findings_omitted, 1);
  EXPECT_EQ(result.findings[0].socket_count(), 5);
  EXPECT_THAT(CookiesOf(result.findings[0]), ElementsAre(1, 2, 3));
}

TEST_F(EngineTest, NamesTheInodesBehindEachFinding) {
  AddFlow(1, "203.0.113.1");
  AddFlow(2, "203.0.113.1");
  AddFlow(3, "203.0.113.2");
  ScanUntil(12);
  const std::vector<Engine::FindingSockets> sockets = engine_->finding_sockets();
  ASSERT_THAT(sockets, SizeIs(2));
  EXPECT_EQ(sockets[0].finding, 0);
  EXPECT_THAT(sockets[0].inodes, ElementsAre(9'001, 9'002));
  EXPECT_EQ(sockets[1].finding, 1);
  EXPECT_THAT(sockets[1].inodes, ElementsAre(9'003));
}

}  // namespace
}  // namespace tcpmedic
