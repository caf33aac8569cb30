#include "diagnosis/recorded/recorded_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(RecordedEvidence, NothingFindsNothing) {
  const RecordedDiagnosis diagnosis = RecordedEvidence().Diagnose(AllShipped());
  EXPECT_THAT(diagnosis.findings, IsEmpty());
  EXPECT_THAT(diagnosis.remarks, IsEmpty());
  EXPECT_EQ(diagnosis.activity.size(), AllShipped().size());
}

// `sockets` of pid 812 at 10.0.0.5:8080 that have read the end of file.
void Pile(int sockets, RecordedEvidence* evidence) {
  evidence->OnCommand({At(1), "ss -tanp"});
  RecordedSocket listener = Socket(TcpState::kListen, 8080, 0, 2);
  listener.sample.local_ip = IpAddress();
  listener.sample.remote_ip = IpAddress();
  evidence->OnSocket(listener);
  for (int i = 0; i < sockets; ++i) {
    RecordedSocket socket =
        Socket(TcpState::kCloseWait, 8080, static_cast<uint16_t>(1024 + i), 3 + i);
    socket.processes.resize(1);
    socket.processes[0].set_pid(812);
    socket.processes[0].set_comm("leaky");
    socket.processes[0].add_fds(5 + i);
    evidence->OnSocket(socket);
  }
}

TEST(RecordedEvidence, SocketsThatSsTiedToAProcessAreItsOwn) {
  RecordedEvidence evidence;
  Pile(1200, &evidence);
  RecordedProcess process{At(2000), {}, ""};
  process.process.set_pid(812);
  process.process.set_rss_bytes(40'000'000);
  evidence.OnProcess(process);
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("close-wait-leak likely"));
  const v1::Finding& finding = diagnosis.findings[0].finding;
  EXPECT_EQ(finding.group(), "process=812 listener=0.0.0.0:8080");
  EXPECT_THAT(finding.verdict(),
              HasSubstr("1200 connections are in CLOSE-WAIT at 0.0.0.0:8080, held by leaky (pid "
                        "812): the peers have closed"));
  EXPECT_THAT(finding.verdict(), HasSubstr("(Recv-Q is 0 on 1200) and dropped them"));
  EXPECT_THAT(finding.verdict(), Not(HasSubstr("not known")));
  EXPECT_EQ(EvidenceOf(finding, "process.rss_bytes")->source(),
            "/proc/PID/status VmRSS, incident.txt:2000");
  EXPECT_EQ(EvidenceOf(finding, "process.pid")->source(), "ss users:(…), incident.txt:3");
  // Some of the 1200 descriptors that ss named.
  EXPECT_THAT(finding.processes(0).fds(), ElementsAre(5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_EQ(EvidenceOf(finding, "process.rises"), nullptr);
  EXPECT_THAT(diagnosis.findings[0].remarks, ElementsAre(HasSubstr("one sample shows no trend")));
  EXPECT_THAT(diagnosis.remarks, IsEmpty());
}

TEST(RecordedEvidence, AFewHundredInCloseWaitMayBeAPool) {
  RecordedEvidence evidence;
  Pile(999, &evidence);
  EXPECT_THAT(evidence.Diagnose(AllShipped()).findings, IsEmpty());
}

TEST(RecordedEvidence, PileWithoutItsListenerIsAProgramThatExits) {
  RecordedEvidence evidence;
  RecordedSocket listener = Socket(TcpState::kListen, 22, 0, 1);
  listener.sample.local_ip = IpAddress();
  evidence.OnSocket(listener);
  for (int i = 0; i < 1200; ++i) {
    evidence.OnSocket(Socket(TcpState::kCloseWait, 8080, static_cast<uint16_t>(1024 + i), 2));
  }
  EXPECT_THAT(evidence.Diagnose(AllShipped()).findings, IsEmpty());
}

TEST(RecordedEvidence, IncreasesOfNstatAreNamedSo) {
  RecordedEvidence evidence;
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 500, 1, /*is_increase=*/true));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 3, 2, /*is_increase=*/true));
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("syn-flood-absorbed likely"));
  const RecordedFinding& found = diagnosis.findings[0];
  EXPECT_EQ(EvidenceOf(found.finding, "netns.syncookies_sent")->basis(), "since nstat's last run");
  EXPECT_THAT(found.remarks, ElementsAre(HasSubstr("increases since nstat's last run")));
}

