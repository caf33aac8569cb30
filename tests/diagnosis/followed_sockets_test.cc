// What an order's sockets did, through the engine: found by the shipped pinned-cwnd, then changed
// to an algorithm that it does not know, and measured all the same.
#include "diagnosis/followed_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/diagnosis/scan_fixture.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

int Second(const google::protobuf::Timestamp& at) {
  return static_cast<int>(at.seconds() - 1'700'000'000);
}

// "30-40 s, 2 sockets, bbr, 1.14682 Mbit/s"
std::string Text(const v1::Measurement& measured) {
  if (!measured.has_start()) return "none";
  return absl::StrCat(Second(measured.start()), "-", Second(measured.end()), " s, ",
                      measured.sockets(), " sockets, ", measured.values(0).value().string_value(),
                      ", ", measured.values(1).value().double_value() / 1e6, " Mbit/s");
}

// "SECOND:MEGABITS …"
std::string Course(const v1::Verification& measured) {
  std::string text;
  for (const v1::GoodputPoint& point : measured.course()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", Second(point.at()), ":",
                    point.goodput_bps() / 1e6);
  }
  return text;
}

constexpr double kPinnedMbps = 99 * 1'448 * 8 / 1e6;  // of one flow of the fixture
constexpr double kFastMbps = 5'999 * 1'448 * 8 / 1e6;

class FollowedSocketsTest : public ScanFixture {
 protected:
  FollowedSocketsTest() { Use(ShippedSignature("pinned-cwnd")); }

  v1::Selector SelectorOf(const v1::Finding& finding) {
    v1::Selector selector;
    selector.set_signature(finding.signature());
    *selector.mutable_group_by() = finding.group_by();
    selector.set_netns_cookie(finding.netns().cookie());
    return selector;
  }

  void MakeFast(Flow* flow) {
    flow->socket.cc = "bbr";
    flow->socket.info.tcpi_snd_cwnd = 2'000;
    flow->segments_per_second = 6'000;
  }

  void Follow(std::vector<uint64_t> targets, std::vector<uint64_t> held_back = {}) {
    FollowRequest request;
    request.order_id = "o-1";
    for (const uint64_t cookie : targets) request.targets.push_back({cookie, 1});
    for (const uint64_t cookie : held_back) request.held_back.push_back({cookie, 1});
    request.applied = At(seconds_);
    engine_->Follow(request);
  }

  v1::Verification Measured() { return engine_->MeasuredOf("o-1").value(); }
};

TEST_F(FollowedSocketsTest, ChangedSocketIsMeasuredThoughNoSignatureSeesItAnyMore) {
  AddFlow(1);
  ScanUntil(20);
  Follow({1});
  MakeFast(&flows_[0]);
  const Engine::Result result = ScanUntil(40);
  EXPECT_EQ(result.suspects, 0);
  EXPECT_EQ(Text(Measured().before()),
            absl::StrCat("10-20 s, 1 sockets, cubic, ", kPinnedMbps, " Mbit/s"));
  EXPECT_EQ(Text(Measured().after()),
            absl::StrCat("30-40 s, 1 sockets, bbr, ", kFastMbps, " Mbit/s"));
  EXPECT_FALSE(Measured().has_held_back_before());
  EXPECT_FALSE(Measured().has_held_back_after());
}

TEST_F(FollowedSocketsTest, BeforeLeavesOutAYoungSocketsFirstSeconds) {
  AddFlow(1);
  ScanUntil(12);  // first seen at 1
  Follow({1});
  EXPECT_EQ(Text(Measured().before()),
            absl::StrCat("6-12 s, 1 sockets, cubic, ", kPinnedMbps, " Mbit/s"));
}

TEST_F(FollowedSocketsTest, AfterNeverReachesBackBeforeTheChangeHasSettled) {
  AddFlow(1);
  ScanUntil(20);
  Follow({1});
  MakeFast(&flows_[0]);
  for (int second = 21; second < 26; ++second) {
    ScanUntil(second);
    EXPECT_FALSE(Measured().has_after()) << second;
  }
  const std::string rate = absl::StrCat(" s, 1 sockets, bbr, ", kFastMbps, " Mbit/s");
  ScanUntil(26);
  EXPECT_EQ(Text(Measured().after()), absl::StrCat("25-26", rate));
  ScanUntil(33);
  EXPECT_EQ(Text(Measured().after()), absl::StrCat("25-33", rate));
  ScanUntil(36);
  EXPECT_EQ(Text(Measured().after()), absl::StrCat("26-36", rate));
}

