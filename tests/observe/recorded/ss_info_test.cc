#include "observe/recorded/ss_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/observe/recorded/recorded_calls.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RecordedSocket Read(absl::string_view words, std::vector<std::string>* unknown = nullptr) {
  RecordedSocket socket;
  SsInfo info(&socket);
  std::vector<std::string> others = info.Read(words);
  info.Finish();
  if (unknown != nullptr) {
    *unknown = std::move(others);
  } else {
    EXPECT_THAT(others, IsEmpty());
  }
  return socket;
}

// iproute2 6.1.0 on Linux 6.18.
constexpr absl::string_view kWhole =
    "ts sack bbr wscale:10,10 rto:208 rtt:4.497/8.956 mss:47616 pmtu:65535 rcvmss:536 advmss:65483 "
    "cwnd:15 bytes_sent:175712 bytes_retrans:47616 bytes_acked:128097 segs_out:7 segs_in:4 "
    "data_segs_out:5 bbr:(bw:47616000000bps,mrtt:0.008,pacing_gain:2.88672,cwnd_gain:2.88672) send "
    "1270607071bps lastsnd:192 lastrcv:448 lastack:192 pacing_rate 935689180072bps delivery_rate "
    "6802285712bps delivered:6 busy:448ms rwnd_limited:448ms(100.0%) retrans:0/1 dsack_dups:1 "
    "rcv_space:65495 rcv_ssthresh:65495 notsent:1671904 minrtt:0.008";

TEST(SsInfo, EveryNumberIsReadInTheKernelsUnit) {
  const RecordedSocket socket = Read(kWhole);
  EXPECT_EQ(socket.sample.cc(), "bbr");
  // 935689180072 / 8 = 116961147509; 6802285712 / 8 = 850285714. The "send" is 15 × 47616 × 8e6 /
  // 4497, so reckoned from cwnd, and measured nothing.
  EXPECT_EQ(socket.stated_bps, std::nullopt);
  EXPECT_EQ(TcpInfoText(socket.sample.info),
            "app_limited=false tcpi_backoff=0 tcpi_rto=208000 tcpi_snd_mss=47616 tcpi_rcv_mss=536 "
            "tcpi_unacked=0 tcpi_sacked=0 tcpi_lost=0 tcpi_retrans=0 "
            "tcpi_last_data_sent=192 tcpi_last_data_recv=448 tcpi_last_ack_recv=192 "
            "tcpi_pmtu=65535 tcpi_rcv_ssthresh=65495 tcpi_rtt=4497 tcpi_rttvar=8956 "
            "tcpi_snd_cwnd=15 tcpi_advmss=65483 tcpi_reordering=3 tcpi_rcv_space=65495 "
            "tcpi_total_retrans=1 tcpi_pacing_rate=116961147509 tcpi_bytes_acked=128097 "
            "tcpi_bytes_received=0 tcpi_segs_out=7 tcpi_segs_in=4 tcpi_notsent_bytes=1671904 "
            "tcpi_min_rtt=8 tcpi_data_segs_in=0 tcpi_data_segs_out=5 tcpi_delivery_rate=850285714 "
            "tcpi_busy_time=448000 tcpi_rwnd_limited=448000 tcpi_sndbuf_limited=0 "
            "tcpi_delivered=6 tcpi_bytes_sent=175712 tcpi_bytes_retrans=47616 tcpi_dsack_dups=1 "
            "tcpi_reord_seen=0");
}

