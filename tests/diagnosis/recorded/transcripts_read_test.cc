// The incidents as people paste them, from their text to the finding.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/unique_fd.h"
#include "observe/recorded/text_reader.h"
#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RecordedDiagnosis DiagnosisOf(absl::string_view text) {
  const UniqueFd fd(memfd_create("paste", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(lseek(fd.get(), 0, SEEK_SET), 0);
  RecordedEvidence evidence;
  const absl::Status status = ReadText(fd.get(), "", "incident.txt", &evidence, [](int64_t) {});
  EXPECT_TRUE(status.ok()) << status;
  return evidence.Diagnose(AllShipped());
}

TEST(TranscriptsRead, HandshakeIsNoIncident) {
  const RecordedDiagnosis diagnosis = DiagnosisOf(
      "14:02:11.001 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [S],  seq 1000000, win 64240, length "
      "0\n"
      "14:02:11.001 IP 10.0.0.9.6379  > 10.0.0.5.51514: Flags [S.], seq 4200000, ack 1000001, win "
      "65160, length 0\n"
      "14:02:11.002 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [.],  seq 1000001, ack 4200001, win "
      "64240, length 0\n"
      "14:02:11.002 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [P.], seq 1000001, ack 4200001, win "
      "64240, length 14\n");
  EXPECT_THAT(diagnosis.findings, IsEmpty());
  EXPECT_THAT(diagnosis.unread, IsEmpty());
  ASSERT_EQ(diagnosis.trace.connections.size(), 1u);
  EXPECT_EQ(diagnosis.trace.connections[0].outcome, Outcome::kEstablished);
  EXPECT_EQ(diagnosis.trace.connections[0].first_data_seq, 1000001u);
}

TEST(TranscriptsRead, SynFloodIsAbsorbed) {
  const RecordedDiagnosis diagnosis = DiagnosisOf(
      "$ sudo tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn\n"
      "IP 203.0.113.7.40001 > 198.51.100.10.443: Flags [S],  seq 100, win 29200, length 0\n"
      "IP 198.51.100.10.443 > 203.0.113.7.40001: Flags [S.], seq 3851629874, ack 101, win 28960, "
      "length 0\n"
      "IP 203.0.113.9.55000 > 198.51.100.10.443: Flags [S],  seq 200, win 29200, length 0\n"
      "IP 198.51.100.10.443 > 203.0.113.9.55000: Flags [S.], seq 4025814937, ack 201, win 28960, "
      "length 0\n"
      "(thousands more SYNs from random sources; almost none send the final ACK)\n"
      "$ nstat -az | grep -i syncookies\n"
      "TcpExtSyncookiesSent            41827\n"
      "TcpExtSyncookiesRecv              312\n");
  ASSERT_THAT(Found(diagnosis), ElementsAre("syn-flood-absorbed likely"));
  EXPECT_THAT(diagnosis.findings[0].remarks, Contains(HasSubstr("shows only SYNs")));
  EXPECT_EQ(diagnosis.unread.size(), 1u);
}

TEST(TranscriptsRead, CloseWaitPileIsALeakOfTheApplication) {
  const RecordedDiagnosis diagnosis = DiagnosisOf(
      "$ ss -tan state established | wc -l\n"
      "12384\n"
      "$ ss -tan state close-wait | wc -l\n"
      "9821\n"
      "$ ss -s\n"
      "TCP:   23552 (estab 12384, closed 8920, orphaned 2, timewait 1247)\n"
      "$ ps -p 1234 -o pid,stat,rss,cmd\n"
      "  PID STAT   RSS CMD\n"
      " 1234 Ssl 8392000 /usr/bin/app-server   # RSS climbing every minute\n");
  ASSERT_THAT(Found(diagnosis), ElementsAre("close-wait-leak likely"));
  const std::vector<std::string>& remarks = diagnosis.findings[0].remarks;
  EXPECT_THAT(remarks, Contains(HasSubstr("9820 sockets in close-wait, not 9821")));
  EXPECT_THAT(remarks, Contains(HasSubstr("pid 1234 (app-server) is not tied to these sockets")));
  EXPECT_THAT(remarks, Contains(HasSubstr("is a remark, not a measurement")));
  // 23552 - 8920 are in use; 9820 and 12383 were counted.
  EXPECT_THAT(diagnosis.remarks, Contains(HasSubstr("leaves 14632 that are not closed")));
  EXPECT_THAT(diagnosis.remarks, Contains(HasSubstr("22203 together")));
}

// As Linux 6.10 and later count: estab has the 1200 in CLOSE-WAIT too, and closed those of other
// namespaces.
TEST(TranscriptsRead, TotalsThatAddUpAreNotRemarkedOn) {
  const RecordedDiagnosis diagnosis = DiagnosisOf(
      "$ ss -Htan state established | wc -l\n"
      "3\n"
      "$ ss -Htan state close-wait | wc -l\n"
      "1200\n"
      "$ ss -Htan state syn-recv | wc -l\n"
      "500\n"
      "$ ss -s\n"
      "TCP:   2936 (estab 1203, closed 1732, orphaned 1731, timewait 0)\n");
  EXPECT_THAT(diagnosis.remarks, IsEmpty());
}

TEST(TranscriptsRead, ACountBehindAFilterIsOfAPart) {
  const RecordedDiagnosis diagnosis = DiagnosisOf(
      "$ ss -Htan state close-wait dst 192.0.2.5 | wc -l\n"
      "9820\n");
  ASSERT_THAT(Found(diagnosis), ElementsAre("close-wait-leak likely"));
  EXPECT_THAT(diagnosis.findings[0].remarks,
              Contains(HasSubstr("only a part of the sockets in close-wait")));
}

TEST(TranscriptsRead, SlowTransferIsPinnedByLoss) {
  const RecordedDiagnosis diagnosis = DiagnosisOf(
      "$ ss -tin state established dst 203.0.113.20\n"
      "ESTAB 0 0 10.0.0.5:44120 203.0.113.20:443\n"
      "   cubic wscale:7,7 rtt:148.2/9.1 mss:1448 cwnd:11 ssthresh:8\n"
      "   bytes_sent:9M bytes_acked:9M retrans:0/214 reordering:12 rate:780Kbps\n");
  ASSERT_THAT(Found(diagnosis), ElementsAre("pinned-cwnd likely"));
  EXPECT_THAT(diagnosis.findings[0].finding.verdict(),
              HasSubstr("11 × 1448 bytes ÷ 148 ms = 860 kbit/s, and the socket moves 780 kbit/s"));
  EXPECT_THAT(diagnosis.findings[0].remarks, Contains(HasSubstr("reordering is 12, above the 3")));
}

}  // namespace
}  // namespace tcpmedic