TEST(RecordedEvidence, OverflowsOfTheAcceptQueueRuleAnAbsorbedFloodOut) {
  RecordedEvidence evidence;
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 41827, 1));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 312, 2));
  evidence.OnCounter(Counter("TcpExtListenOverflows", 7, 3));
  EXPECT_THAT(evidence.Diagnose(AllShipped()).findings, IsEmpty());
}

TEST(RecordedEvidence, HalfOpenConnectionsAreCountedOnlyWhereTheyWereAskedFor) {
  const auto found = [](const char* command) {
    RecordedEvidence evidence;
    evidence.OnCommand({At(1), command});
    RecordedSocket listener = Socket(TcpState::kListen, 443, 0, 2);
    listener.sample.wqueue = 128;
    evidence.OnSocket(listener);
    evidence.OnCounter(Counter("TcpExtSyncookiesSent", 41827, 8));
    evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 312, 9));
    return evidence.Diagnose(AllShipped()).findings.at(0).finding.verdict();
  };
  EXPECT_THAT(found("ss -tan"), HasSubstr("10.0.0.5:443, backlog 128, 0 half-open"));
  EXPECT_THAT(found("ss -tln"), Not(HasSubstr("half-open")));
  EXPECT_THAT(found("ss -tan | head -20"), Not(HasSubstr("half-open")));
  EXPECT_THAT(found("ss -tan | grep -v SYN-RECV"), Not(HasSubstr("half-open")));
}

TEST(RecordedEvidence, FewHalfOpenConnectionsThatAreShownAreNotTheirNumber) {
  RecordedEvidence evidence;
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 41827, 1));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 312, 2));
  evidence.OnCommand({At(3), "ss -tan state syn-recv | wc -l"});
  evidence.OnCount({At(4), "syn-recv", 18, /*counts_header=*/true});
  for (int line = 7; line < 11; ++line) {
    RecordedSocket socket =
        Socket(TcpState::kSynRecv, 443, static_cast<uint16_t>(1024 + line), line);
    socket.only_some = true;
    evidence.OnSocket(socket);
  }
  RecordedSocket listener = Socket(TcpState::kListen, 443, 0, 13);
  listener.sample.wqueue = 16;
  evidence.OnSocket(listener);
  const RecordedFinding found = evidence.Diagnose(AllShipped()).findings.at(0);
  // There is one listener: what was counted is its own.
  EXPECT_THAT(found.finding.verdict(), HasSubstr("10.0.0.5:443, backlog 16, 17 half-open"));
  EXPECT_EQ(EvidenceOf(found.finding, "listener.syn_recv_sockets")->source(),
            "`ss -tan state syn-recv | wc -l`, incident.txt:4");
  EXPECT_EQ(EvidenceOf(found.finding, "listener.backlog")->source(),
            "inet_diag_msg.idiag_wqueue, incident.txt:13");
  EXPECT_EQ(EvidenceOf(found.finding, "listener.sources"), nullptr);
  EXPECT_THAT(found.remarks,
              Contains("only 4 of 17 half-open connections are shown, all at 10.0.0.5:443 (backlog "
                       "16): where they come from is not shown"));
}

void RealClients(RecordedEvidence* evidence) {
  evidence->OnCounter(Counter("TcpExtSyncookiesSent", 334, 1));
  evidence->OnCounter(Counter("TcpExtSyncookiesRecv", 334, 2));
}

std::string VerdictOf(const RecordedEvidence& evidence) {
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  return diagnosis.findings.empty() ? "" : diagnosis.findings[0].finding.verdict();
}

TEST(RecordedEvidence, NobodyWasTurnedAwayOnlyWhereNothingOverflowed) {
  RecordedEvidence not_known;
  RealClients(&not_known);
  EXPECT_THAT(VerdictOf(not_known), AllOf(HasSubstr("backlog allows. A connection by cookie"),
                                          Not(HasSubstr("turned away"))));
  RecordedEvidence none;
  RealClients(&none);
  none.OnCounter(Counter("TcpExtListenOverflows", 0, 3));
  EXPECT_THAT(VerdictOf(none), HasSubstr("backlog allows. Nobody was turned away. A connection"));
  RecordedEvidence some;
  RealClients(&some);
  some.OnCounter(Counter("TcpExtListenOverflows", 266, 3));
  EXPECT_THAT(VerdictOf(some),
              AllOf(HasSubstr("TcpExtListenOverflows counted 266: the accept queue overflowed too"),
                    Not(HasSubstr("Nobody"))));
}