TEST_F(FollowedSocketsTest, SocketsKeptBackAreMeasuredOverTheSameSpans) {
  for (uint64_t cookie = 1; cookie <= 4; ++cookie) AddFlow(cookie);
  ScanUntil(20);
  Follow({1, 2, 3}, {4});
  for (int i = 0; i < 3; ++i) MakeFast(&flows_[i]);
  ScanUntil(40);
  const auto text = [](const char* span, int sockets, const char* cc, double mbps) {
    return absl::StrCat(span, " s, ", sockets, " sockets, ", cc, ", ", sockets * mbps, " Mbit/s");
  };
  EXPECT_EQ(Text(Measured().before()), text("10-20", 3, "cubic", kPinnedMbps));
  EXPECT_EQ(Text(Measured().held_back_before()), text("10-20", 1, "cubic", kPinnedMbps));
  EXPECT_EQ(Text(Measured().after()), text("30-40", 3, "bbr", kFastMbps));
  EXPECT_EQ(Text(Measured().held_back_after()), text("30-40", 1, "cubic", kPinnedMbps));
}

TEST_F(FollowedSocketsTest, AfterIsOfTheTargetsThatLive) {
  AddFlow(1);
  AddFlow(2);
  ScanUntil(20);
  Follow({1, 2});
  ScanUntil(30);
  EXPECT_EQ(Measured().after().sockets(), 2);
  flows_.erase(flows_.begin());
  ScanUntil(31);
  EXPECT_EQ(Measured().after().sockets(), 1);
  EXPECT_EQ(Measured().before().sockets(), 2);
  flows_.clear();
  ScanUntil(32);
  EXPECT_FALSE(Measured().has_after());
  EXPECT_TRUE(Measured().has_before());
}

TEST_F(FollowedSocketsTest, FailedDumpLeavesTheMeasurementAsItWas) {
  AddFlow(1);
  ScanUntil(20);
  Follow({1});
  ScanUntil(40);
  const std::string before_failure = Measured().ShortDebugString();
  dump_fails_in_ = {1};
  ScanUntil(43);
  EXPECT_EQ(Measured().ShortDebugString(), before_failure);
  dump_fails_in_.clear();
  ScanUntil(44);
  EXPECT_EQ(Text(Measured().after()),
            absl::StrCat("34-44 s, 1 sockets, cubic, ", kPinnedMbps, " Mbit/s"));
}

TEST_F(FollowedSocketsTest, CourseShowsTenSecondsBeforeAndEachScanAfter) {
  AddFlow(1);
  AddFlow(2);
  for (Flow& flow : flows_) {
    flow.segments_per_second = 126;
    flow.socket.info.tcpi_snd_mss = 1'000;
  }
  ScanUntil(20);
  Follow({1, 2});
  flows_[0].segments_per_second = 1'001;
  ScanUntil(23);
  // (126 - 1) and (1001 - 1) segments of 1448 bytes a second.
  EXPECT_EQ(Course(Measured()),
            "11:2.896 12:2.896 13:2.896 14:2.896 15:2.896 16:2.896 17:2.896 18:2.896 19:2.896 "
            "20:2.896 21:13.032 22:13.032 23:13.032");
}

TEST_F(FollowedSocketsTest, LongCourseIsThinnedWithoutLosingAByte) {
  AddFlow(1);
  ScanUntil(20);
  Follow({1});
  std::vector<uint64_t> acked = {flows_[0].socket.info.tcpi_bytes_acked};  // a second each, from 20
  while (seconds_ < 620) {
    flows_[0].segments_per_second = 100 * (1 + seconds_ % 3);
    Scan();
    acked.push_back(flows_[0].socket.info.tcpi_bytes_acked);
  }
  const v1::Verification measured = Measured();
  EXPECT_GT(measured.course_size(), 60);
  EXPECT_LE(measured.course_size(), 120);
  EXPECT_EQ(Second(measured.course(9).at()), 20);  // the change is still where it was
  for (int i = 10; i < measured.course_size(); ++i) {
    const int begin = Second(measured.course(i - 1).at());
    const int end = Second(measured.course(i).at());
    EXPECT_EQ(end - begin, 8);
    const double bytes = static_cast<double>(acked[end - 20] - acked[begin - 20]);
    EXPECT_NEAR(measured.course(i).goodput_bps() * (end - begin), 8 * bytes, 1e-3) << begin;
  }
}

TEST_F(FollowedSocketsTest, ScanRightAfterAnotherAddsNoPointOfNoise) {
  AddFlow(1);
  ScanUntil(20);
  Follow({1});
  engine_->BeginScan(At(20.1));
  engine_->ObserveNamespace(Netns(1), nullptr);
  engine_->BeginNamespace(1);
  engine_->Observe(flows_[0].socket.Sample());
  engine_->EndNamespace(true);
  engine_->EndScan();
  EXPECT_EQ(Measured().course_size(), 10);
}

TEST_F(FollowedSocketsTest, SocketsUnknownAtTheChangeAreMeasuredAfterIt) {
  AddFlow(1).socket.cc = "bbr";  // the agent was restarted: no signature ever saw it
  FollowRequest request;
  request.order_id = "o-1";
  request.targets = {{1, 1}};
  request.applied = At(-30);
  engine_->Follow(request);
  ScanUntil(20);
  EXPECT_FALSE(Measured().has_before());
  EXPECT_EQ(Text(Measured().after()),
            absl::StrCat("10-20 s, 1 sockets, bbr, ", kPinnedMbps, " Mbit/s"));
}

