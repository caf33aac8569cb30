// The incidents as people paste them, as calls of readers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Transcripts, HandshakeIsNoIncident) {
  RecordedEvidence evidence;
  const absl::Duration t = absl::Hours(14) + absl::Minutes(2);
  evidence.OnSegment(At(1), Segment(kSyn, true, 1000000, 0, t));
  evidence.OnSegment(At(2), Segment(kSyn | kAck, false, 4200000, 1000001, t));
  evidence.OnSegment(At(3), Segment(kAck, true, 1000001, 4200001, t + absl::Milliseconds(1)));
  CapturedSegment data = Segment(kAck | kPsh, true, 1000001, 4200001, t + absl::Milliseconds(1));
  data.payload_bytes = 14;
  evidence.OnSegment(At(4), data);

  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  EXPECT_THAT(diagnosis.findings, IsEmpty());
  EXPECT_THAT(diagnosis.remarks, IsEmpty());
  ASSERT_EQ(diagnosis.trace.connections.size(), 1u);
  const TrackedConnection& connection = diagnosis.trace.connections[0];
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_EQ(connection.first_data_seq, 1000001u);
}

TEST(Transcripts, SynFloodIsAbsorbed) {
  RecordedEvidence evidence;
  evidence.OnCommand({At(1), "tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn"});
  for (const uint16_t port : {40001, 55000}) {
    CapturedSegment syn = Segment(kSyn, true, 100, 0, absl::ZeroDuration(), port);
    CapturedSegment syn_ack = Segment(kSyn | kAck, false, 3851629874, 101, {}, port);
    syn.time.reset();
    syn_ack.time.reset();
    evidence.OnSegment(At(2), syn);
    evidence.OnSegment(At(3), syn_ack);
  }
  evidence.OnCommand({At(7), "nstat -az | grep -i syncookies"});
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 41827, 8));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 312, 9));

  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("syn-flood-absorbed likely"));
  const RecordedFinding& found = diagnosis.findings[0];
  // 312 ÷ 41827 = 0.746 %.
  EXPECT_EQ(
      found.finding.verdict(),
      "41827 SYNs were answered by a cookie and 312 cookies came back, 0.746 %: most of these "
      "clients do not exist. A cookie keeps no state: no memory is at risk, and whoever is "
      "real still gets in.");
  EXPECT_THAT(found.finding.advice(), HasSubstr("Change nothing on this host"));
  const v1::Evidence* const ratio = EvidenceOf(found.finding, "netns.syncookies_recv_ratio");
  ASSERT_NE(ratio, nullptr);
  EXPECT_EQ(ratio->basis(), "lifetime");
  EXPECT_EQ(ratio->source(),
            "TcpExtSyncookiesRecv / TcpExtSyncookiesSent, incident.txt:9, incident.txt:8");
  EXPECT_THAT(found.remarks,
              ElementsAre(HasSubstr("totals since boot"),
                          HasSubstr("filter (tcp[tcpflags] & tcp-syn != 0) shows only SYNs")));
  for (const TrackedConnection& connection : diagnosis.trace.connections) {
    EXPECT_EQ(connection.outcome, Outcome::kHandshakeNotShown);
  }
}

TEST(Transcripts, CloseWaitPileIsALeakOfTheApplication) {
  RecordedEvidence evidence;
  evidence.OnCommand({At(1), "ss -tan state established | wc -l"});
  evidence.OnCount({At(2), "established", 12384, true});
  evidence.OnCommand({At(3), "ss -tan state close-wait | wc -l"});
  evidence.OnCount({At(4), "close-wait", 9821, true});
  evidence.OnCommand({At(5), "ss -s"});
  evidence.OnCount({At(6), "total", 23552, false});
  evidence.OnCount({At(6), "established", 12384, false});
  evidence.OnCount({At(6), "closed", 8920, false});
  evidence.OnCount({At(6), "orphaned", 2, false});
  evidence.OnCount({At(6), "time-wait", 1247, false});
  evidence.OnCommand({At(7), "ps -p 1234 -o pid,stat,rss,cmd"});
  RecordedProcess process{At(9), {}, "RSS climbing every minute"};
  process.process.set_pid(1234);
  process.process.set_comm("app-server");
  process.process.set_rss_bytes(8392000 * 1024LL);
  evidence.OnProcess(process);

  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("close-wait-leak likely"));
  const RecordedFinding& found = diagnosis.findings[0];
  EXPECT_EQ(found.finding.verdict(),
            "9820 connections are in CLOSE-WAIT: the peers have closed, and the program has not "
            "called close(). The kernel never ends that state by itself, so this is a leak in the "
            "application, not in the network, and no setting mends it: look for the missing "
            "close().");
  EXPECT_EQ(found.finding.group(), "process=not known");
  EXPECT_THAT(
      found.remarks,
      ElementsAre(
          HasSubstr("one sample shows no trend"),
          "`wc -l` counted ss's header line too: 9820 sockets in close-wait, not 9821 "
          "(incident.txt:4)",
          HasSubstr("neither whose sockets"),
          "pid 1234 (app-server) is not tied to these sockets: nothing here says that it holds "
          "them (incident.txt:9)",
          "\"RSS climbing every minute\" is a remark, not a measurement: one sample shows no trend "
          "(incident.txt:9)"));
  // 23552 - 8920 are not closed; 12383 + 9820 were counted.
  EXPECT_THAT(
      diagnosis.remarks,
      ElementsAre(HasSubstr("12383 sockets in established, not 12384"),
                  HasSubstr("of 23552 sockets `ss -s` leaves 14632 that are not closed, and "
                            "9820 in close-wait and 12383 in established were counted, "
                            "22203 together")));
}

