#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kSeconds = [](double s) { return absl::Seconds(s); };

void SynsAndSynAcks(int connections, RecordedEvidence* evidence) {
  for (int i = 0; i < connections; ++i) {
    const auto port = static_cast<uint16_t>(40001 + i);
    evidence->OnSegment(At(2 * i + 1), Segment(kSyn, true, 100, 0, kSeconds(i), port));
    evidence->OnSegment(At(2 * i + 2), Segment(kSyn | kAck, false, 500, 101, kSeconds(i), port));
  }
}

TEST(HandshakeFindings, SynAnsweredByARstIsRefused) {
  RecordedEvidence evidence;
  for (const uint16_t port : {40001, 40002}) {
    evidence.OnSegment(At(1), Segment(kSyn, true, 100, 0, kSeconds(0), port));
    evidence.OnSegment(At(2), Segment(kRst | kAck, false, 0, 101, kSeconds(0.02), port));
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-refused certain"));
  const v1::Finding& finding = diagnosis.findings[0].finding;
  EXPECT_EQ(finding.group(), "connection.server=198.51.100.10:443");
  EXPECT_EQ(finding.subject(), v1::SUBJECT_CONNECTION);
  EXPECT_THAT(finding.verdict(), HasSubstr("198.51.100.10:443 answered the SYN of "
                                           "203.0.113.7:40001 with a RST"));
  EXPECT_THAT(finding.verdict(), HasSubstr("2 connections from 1 address ended like that."));
  EXPECT_THAT(EvidenceOf(finding, "connection.outcome")->source(),
              HasSubstr(", incident.txt:1, incident.txt:2"));
}

TEST(HandshakeFindings, SynsAtOneThreeAndSevenSecondsGotNoReply) {
  RecordedEvidence evidence;
  for (const double at : {0.0, 1.0, 3.0, 7.0}) {
    evidence.OnSegment(At(1), Segment(kSyn, true, 100, 0, kSeconds(at)));
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-no-reply certain"));
  EXPECT_THAT(diagnosis.findings[0].finding.verdict(),
              HasSubstr("sent 4 SYNs to 198.51.100.10:443 (1 s, 2 s, 4 s apart, 7 s in all)"));
}

RelatedPacket HostUnreachable(double at_s, uint16_t client_port) {
  RelatedPacket icmp;
  icmp.kind = RelatedPacket::Kind::kIcmpError;
  icmp.time = kSeconds(at_s);
  icmp.src_ip = *IpAddress::Parse("203.0.113.7");
  icmp.dst_ip = *IpAddress::Parse("198.51.100.10");
  icmp.src_port = client_port;
  icmp.dst_port = 443;
  icmp.seq = 100;
  icmp.error = IcmpError::kHostUnreachable;
  icmp.from = *IpAddress::Parse("192.0.2.1");
  return icmp;
}

TEST(HandshakeFindings, SynsThatIcmpAnswersAreUnreachableAndNotWithoutReply) {
  RecordedEvidence evidence;
  int64_t line = 0;
  for (const uint16_t port : {40001, 40002}) {
    for (const double at : {0.0, 1.0}) {
      evidence.OnSegment(At(++line), Segment(kSyn, true, 100, 0, kSeconds(at), port));
      evidence.OnRelated(At(++line), HostUnreachable(at + 0.01, port));
    }
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-unreachable certain"));
  EXPECT_THAT(diagnosis.findings[0].finding.verdict(),
              AllOf(HasSubstr("203.0.113.7:40001 sent a SYN to 198.51.100.10:443, and 192.0.2.1 "
                              "answered the SYN with ICMP host unreachable"),
                    HasSubstr("2 connections from 1 address ended like that.")));
  EXPECT_THAT(diagnosis.findings[0].remarks, ElementsAre(HasSubstr("(incident.txt:2)")));
}

TEST(HandshakeFindings, SynAckSentAgainIsHalfOpenAlthoughEverySegmentHasSyn) {
  RecordedEvidence evidence;
  evidence.OnSegment(At(1), Segment(kSyn, true, 100, 0, kSeconds(0)));
  for (const double at : {0.0, 1.0, 3.0}) {
    evidence.OnSegment(At(2), Segment(kSyn | kAck, false, 500, 101, kSeconds(at)));
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-half-open certain"));
  EXPECT_THAT(diagnosis.findings[0].finding.verdict(),
              AllOf(HasSubstr("That much is certain, the cause is not. The client did not send its "
                              "SYN again, so it probably got a SYN-ACK, and its ACK is lost on the "
                              "way here; or it does not exist (forged source)."),
                    Not(HasSubstr("  "))));
  EXPECT_THAT(diagnosis.remarks, IsEmpty());
}

TEST(HandshakeFindings, ClientThatSendsItsSynAgainGetsNoSynAck) {
  RecordedEvidence evidence;
  for (const double at : {0.0, 1.0, 3.0}) {
    evidence.OnSegment(At(1), Segment(kSyn, true, 100, 0, kSeconds(at)));
    evidence.OnSegment(At(2), Segment(kSyn | kAck, false, 500, 101, kSeconds(at)));
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-half-open certain"));
  EXPECT_THAT(
      diagnosis.findings[0].finding.verdict(),
      AllOf(HasSubstr("the cause is not. The client sent its SYN again although it had been "
                      "answered: the SYN-ACKs probably do not reach it."),
            Not(HasSubstr("forged"))));
}

// Three cases in one trace that ends at 90.5 s: by what each client did, and when it began.
TEST(HandshakeFindings, OfManyHalfOpenEachCauseIsCounted) {
  RecordedEvidence evidence;
  SynsAndSynAcks(3, &evidence);  // at 0, 1 and 2 s, each SYN once
  for (const double at : {10.0, 11.0}) {
    evidence.OnSegment(At(50), Segment(kSyn, true, 100, 0, kSeconds(at), 41000));
    evidence.OnSegment(At(51), Segment(kSyn | kAck, false, 500, 101, kSeconds(at), 41000));
  }
  evidence.OnSegment(At(90), Segment(kSyn, true, 900, 0, kSeconds(90), 60000));
  evidence.OnSegment(At(91), Segment(kSyn | kAck, false, 700, 901, kSeconds(90), 60000));
  evidence.OnSegment(At(92), Segment(kAck, true, 901, 701, kSeconds(90), 60000));
  evidence.OnSegment(At(93), Segment(kSyn, true, 100, 0, kSeconds(90.1), 42000));
  for (const double at : {90.1, 90.5}) {  // a server that sends again after less than a second
    evidence.OnSegment(At(94), Segment(kSyn | kAck, false, 500, 101, kSeconds(at), 42000));
  }
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-half-open certain"));
  EXPECT_THAT(
      diagnosis.findings[0].finding.verdict(),
      AllOf(HasSubstr("5 handshakes from 1 address are left like that. That much is certain, the "
                      "cause is not. 3 clients did not send the SYN again, and so probably got"),
            HasSubstr(" 1 client sent the SYN again although it had been answered"),
            HasSubstr(" Of 1, whether the SYN-ACK arrives is not shown")));
}

TEST(HandshakeFindings, NothingButSynsOnceEachIsAFilterAndProvesNothing) {
  RecordedEvidence evidence;
  SynsAndSynAcks(3, &evidence);
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  EXPECT_THAT(diagnosis.findings, IsEmpty());
  EXPECT_THAT(diagnosis.remarks,
              ElementsAre(HasSubstr("every segment in incident.txt has SYN set")));
}

TEST(HandshakeFindings, OfSynsAloneMostWithoutASynAckAreRemarkedOn) {
  const auto remarks = [](int answered, int unanswered) {
    RecordedEvidence evidence;
    SynsAndSynAcks(answered, &evidence);
    for (int i = 0; i < unanswered; ++i) {
      evidence.OnSegment(
          At(100 + i), Segment(kSyn, true, 100, 0, kSeconds(50), static_cast<uint16_t>(50001 + i)));
    }
    return evidence.Diagnose(AllShipped()).remarks;
  };
  EXPECT_THAT(remarks(2, 3),
              ElementsAre(HasSubstr("has SYN set"),
                          HasSubstr("3 of 5 SYNs in incident.txt have no SYN-ACK, which this "
                                    "capture would show")));
  // One or two may be lost; and a filter for SYNs without ACK shows no SYN-ACK at all.
  EXPECT_THAT(remarks(3, 3), ElementsAre(HasSubstr("has SYN set")));
  EXPECT_THAT(remarks(0, 3), ElementsAre(HasSubstr("has SYN set")));
}

// One other segment shows that the capture has more than SYNs.
void SomethingElse(RecordedEvidence* evidence) {
  evidence->OnSegment(At(90), Segment(kSyn, true, 900, 0, kSeconds(90), 60000));
  evidence->OnSegment(At(91), Segment(kSyn | kAck, false, 700, 901, kSeconds(90), 60000));
  evidence->OnSegment(At(92), Segment(kAck, true, 901, 701, kSeconds(90), 60000));
}

TEST(HandshakeFindings, SynAcksWithoutAnAckAreHalfOpen) {
  RecordedEvidence evidence;
  SynsAndSynAcks(3, &evidence);
  SomethingElse(&evidence);
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("handshake-half-open certain"));
  EXPECT_THAT(diagnosis.findings[0].finding.verdict(),
              HasSubstr("3 handshakes from 1 address are left like that"));
}

TEST(HandshakeFindings, AFloodExplainsTheHalfOpenHandshakes) {
  RecordedEvidence evidence;
  SynsAndSynAcks(3, &evidence);
  SomethingElse(&evidence);
  evidence.OnCounter(Counter("TcpExtSyncookiesSent", 41827, 100));
  evidence.OnCounter(Counter("TcpExtSyncookiesRecv", 312, 101));
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_THAT(Found(diagnosis), ElementsAre("syn-flood-absorbed likely"));
  EXPECT_THAT(diagnosis.findings[0].remarks,
              ElementsAre(HasSubstr("since boot"),
                          "Handshakes are left half-open, connection.server=198.51.100.10:443 (3 "
                          "in the trace): explained by this, and no finding of its own"));
}

}  // namespace
}  // namespace tcpmedic
