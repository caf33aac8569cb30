// The signature pinned-cwnd as shipped: what it finds, and everything that looks like it and is
// not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/diagnosis/scan_fixture.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PinnedCwnd : public ScanFixture {
 protected:
  void SetUp() override { Use(ShippedSignature("pinned-cwnd")); }
};

std::string ValueText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case v1::Value::kIntValue:
      return absl::StrCat(value.int_value());
    case v1::Value::kDoubleValue:
      return absl::StrCat(value.double_value());
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kDurationValue:
      return absl::StrCat(value.duration_value().nanos() / 1'000, "us");
    default:
      return "absent";
  }
}

std::string EvidenceText(const v1::Finding& finding) {
  std::string text;
  for (const v1::Evidence& evidence : finding.evidence()) {
    absl::StrAppend(&text, evidence.name(), " = ", ValueText(evidence.value()), " ",
                    evidence.unit(), " (", evidence.basis(), ")\n");
  }
  return text;
}

TEST_F(PinnedCwnd, IsFoundWithItsArithmetic) {
  AddFlow(7);
  EXPECT_THAT(ScanUntil(10).findings, SizeIs(0));
  const Engine::Result result = ScanUntil(11);  // first sample at 1 s, window full at 6 s, for 5 s
  ASSERT_THAT(result.findings, SizeIs(1));
  const v1::Finding& finding = result.findings[0];

  EXPECT_EQ(finding.signature(), "pinned-cwnd");
  EXPECT_EQ(finding.signature_revision(), "rev-1");
  EXPECT_EQ(finding.group(), "netns=1 socket.remote_ip=203.0.113.20");
  EXPECT_EQ(finding.subject(), v1::SUBJECT_SOCKET);
  EXPECT_EQ(finding.netns().inode(), 4'026'531'841);
  EXPECT_EQ(finding.severity(), v1::SEVERITY_WARNING);
  EXPECT_EQ(finding.confidence(), v1::CONFIDENCE_CERTAIN);
  EXPECT_THAT(finding.not_shown(), SizeIs(0));
  EXPECT_THAT(finding.verdict(), HasSubstr("12 × 1448 bytes ÷ 148 ms"));
  EXPECT_EQ(EvidenceText(finding),
            "socket.state = established  (now)\n"
            "socket.cc = cubic  (now)\n"
            "socket.path_rtt = 148000us  (now)\n"
            "socket.data_segments = 2100 segments (lifetime)\n"
            "socket.retrans_ratio = 0.01  (window 5s)\n"
            "socket.cwnd = 12 segments (now)\n"
            "socket.loss_predicted_cwnd = 12.2 segments (window 5s)\n"
            "socket.rwnd_limited_ratio = 0  (window 5s)\n"
            "socket.sndbuf_limited_ratio = 0  (window 5s)\n"
            "socket.busy_ratio = 1  (window 5s)\n"
            "socket.app_limited = false  (now)\n"
            "socket.unsent_ratio = 1  (window 5s)\n"
            "socket.dsack_ratio = 0  (window 5s)\n"
            "socket.rtt_inflation = 1.00676  (now)\n"
            "socket.mss = 1448 bytes (now)\n"
            "socket.window_bps = 939243 bit/s (now)\n"
            "socket.goodput_bps = 1.14682e+06 bit/s (window 5s)\n");
  EXPECT_EQ(finding.exemplar().ShortDebugString(),
            "cookie: 7 netns_cookie: 1 local { ip: \"10.0.0.5\" port: 40007 } remote { ip: "
            "\"203.0.113.20\" port: 443 }");
  EXPECT_THAT(CookiesOf(finding), ElementsAre(7));
  EXPECT_EQ(finding.socket_count(), 1);
  EXPECT_EQ(finding.since().seconds(), 1'700'000'006);
  EXPECT_EQ(finding.found_at().seconds(), 1'700'000'011);
  EXPECT_EQ(finding.observed_at().seconds(), 1'700'000'011);
  EXPECT_EQ(finding.before().start().seconds(), 1'700'000'006);
  EXPECT_EQ(finding.before().end().seconds(), 1'700'000'011);
  EXPECT_EQ(finding.before().values(1).value().double_value(), 99 * 1'448 * 8);
  EXPECT_EQ(Text(result.activity[0]), "seen 1, suspects 1");
}

TEST_F(PinnedCwnd, IsOfIpv6Too) {
  AddFlow(7, "2001:db8::20");
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].group(), "netns=1 socket.remote_ip=2001:db8::20");
}

TEST_F(PinnedCwnd, AsksTheKernelForEstablishedSocketsOnly) {
  EXPECT_EQ(engine_->StatesWanted(1), MaskOf(TcpState::kEstablished));
}

struct LookAlikeCase {
  std::string name;
  std::function<void(Flow*)> make;
  std::string activity;  // after 30 s
};

class PinnedCwndIsNot : public PinnedCwnd, public ::testing::WithParamInterface<LookAlikeCase> {};

TEST_P(PinnedCwndIsNot, AndSaysWhy) {
  GetParam().make(&AddFlow(1));
  Engine::Result result;
  for (int i = 0; i < 30; ++i) {
    result = Scan();
    ASSERT_THAT(result.findings, SizeIs(0)) << seconds_;
  }
  EXPECT_EQ(Text(result.activity[0]), GetParam().activity);
}

INSTANTIATE_TEST_SUITE_P(
    , PinnedCwndIsNot,
    ::testing::Values(
        LookAlikeCase{
            "ApplicationThatSendsNowAndThen", [](Flow* flow) { flow->busy_ratio = 0.5; },
            "seen 1, suspects 1\n"
            "looks like application-limited (1): 10.0.0.5:40001 → 203.0.113.20:443: "
            "socket.app_limited = false, socket.busy_ratio = 0.5, socket.unsent_ratio = 1"},
        LookAlikeCase{"ApplicationWithNothingToSend",
                      [](Flow* flow) { flow->socket.info.tcpi_delivery_rate_app_limited = 1; },
                      "seen 1, suspects 1\n"
                      "looks like application-limited (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.app_limited = true, socket.busy_ratio = 1, socket.unsent_ratio = 1"},
        LookAlikeCase{"ApplicationThatLeavesTheWindowUnused",
                      [](Flow* flow) { flow->socket.info.tcpi_notsent_bytes = 0; },
                      "seen 1, suspects 1\n"
                      "looks like application-limited (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.app_limited = false, socket.busy_ratio = 1, socket.unsent_ratio = 0"},
        LookAlikeCase{"SlowReceiver", [](Flow* flow) { flow->rwnd_limited_ratio = 0.6; },
                      "seen 1, suspects 1\n"
                      "looks like receiver-limited (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.rwnd_limited_ratio = 0.6"},
        LookAlikeCase{"SmallSendBuffer", [](Flow* flow) { flow->sndbuf_limited_ratio = 0.3; },
                      "seen 1, suspects 1\n"
                      "looks like send-buffer-limited (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.sndbuf_limited_ratio = 0.3"},
        LookAlikeCase{"ReorderingTakenForLoss",
                      [](Flow* flow) {
                        flow->retransmits_per_second = 2;
                        flow->dsacks_per_second = 1;
                      },
                      "seen 1, suspects 1\n"
                      "looks like reordering (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.dsack_ratio = 0.5"},
        LookAlikeCase{"ItsOwnQueue", [](Flow* flow) { flow->socket.info.tcpi_rtt = 370'000; },
                      "seen 1, suspects 1\n"
                      "looks like own-queue (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.rtt_inflation = 2.5"},
        LookAlikeCase{"ShortTransfer",
                      [](Flow* flow) {
                        flow->socket.info.tcpi_data_segs_out = 40;
                        flow->segments_per_second = 5;
                      },
                      "seen 1, suspects 0\n"
                      "not socket.data_segments >= 200 (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.data_segments = 190"},
        LookAlikeCase{"BbrAlready", [](Flow* flow) { flow->socket.cc = "bbr"; },
                      "seen 1, suspects 0\n"
                      "not socket.cc == \"cubic\" (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.cc = bbr"},
        LookAlikeCase{"ShortPath",
                      [](Flow* flow) {
                        flow->socket.info.tcpi_rtt = 9'000;
                        flow->socket.info.tcpi_min_rtt = 5'000;
                      },
                      "seen 1, suspects 0\n"
                      "not socket.path_rtt >= duration(\"40ms\") (1): 10.0.0.5:40001 → "
                      "203.0.113.20:443: socket.path_rtt = 5 ms"},
        LookAlikeCase{"CleanPath", [](Flow* flow) { flow->retransmits_per_second = 0; },
                      "seen 1, suspects 1\n"
                      "not socket.retrans_ratio >= 0.001 (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.retrans_ratio = 0"},
        LookAlikeCase{"SlowStartThatOvershotACleanPath",
                      [](Flow* flow) {
                        flow->socket.info.tcpi_snd_cwnd = 1'480;
                        flow->segments_per_second = 8'000;
                        flow->retransmits_per_second = 80;
                      },
                      "seen 1, suspects 1\n"
                      "not socket.cwnd <= 3.0 * socket.loss_predicted_cwnd (1): 10.0.0.5:40001 → "
                      "203.0.113.20:443: socket.cwnd = 1480, socket.loss_predicted_cwnd = 12.2"},
        LookAlikeCase{"LossThatNoRemedyMends",
                      [](Flow* flow) { flow->retransmits_per_second = 30; },
                      "seen 1, suspects 1\n"
                      "not socket.retrans_ratio <= 0.15 (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.retrans_ratio = 0.3"},
        LookAlikeCase{"IdleConnection",
                      [](Flow* flow) {
                        flow->segments_per_second = 0;
                        flow->retransmits_per_second = 0;
                        flow->busy_ratio = 0;
                      },
                      "seen 1, suspects 1\n"
                      "not socket.retrans_ratio >= 0.001 (1): 10.0.0.5:40001 → 203.0.113.20:443: "
                      "socket.retrans_ratio = (not known)"}),
    [](const auto& look_alike) { return look_alike.param.name; });

TEST_F(PinnedCwnd, KernelThatDoesNotCountDsacksMakesItLikely) {
  AddFlow(1).socket.info_size = offsetof(tcp_info, tcpi_dsack_dups);
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].confidence(), v1::CONFIDENCE_LIKELY);
  ASSERT_THAT(result.findings[0].not_shown(), SizeIs(1));
  EXPECT_EQ(result.findings[0].not_shown(0).ShortDebugString(),
            "look_alike: \"reordering\" expression: \"socket.dsack_ratio > 0.2\" missing: "
            "\"socket.dsack_ratio\"");
}

TEST_F(PinnedCwnd, OneSocketThatCannotBeToldMakesTheGroupLikely) {
  AddFlow(1);
  AddFlow(2).socket.info_size = offsetof(tcp_info, tcpi_dsack_dups);
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].confidence(), v1::CONFIDENCE_LIKELY);
  EXPECT_EQ(result.findings[0].socket_count(), 2);
}

TEST_F(PinnedCwnd, KernelWithoutMinRttIsJudgedByRttAndSaysSo) {
  AddFlow(1).socket.info.tcpi_min_rtt = ~0u;
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].evidence(2).basis(), "now, rtt for min_rtt");
  EXPECT_EQ(result.findings[0].confidence(), v1::CONFIDENCE_LIKELY);
  EXPECT_EQ(result.findings[0].not_shown(0).look_alike(), "own-queue");
}