RecordedSocket SlowTransfer() {
  RecordedSocket socket = Socket(TcpState::kEstablished, 44120, 443, 2);
  SetCc("cubic", &socket.sample);
  TcpInfo& info = socket.sample.info;
  info.Set(&tcp_info::tcpi_rtt, 148'200u);
  info.Set(&tcp_info::tcpi_rttvar, 9'100u);
  info.Set(&tcp_info::tcpi_snd_mss, 1448u);
  info.Set(&tcp_info::tcpi_snd_cwnd, 11u);
  info.Set(&tcp_info::tcpi_snd_ssthresh, 8u);
  info.Set(&tcp_info::tcpi_bytes_sent, decltype(tcp_info::tcpi_bytes_sent){9'000'000});
  info.Set(&tcp_info::tcpi_bytes_acked, decltype(tcp_info::tcpi_bytes_acked){9'000'000});
  info.Set(&tcp_info::tcpi_retrans, 0u);
  info.Set(&tcp_info::tcpi_total_retrans, 214u);
  info.Set(&tcp_info::tcpi_reordering, 12u);
  socket.shortened = {"tcpi_bytes_sent", "tcpi_bytes_acked"};
  socket.stated_bps = 780e3;
  return socket;
}

TEST(Transcripts, SlowTransferIsPinnedByLoss) {
  RecordedEvidence evidence;
  evidence.OnCommand({At(1), "ss -tin state established dst 203.0.113.20"});
  evidence.OnSocket(SlowTransfer());

  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("pinned-cwnd likely"));
  const RecordedFinding& found = diagnosis.findings[0];
  // 9,000,000 ÷ 1448 = 6215 segments; 214 ÷ 6215 = 3.44 %; 1.22 ÷ √0.0344 = 6.57; (1.22 ÷ 11)² =
  // 1.23 %; 11 × 1448 × 8 ÷ 0.1482 = 860 kbit/s.
  EXPECT_EQ(found.finding.verdict(),
            "Loss of 3.44 % over the connection's life holds the window at 11 segments (that loss "
            "alone predicts 6.57, and a loss of 1.23 % would explain 11): 11 × 1448 bytes ÷ 148 ms "
            "= 860 kbit/s, and the socket moves 780 kbit/s. CUBIC takes every lost segment for "
            "congestion and, at this round-trip time, cannot grow back before the next one.");
  EXPECT_EQ(found.finding.group(), "socket.remote_ip=203.0.113.20");
  EXPECT_EQ(found.finding.exemplar().cookie(), 0u);
  const auto basis = [&](const char* name) { return EvidenceOf(found.finding, name)->basis(); };
  EXPECT_EQ(basis("socket.path_rtt"), "now, rtt for min_rtt");
  EXPECT_EQ(basis("socket.retrans_ratio"),
            "lifetime, bytes_sent / mss for data_segs_out, bytes_sent as shortened by ss");
  EXPECT_EQ(basis("socket.goodput_bps"), "now, the stated rate for bytes_acked per second");
  EXPECT_EQ(EvidenceOf(found.finding, "socket.cwnd")->source(),
            "tcp_info.tcpi_snd_cwnd, incident.txt:2");
  std::vector<std::string> not_shown;
  for (const v1::NotShown& one : found.finding.not_shown()) not_shown.push_back(one.look_alike());
  EXPECT_THAT(not_shown,
              testing::UnorderedElementsAre("receiver-limited", "send-buffer-limited",
                                            "application-limited", "reordering", "own-queue"));
  EXPECT_THAT(found.remarks,
              ElementsAre(HasSubstr("reordering is 12, above the 3"), HasSubstr("Send-Q is 0"),
                          HasSubstr("over the connection's life")));
  EXPECT_THAT(diagnosis.remarks, IsEmpty());
}

TEST(Transcripts, SameTransferThatTheReceiverHoldsBackIsNotPinned) {
  RecordedSocket socket = SlowTransfer();
  socket.sample.info.Set(&tcp_info::tcpi_busy_time, decltype(tcp_info::tcpi_busy_time){90'000'000});
  socket.sample.info.Set(&tcp_info::tcpi_rwnd_limited,
                         decltype(tcp_info::tcpi_rwnd_limited){45'000'000});
  RecordedEvidence evidence;
  evidence.OnSocket(socket);
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  EXPECT_THAT(diagnosis.findings, IsEmpty());
  std::vector<std::string> stops;
  for (const v1::SignatureActivity& activity : diagnosis.activity) {
    for (const auto& stop : activity.stops()) {
      stops.push_back(activity.signature() + ": " + stop.at());
    }
  }
  EXPECT_THAT(stops, Contains("pinned-cwnd: receiver-limited"));
}

TEST(Transcripts, CookiesThatComeBackAreNoFlood) {
  RecordedEvidence evidence;
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 41827, 1));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 40000, 2));
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  EXPECT_THAT(Found(diagnosis), ElementsAre("syn-backlog-too-small likely"));
  EXPECT_THAT(diagnosis.findings[0].finding.verdict(), Not(HasSubstr("not known")));
}

}  // namespace
}  // namespace tcpmedic