TEST_F(FollowedSocketsTest, WhileAnythingIsFollowedItsStatesAreAskedFor) {
  engine_->SetSignatures({}, "");
  EXPECT_EQ(engine_->StatesWanted(1), 0u);
  Follow({1});
  EXPECT_EQ(engine_->StatesWanted(1),
            MaskOf(TcpState::kEstablished) | MaskOf(TcpState::kCloseWait));
  engine_->Unfollow("o-1");
  EXPECT_EQ(engine_->StatesWanted(1), 0u);
  EXPECT_FALSE(engine_->MeasuredOf("o-1").has_value());
}

TEST_F(FollowedSocketsTest, PeerThatShutItsHalfDoesNotEndTheMeasurement) {
  AddFlow(1);
  ScanUntil(20);
  Follow({1});
  flows_[0].socket.state = TcpState::kCloseWait;
  ScanUntil(40);
  EXPECT_EQ(Measured().after().sockets(), 1);
  flows_[0].socket.state = TcpState::kLastAck;
  ScanUntil(41);
  EXPECT_FALSE(Measured().has_after());
}

TEST_F(FollowedSocketsTest, SocketOfTwoOrdersStaysWhileOneIsFollowed) {
  AddFlow(1);
  ScanUntil(20);
  Follow({2}, {1});
  FollowRequest other;
  other.order_id = "o-2";
  other.targets = {{1, 1}};
  other.applied = At(20);
  engine_->Follow(other);
  engine_->Unfollow("o-1");
  ScanUntil(40);
  EXPECT_EQ(engine_->MeasuredOf("o-2")->after().sockets(), 1);
}

std::vector<uint64_t> Cookies(const std::vector<SocketSample>& members) {
  std::vector<uint64_t> cookies;
  for (const SocketSample& member : members) cookies.push_back(member.key.cookie);
  return cookies;
}

TEST_F(FollowedSocketsTest, MembersAreAllThatMatchNowAndNotOnlyThoseListed) {
  for (uint64_t cookie = 1; cookie <= 100; ++cookie) AddFlow(cookie);
  AddFlow(200, "203.0.113.99");
  AddFlow(201).socket.netns_cookie = 2;
  const Engine::Result result = ScanUntil(20);
  ASSERT_EQ(result.findings.size(), 3u);
  ASSERT_EQ(result.findings[0].sockets_size(), 64);
  const std::vector<SocketSample> members = engine_->Members(SelectorOf(result.findings[0]));
  EXPECT_EQ(members.size(), 100u);
  EXPECT_EQ(members[0].key, (SocketKey{1, 1}));
  EXPECT_EQ(members[0].inode, 9'001u);
  EXPECT_THAT(Cookies(engine_->Members(SelectorOf(result.findings[1]))), ElementsAre(200));
  EXPECT_THAT(Cookies(engine_->Members(SelectorOf(result.findings[2]))), ElementsAre(201));
}

TEST_F(FollowedSocketsTest, MemberIsAsTheNewestScanSawIt) {
  AddFlow(1);
  const Engine::Result result = ScanUntil(20);
  flows_[0].retransmits_per_second = 0;  // a break, shorter than the window
  flows_[0].socket.info.tcpi_rtt = 151'000;
  ScanUntil(21);
  const auto members = engine_->Members(SelectorOf(result.findings[0]));
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].info.Field(&tcp_info::tcpi_rtt), 151'000u);
}

TEST_F(FollowedSocketsTest, SelectorThatNamesTooLittleSelectsNothing) {
  AddFlow(1);
  const v1::Selector right = SelectorOf(ScanUntil(20).findings[0]);
  ASSERT_EQ(engine_->Members(right).size(), 1u);
  v1::Selector no_signature = right, no_group = right, half_a_group = right, no_netns = right,
               other_attribute = right;
  no_signature.clear_signature();
  no_group.clear_group_by();
  half_a_group.mutable_group_by()->RemoveLast();
  no_netns.clear_netns_cookie();
  other_attribute.mutable_group_by(1)->set_attribute("socket.local_ip");
  for (const v1::Selector& selector :
       {v1::Selector(), no_signature, no_group, half_a_group, no_netns, other_attribute}) {
    EXPECT_THAT(engine_->Members(selector), IsEmpty()) << selector.ShortDebugString();
  }
}

TEST_F(FollowedSocketsTest, WhatThisScanDidNotSeeIsNoMember) {
  AddFlow(1);
  const v1::Selector selector = SelectorOf(ScanUntil(20).findings[0]);
  dump_fails_in_ = {1};
  ASSERT_EQ(ScanUntil(21).findings.size(), 1u);
  EXPECT_THAT(engine_->Members(selector), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