TEST_F(PinnedCwnd, BeforeTheWindowIsFullItSaysThatItWaits) {
  AddFlow(1);
  EXPECT_EQ(Text(ScanUntil(3).activity[0]),
            "seen 1, suspects 1\n"
            "waits for socket.retrans_ratio >= 0.001 (1): 10.0.0.5:40001 → 203.0.113.20:443: "
            "socket.retrans_ratio = (not known)");
}

TEST_F(PinnedCwnd, ActivityShowsTheBusiestSocketOfEachStop) {
  for (uint64_t cookie = 1; cookie <= 9; ++cookie) {
    Flow& flow = AddFlow(cookie);
    flow.socket.cc = "bbr";
    flow.socket.info.tcpi_bytes_acked = cookie == 4 ? 9'000'000 : 1'000'000;
  }
  AddFlow(10).socket.info.tcpi_min_rtt = 1'000;
  EXPECT_EQ(Text(Scan().activity[0]),
            "seen 10, suspects 0\n"
            "not socket.cc == \"cubic\" (9): 10.0.0.5:40004 → 203.0.113.20:443: socket.cc = bbr\n"
            "not socket.path_rtt >= duration(\"40ms\") (1): 10.0.0.5:40010 → 203.0.113.20:443: "
            "socket.path_rtt = 1 ms");
  EXPECT_EQ(Text(Scan().activity[0]).substr(0, 19), "seen 10, suspects 0");
}

TEST_F(PinnedCwnd, YoungSocketHasItsWindowFullWhenItIsOldEnough) {
  Flow& flow = AddFlow(1);
  flow.socket.info.tcpi_data_segs_out = 0;
  flow.socket.info.tcpi_total_retrans = 0;
  flow.segments_per_second = 45;  // 200 at 5 s
  EXPECT_THAT(ScanUntil(10).findings, SizeIs(0));
  EXPECT_THAT(ScanUntil(11).findings, SizeIs(1));
}

}  // namespace
}  // namespace tcpmedic