TEST(RecordedEvidence, OnlyListenerIsTakenWhereHalfOpenConnectionsAreNotShown) {
  RecordedEvidence evidence;
  RealClients(&evidence);
  evidence.OnCommand({At(5), "ss -tln"});
  RecordedSocket listener = Socket(TcpState::kListen, 443, 0, 7);
  listener.sample.wqueue = 32;
  evidence.OnSocket(listener);
  const v1::Finding finding = evidence.Diagnose(AllShipped()).findings.at(0).finding;
  EXPECT_THAT(finding.verdict(),
              AllOf(HasSubstr("The only listener shown: 10.0.0.5:443, backlog 32, 0 waiting for "
                              "accept()."),
                    Not(HasSubstr("somaxconn"))));
  EXPECT_EQ(EvidenceOf(finding, "listener.backlog")->source(),
            "inet_diag_msg.idiag_wqueue, incident.txt:7");

  RecordedSocket another = Socket(TcpState::kListen, 80, 0, 8);
  another.sample.wqueue = 128;
  evidence.OnSocket(another);
  EXPECT_THAT(VerdictOf(evidence), Not(HasSubstr("listener")));
}

TEST(RecordedEvidence, DropsOfOneSampleAreSinceBootAndTheQueueIsAsItIsNow) {
  RecordedEvidence evidence;
  evidence.OnCounter(Counter("TcpExtListenDrops", 2768, 1));
  evidence.OnCounter(Counter("TcpExtListenOverflows", 0, 2));
  evidence.OnCounter(Counter("TcpExtTCPReqQFullDrop", 2768, 3));
  evidence.OnCounter(Counter("net.ipv4.tcp_syncookies", 0, 4));
  evidence.OnCounter(Counter("net.ipv4.tcp_max_syn_backlog", 2048, 5));
  RecordedSocket listener = Socket(TcpState::kListen, 443, 0, 6);
  listener.sample.wqueue = 16;
  evidence.OnSocket(listener);
  for (uint16_t i = 0; i < 17; ++i) {
    evidence.OnSocket(Socket(TcpState::kSynRecv, 443, static_cast<uint16_t>(2000 + i), 10 + i));
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("syn-flood-unprotected likely"));
  EXPECT_EQ(diagnosis.sockets, 18);
  const v1::Finding& finding = diagnosis.findings[0].finding;
  EXPECT_EQ(
      finding.verdict(),
      "2768 SYNs have been dropped since boot, and net.ipv4.tcp_syncookies is 0. 10.0.0.5:443 "
      "holds 17 half-open connections, with room for 16 (the lesser of its backlog, 16, and "
      "¾ of tcp_max_syn_backlog, 2048; Linux may let one more in), and 0 wait for accept(): "
      "the SYN queue is full, and a real client that comes now is turned away with the rest. "
      "The half-open connections come from 1 address, 203.0.0.0/16 100 %. "
      "TcpExtTCPReqQFullDrop counted 2768 of 2768: the backlog, not tcp_max_syn_backlog, is "
      "the limit.");
  for (const char* const name : {"listener.syn_recv_sockets", "listener.sources"}) {
    EXPECT_THAT(EvidenceOf(finding, name)->source(),
                HasSubstr(" SYN-RECV, the first of 17 lines, incident.txt:10"));
  }
}

TEST(RecordedEvidence, SocketThatTwoCommandsListIsReadOnce) {
  RecordedEvidence evidence;
  for (const int64_t line : {2, 12}) {
    evidence.OnCommand({At(line - 1), "ss -tan"});
    evidence.OnSocket(Socket(TcpState::kEstablished, 8080, 1024, line));
  }
  EXPECT_EQ(evidence.Diagnose(AllShipped()).sockets, 1);
}

TEST(RecordedEvidence, EvidenceIsWhatTheInputShows) {
  RecordedEvidence evidence;
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 500, 1));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 3, 2));
  const RecordedFinding found = evidence.Diagnose(AllShipped()).findings.at(0);
  std::vector<std::string> names;
  for (const v1::Evidence& one : found.finding.evidence()) names.push_back(one.name());
  EXPECT_THAT(names, ElementsAre("netns.syncookies_sent", "netns.syncookies_recv_ratio",
                                 "netns.syncookies_recv"));
  // What would rule the look-alike out was not shown, and is not evidence.
  ASSERT_EQ(found.finding.not_shown_size(), 1);
  EXPECT_THAT(found.finding.not_shown(0).missing(), ElementsAre("netns.listen_overflows"));
}

}  // namespace
}  // namespace tcpmedic