TEST(SsInfo, WhatAPersonHasShortenedSaysNothingOfWhatIsMissing) {
  const RecordedSocket socket = Read(
      "cubic wscale:7,7 rtt:148.2/9.1 mss:1448 cwnd:11 ssthresh:8 bytes_sent:9M bytes_acked:9M "
      "retrans:0/214 reordering:12 rate:780Kbps");
  EXPECT_EQ(TcpInfoText(socket.sample.info),
            "tcpi_snd_mss=1448 tcpi_retrans=0 tcpi_rtt=148200 tcpi_rttvar=9100 "
            "tcpi_snd_ssthresh=8 tcpi_snd_cwnd=11 tcpi_reordering=12 tcpi_total_retrans=214 "
            "tcpi_bytes_acked=9000000 tcpi_bytes_sent=9000000");
  EXPECT_THAT(socket.shortened, ElementsAre("tcpi_bytes_sent", "tcpi_bytes_acked"));
  EXPECT_EQ(socket.stated_bps, 780'000);
}

// Whole but for one shortened number: what is missing may have been taken out with it.
TEST(SsInfo, OneShortenedNumberIsEnoughToDoubtTheRest) {
  EXPECT_EQ(TcpInfoText(Read("rto:204 mss:1448 cwnd:10 bytes_sent:9M").sample.info),
            "tcpi_rto=204000 tcpi_snd_mss=1448 tcpi_snd_cwnd=10 tcpi_bytes_sent=9000000");
}

// Written after misc/ss.c of iproute2 4.6 (Linux 4.4): before delivery_rate, busy and bytes_sent.
TEST(SsInfo, AnOldSsSaysNothingOfWhatItDidNotKnow) {
  const RecordedSocket socket = Read(
      "cubic wscale:7,7 rto:204 rtt:0.5/0.25 mss:1448 cwnd:10 bytes_acked:100 segs_out:3 "
      "send 231.7Mbps rcv_space:29200");
  EXPECT_EQ(TcpInfoText(socket.sample.info),
            "tcpi_backoff=0 tcpi_rto=204000 tcpi_snd_mss=1448 tcpi_unacked=0 tcpi_sacked=0 "
            "tcpi_lost=0 tcpi_retrans=0 tcpi_last_data_sent=0 tcpi_last_data_recv=0 "
            "tcpi_last_ack_recv=0 tcpi_rtt=500 tcpi_rttvar=250 tcpi_snd_cwnd=10 "
            "tcpi_reordering=3 tcpi_rcv_space=29200 tcpi_total_retrans=0 tcpi_bytes_acked=100 "
            "tcpi_segs_out=3");
  EXPECT_EQ(socket.stated_bps, std::nullopt);
  EXPECT_THAT(socket.shortened, IsEmpty());
}

// Without -n ss itself shortens rates, and nothing else.
TEST(SsInfo, AShortenedRateIsNamedAndDoubtsNothing) {
  const RecordedSocket socket = Read(
      "rto:204 mss:1448 cwnd:10 pacing_rate 1.2Mbps/10Mbps delivery_rate 1.2Gbps app_limited "
      "busy:5ms");
  EXPECT_THAT(socket.shortened, ElementsAre("tcpi_pacing_rate", "tcpi_delivery_rate"));
  EXPECT_EQ(socket.sample.info.Field(&tcp_info::tcpi_pacing_rate), 150'000u);
  EXPECT_EQ(socket.sample.info.Field(&tcp_info::tcpi_delivery_rate), 150'000'000u);
  EXPECT_EQ(socket.sample.info.delivery_rate_app_limited(), true);
  EXPECT_EQ(socket.sample.info.Field(&tcp_info::tcpi_sndbuf_limited), 0u);
  EXPECT_EQ(socket.sample.info.Field(&tcp_info::tcpi_dsack_dups), std::nullopt);
}

TEST(SsInfo, HoldersTimerAndIdentityAreRead) {
  const RecordedSocket socket = Read(
      "users:((\"tmux: server\",pid=7,fd=3),(\"tmux: server\",pid=7,fd=9),(\"a)b\",pid=8,fd=4)) "
      "timer:(on,204ms,3) uid:1000 ino:123 sk:1f cgroup:/user.slice <-> "
      "skmem:(r0,rb131072,t0,tb87040,f0,w0,o0,bl0,d0)");
  ASSERT_EQ(socket.processes.size(), 2u);
  EXPECT_EQ(socket.processes[0].comm(), "tmux: server");
  EXPECT_THAT(socket.processes[0].fds(), ElementsAre(3, 9));
  EXPECT_EQ(socket.processes[1].pid(), 8);
  EXPECT_EQ(socket.processes[1].comm(), "a)b");
  EXPECT_EQ(socket.sample.timer, 1);
  EXPECT_EQ(socket.sample.retransmits, 3);
  EXPECT_EQ(socket.sample.uid, 1000u);
  EXPECT_EQ(socket.sample.inode, 123u);
  EXPECT_EQ(socket.sample.key.cookie, 0x1fu);
}

TEST(SsInfo, AHolderOfAnOldSsIsRead) {
  const RecordedSocket socket = Read("users:((\"sshd\",1234,3))");
  ASSERT_EQ(socket.processes.size(), 1u);
  EXPECT_EQ(socket.processes[0].pid(), 1234);
  EXPECT_THAT(socket.processes[0].fds(), ElementsAre(3));
}

TEST(SsInfo, WordsThatMeanNothingAreGivenBack) {
  std::vector<std::string> unknown;
  const RecordedSocket socket =
      Read("cubic cwnd:10 novelty:1 cwnd:99999999999 rtt:fast send nowhere", &unknown);
  EXPECT_THAT(unknown, ElementsAre("novelty:1", "cwnd:99999999999", "rtt:fast", "send", "nowhere"));
  EXPECT_EQ(TcpInfoText(socket.sample.info), "tcpi_snd_cwnd=10");
}

TEST(SsInfo, KnowsAContinuationByItsFirstWord) {
  EXPECT_TRUE(SsInfo::LooksLikeWords("\t cubic wscale:7,7 rto:204"));
  EXPECT_TRUE(SsInfo::LooksLikeWords("\t skmem:(r0,rb1)"));
  EXPECT_TRUE(SsInfo::LooksLikeWords("   bytes_sent:9M bytes_acked:9M"));
  EXPECT_TRUE(SsInfo::LooksLikeWords("bpf_mine wscale:7,7"));
  EXPECT_FALSE(SsInfo::LooksLikeWords("TcpExt: 0 0"));
  EXPECT_FALSE(SsInfo::LooksLikeWords("(thousands more SYNs)"));
  EXPECT_FALSE(SsInfo::LooksLikeWords("10.0.0.1.22 > 10.0.0.2.3: Flags [S]"));
}

}  // namespace
}  // namespace tcpmedic
