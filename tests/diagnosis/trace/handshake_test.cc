#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TrackerHandshake, SynAndSynAckConsumeOneNumberEach) {
  const TrackedConnection connection = ExpectTold(R"(
    11.001 C > S  S  1000000(0) win 64240                 => SYN-SENT SYN-RECEIVED
    11.001 S > C  S. 4200000(0) ack 1000001 win 65160     => ESTABLISHED SYN-RECEIVED
    11.002 C > S  .  1000001(0) ack 4200001 win 64240     => ESTABLISHED ESTABLISHED handshake-complete
    11.002 C > S  P. 1000001(14) ack 4200001 win 64240    => ESTABLISHED ESTABLISHED first-data
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_EQ(connection.client, kClientEnd);
  EXPECT_EQ(connection.server, kServerEnd);
  EXPECT_FALSE(connection.client_is_guess);
  EXPECT_TRUE(connection.start_captured);
  EXPECT_EQ(connection.client_isn, 1000000u);
  EXPECT_EQ(connection.server_isn, 4200000u);
  EXPECT_EQ(connection.first_data_seq, 1000001u);
  EXPECT_EQ(connection.handshake_rtt, absl::Milliseconds(1));
  EXPECT_EQ(connection.totals.client_bytes, 14);
  ASSERT_EQ(connection.segments.size(), 4u);
  EXPECT_EQ(connection.segments[0].rel_seq, 0u);
  EXPECT_EQ(connection.segments[1].rel_seq, 0u);
  EXPECT_EQ(connection.segments[1].rel_ack, 1u);
  EXPECT_EQ(connection.segments[2].rel_seq, 1u);
  EXPECT_EQ(connection.segments[2].rel_ack, 1u);
  EXPECT_EQ(connection.segments[3].rel_seq, 1u);
  EXPECT_THAT(connection.segments[0].note, HasSubstr("first data byte is 1000001 (ISN+1)"));
  EXPECT_THAT(connection.segments[1].note,
              HasSubstr("ack 1000001 = the client's ISN+1 confirms its SYN"));
  EXPECT_THAT(connection.segments[2].note,
              HasSubstr("ack 4200001 = the server's ISN+1 confirms its SYN"));
  EXPECT_THAT(connection.segments[3].note, HasSubstr("seq 1000001 = ISN+1"));
}

TEST(TrackerHandshake, WindowIsScaledOnlyBehindTheSynsAndOnlyIfBothOfferIt) {
  const TrackedConnection both = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <mss 1460,wscale 7>
    0.010 S > C  S. 5000(0) ack 1001 win 65160 <mss 1460,wscale 9>
    0.020 C > S  .  1001(0) ack 5001 win 502
    0.030 S > C  .  5001(0) ack 1001 win 128
  )");
  EXPECT_EQ(both.client_window_scale, 7);
  EXPECT_EQ(both.server_window_scale, 9);
  EXPECT_EQ(both.segments[0].window_bytes, 64240);
  EXPECT_EQ(both.segments[1].window_bytes, 65160);
  EXPECT_EQ(both.segments[2].window_bytes, 64256);
  EXPECT_EQ(both.segments[3].window_bytes, 65536);

  const TrackedConnection one = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <mss 1460,wscale 7>
    0.010 S > C  S. 5000(0) ack 1001 win 65160 <mss 1460>
    0.020 C > S  .  1001(0) ack 5001 win 502
  )");
  EXPECT_EQ(one.client_window_scale, 0);
  EXPECT_EQ(one.segments[2].window_bytes, 502);

  const TrackedConnection unknown = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <unknown>
    0.010 S > C  S. 5000(0) ack 1001 win 65160 <unknown>
    0.020 C > S  .  1001(0) ack 5001 win 502 <unknown>
  )");
  EXPECT_EQ(unknown.client_window_scale, std::nullopt);
  EXPECT_EQ(unknown.segments[1].window_bytes, 65160);
  EXPECT_EQ(unknown.segments[2].window_bytes, std::nullopt);
}

TEST(TrackerHandshake, SynAnsweredByRstIsRefusedByTheServer) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240          => SYN-SENT CLOSED
    0.001 S > C  R. 0(0) ack 1001 win 0        => CLOSED CLOSED reset
  )");
  EXPECT_EQ(connection.outcome, Outcome::kRefused);
  EXPECT_EQ(connection.reset_by, kServerEnd);
  EXPECT_THAT(connection.summary, HasSubstr("10.0.0.9:6379 refused the connection"));
}

TEST(TrackerHandshake, RstThatDoesNotAcknowledgeTheSynRefusesNothing) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240          => SYN-SENT unknown
    0.001 S > C  R. 0(0) ack 7777 win 0        => SYN-SENT unknown reset
    1.000 C > S  S  1000(0) win 64240          => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.001 S > C  S. 5000(0) ack 1001 win 65160 => ESTABLISHED SYN-RECEIVED
    1.002 C > S  .  1001(0) ack 5001 win 502   => ESTABLISHED ESTABLISHED handshake-complete
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_EQ(connection.reset_by, std::nullopt);
}

TEST(TrackerHandshake, SynsAt1And3And7SecondsThatNobodyAnswersAreNoReply) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240     => SYN-SENT unknown
    1.000 C > S  S  1000(0) win 64240     => SYN-SENT unknown syn-retransmitted
    3.000 C > S  S  1000(0) win 64240     => SYN-SENT unknown syn-retransmitted
    7.000 C > S  S  1000(0) win 64240     => SYN-SENT unknown syn-retransmitted
  )");
  EXPECT_EQ(connection.outcome, Outcome::kNoReply);
  EXPECT_THAT(connection.syn_spacing,
              ElementsAre(absl::Seconds(1), absl::Seconds(2), absl::Seconds(4)));
  EXPECT_EQ(connection.totals.syns, 4);
  EXPECT_THAT(connection.summary, HasSubstr("answered none of 4 SYNs at 0, 1, 3 and 7 s"));
}

TEST(TrackerHandshake, OneSynAtTheEndOfTheTraceShowsNothing) {
  EXPECT_EQ(Tracked("0.000 C > S  S  1000(0) win 64240").connections[0].outcome,
            Outcome::kHandshakeNotShown);
  EXPECT_EQ(Tracked("- C > S  S  1000(0) win 64240").connections[0].outcome,
            Outcome::kHandshakeNotShown);
}

TEST(TrackerHandshake, OneSynWithASecondOfSilenceBehindItIsNoReply) {
  Tracker tracker;
  std::vector<CapturedSegment> segments = Narrated(R"(
    0.000 C > S  S  1000(0) win 64240
    1.000 C > S  .  1(0) ack 1 win 100
  )");
  segments[1].src_port = 40000;  // another connection
  tracker.Observe("trace", 1, segments[0]);
  tracker.Observe("trace", 2, segments[1]);
  EXPECT_EQ(tracker.Result().connections[0].outcome, Outcome::kNoReply);
}

TEST(TrackerHandshake, WhichOfTwoSynsArrivedIsUnknownWithoutTimestamps) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT unknown
    1.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.020 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED
    1.030 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED ESTABLISHED handshake-complete
  )");
  // Which of the two SYNs was answered, nothing tells.
  EXPECT_EQ(connection.handshake_rtt, std::nullopt);
}

TEST(TrackerHandshake, AnswerToTheFirstOfTwoSynsMayItselfHaveBeenSentAgain) {
  // As syn-ack-lost: the SYN-ACK echoes the first, so that had arrived.
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <TS 100 0>   => SYN-SENT SYN-RECEIVED
    1.000 C > S  S  1000(0) win 64240 <TS 1100 0>  => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.020 S > C  S. 5000(0) ack 1001 win 65160 <TS 900 100>
    1.021 C > S  .  1001(0) ack 5001 win 502 <TS 1121 900>
  )");
  EXPECT_EQ(connection.handshake_rtt, std::nullopt);
}

TEST(TrackerHandshake, SynAckUnderWayWhenTheClientAcknowledgedSaysNothing) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT unknown
    1.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.010 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED
    1.011 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED ESTABLISHED handshake-complete
    1.015 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED ESTABLISHED syn-ack-retransmitted
  )");
  EXPECT_THAT(connection.summary, Not(HasSubstr("accept queue")));
}

TEST(TrackerHandshake, SocketConnectedToItselfIsBothEnds) {
  // Linux: a client that hits its own ephemeral port opens simultaneously with itself.
  std::vector<CapturedSegment> segments = Narrated(R"(
    0.000 C > S  S  1000(0) win 64240 <wscale 7>
    0.001 C > S  S. 1000(0) ack 1001 win 65160 <wscale 7>
    0.002 C > S  P. 1001(4) ack 1001 win 502
    0.003 C > S  F. 1005(0) ack 1005 win 502
    0.004 C > S  .  1006(0) ack 1006 win 502
  )");
  Tracker tracker;
  int64_t number = 0;
  for (CapturedSegment& segment : segments) {
    segment.dst_ip = segment.src_ip;
    segment.dst_port = segment.src_port;
    tracker.Observe("trace", ++number, segment);
  }
  const TrackedConnection connection = tracker.Result().connections.at(0);
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
  EXPECT_EQ(connection.totals.client_bytes, 4);
  // It has sent its SYN and received it: the states are those after the segment arrived.
  EXPECT_EQ(connection.segments[0].client_state, EndState::kSynReceived);
  EXPECT_EQ(connection.segments[0].server_state, EndState::kSynReceived);
  EXPECT_EQ(connection.segments[1].client_state, EndState::kEstablished);
  EXPECT_EQ(connection.segments[2].window_bytes, 64256);  // 502 × 2^7
  EXPECT_EQ(connection.segments[4].server_state, EndState::kTimeWait);
  EXPECT_THAT(connection.summary, HasSubstr("connected to itself"));
}

TEST(TrackerHandshake, TimestampsTellWhichSynWasAnswered) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <TS 100 0>   => SYN-SENT LISTEN
    1.000 C > S  S  1000(0) win 64240 <TS 1100 0>  => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.020 S > C  S. 5000(0) ack 1001 win 65160 <TS 900 1100>
    1.030 C > S  .  1001(0) ack 5001 win 502 <TS 1130 900>
  )");
  EXPECT_EQ(connection.handshake_rtt, absl::Milliseconds(30));
}

TEST(TrackerHandshake, SynAckThatNobodyAcknowledgesIsHalfOpen) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160  => unknown SYN-RECEIVED
    1.001 S > C  S. 5000(0) ack 1001 win 65160  => unknown SYN-RECEIVED syn-ack-retransmitted
    3.001 S > C  S. 5000(0) ack 1001 win 65160  => unknown SYN-RECEIVED syn-ack-retransmitted
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHalfOpen);
  EXPECT_EQ(connection.totals.syn_acks, 3);
  EXPECT_THAT(connection.segments[2].note, HasSubstr("SYN-ACK sent again 1 s after the last one"));
  EXPECT_THAT(connection.summary, HasSubstr("10.0.0.5:51514 is gone or its address is forged"));
}

TEST(TrackerHandshake, SynAckOfWhichTheClientKnowsNothingWasLost) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160  => SYN-SENT SYN-RECEIVED
    1.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.001 S > C  S. 5000(0) ack 1001 win 65160  => unknown SYN-RECEIVED syn-ack-retransmitted
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHalfOpen);
  EXPECT_THAT(connection.summary, HasSubstr("the SYN-ACK is lost on its way to the client"));
}

TEST(TrackerHandshake, SynAckAtTheEndOfTheTraceIsNotCalledHalfOpen) {
  const TrackedConnection connection = ExpectTold(R"(
    -  C > S  S  100(0) win 29200               => SYN-SENT SYN-RECEIVED
    -  S > C  S. 3851629874(0) ack 101 win 28960  => unknown SYN-RECEIVED
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHandshakeNotShown);
  EXPECT_EQ(connection.handshake_rtt, std::nullopt);
}

TEST(TrackerHandshake, WhereOnlySynsAreShownNothingIsHalfOpenOrUnanswered) {
  Tracker tracker;
  int64_t number = 0;
  for (const CapturedSegment& segment : Narrated(R"(
         0.000 C > S  S  1000(0) win 64240
         0.001 S > C  S. 5000(0) ack 1001 win 65160
         1.001 S > C  S. 5000(0) ack 1001 win 65160)")) {
    tracker.Observe("trace", ++number, segment);
  }
  EXPECT_EQ(tracker.Result().connections[0].outcome, Outcome::kHalfOpen);
  tracker.ShowsOnlySyns("another");
  EXPECT_EQ(tracker.Result().connections[0].outcome, Outcome::kHalfOpen);
  tracker.ShowsOnlySyns("trace");
  const TraceResult result = tracker.Result();
  EXPECT_EQ(result.connections[0].outcome, Outcome::kHandshakeNotShown);
  EXPECT_THAT(result.connections[0].summary, HasSubstr("it shows SYNs only"));
  EXPECT_EQ(result.by_outcome[static_cast<size_t>(Outcome::kHandshakeNotShown)], 1);
}

TEST(TrackerHandshake, WhereOnlySynsAreShownASynAckWouldBeToo) {
  Tracker tracker;
  tracker.Observe("trace", 1, Narrated("0.000 C > S  S  1000(0) win 64240")[0]);
  tracker.ShowsOnlySyns("trace");
  EXPECT_EQ(tracker.Result().connections[0].summary,
            "A SYN without a SYN-ACK, which this capture would show. A RST it would not: it shows "
            "SYNs only.");
}

TEST(TrackerHandshake, CaptureOfTheServersDirectionAloneCannotShowTheEnd) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 S > C  S. 5000(0) ack 1001 win 65160           => unknown SYN-RECEIVED
    1.000 S > C  S. 5000(0) ack 1001 win 65160           => unknown SYN-RECEIVED syn-ack-retransmitted
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHandshakeNotShown);
  EXPECT_EQ(connection.client, kClientEnd);
  EXPECT_FALSE(connection.start_captured);
  EXPECT_EQ(connection.client_isn, 1000u);
}

TEST(TrackerHandshake, SynAckSentAgainAfterTheAckShowsThatTheServerStillWaits) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED
    0.002 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED SYN-RECEIVED
    1.002 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED syn-ack-retransmitted
    1.003 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED SYN-RECEIVED
    3.002 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED syn-ack-retransmitted
    3.003 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED unknown
  )");
  EXPECT_EQ(connection.outcome, Outcome::kServerStillWaits);
  EXPECT_EQ(connection.handshake_rtt, absl::Milliseconds(2));
  EXPECT_THAT(connection.summary, HasSubstr("accept queue is full"));
}

TEST(TrackerHandshake, AckThatGetsThroughCompletesTheHandshakeForTheServer) {
  // As syn-ack-retransmitted at the client, where the first ACK is lost.
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED
    0.002 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED SYN-RECEIVED
    1.002 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED syn-ack-retransmitted
    1.003 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED ESTABLISHED handshake-complete
    1.004 C > S  P. 1001(9) ack 5001 win 502    => ESTABLISHED ESTABLISHED first-data
    1.005 S > C  .  5001(0) ack 1010 win 509    => ESTABLISHED ESTABLISHED
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_THAT(connection.summary,
              HasSubstr("Established late (handshake RTT 2 ms): after the "
                        "client's ACK the server sent its SYN-ACK 1 more time"));
}

TEST(TrackerHandshake, AckTellsByItsTimestampWhichSynAckArrived) {
  // As syn-ack-retransmitted at the server: the ACKs of the first are lost.
  ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <TS 10 0>            => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160 <TS 20 10>  => ESTABLISHED SYN-RECEIVED
    1.001 S > C  S. 5000(0) ack 1001 win 65160 <TS 1020 10> => ESTABLISHED SYN-RECEIVED syn-ack-retransmitted
    1.012 C > S  .  1001(0) ack 5001 win 502 <TS 1022 20>  => ESTABLISHED ESTABLISHED handshake-complete
  )");
  // As syn-ack-lost at the server: the second arrives, and crosses the SYN that is sent again.
  ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240 <TS 10 0>            => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160 <TS 20 10>  => SYN-SENT SYN-RECEIVED
    1.001 S > C  S. 5000(0) ack 1001 win 65160 <TS 1020 10> => SYN-SENT SYN-RECEIVED syn-ack-retransmitted
    1.005 C > S  S  1000(0) win 64240 <TS 1010 0>          => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.006 S > C  S. 5000(0) ack 1001 win 65160 <TS 1025 10> => ESTABLISHED SYN-RECEIVED syn-ack-retransmitted
    1.010 C > S  .  1001(0) ack 5001 win 502 <TS 1020 1020> => ESTABLISHED ESTABLISHED handshake-complete
  )");
  // Without timestamps the first may have arrived or not.
  ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160  => unknown SYN-RECEIVED
    1.001 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED syn-ack-retransmitted
    1.012 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED ESTABLISHED handshake-complete
  )");
}

TEST(TrackerHandshake, SynsThatCrossAreASimultaneousOpen) {
  // RFC 9293 §3.5, figure 8: a SYN-ACK is sent in SYN-RECEIVED, and the one that it crosses arrives
  // after it.
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  100(0) win 64240            => SYN-SENT unknown
    0.001 S > C  S  300(0) win 64240            => SYN-RECEIVED SYN-SENT simultaneous-open
    0.002 C > S  S. 100(0) ack 301 win 64240    => SYN-RECEIVED SYN-RECEIVED
    0.003 S > C  S. 300(0) ack 101 win 64240    => ESTABLISHED SYN-RECEIVED
    0.004 C > S  .  101(0) ack 301 win 502      => ESTABLISHED ESTABLISHED handshake-complete
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_TRUE(connection.client_is_guess);  // neither listens
  EXPECT_EQ(connection.client, kClientEnd);
  EXPECT_EQ(connection.client_isn, 100u);
  EXPECT_EQ(connection.server_isn, 300u);
  EXPECT_EQ(connection.handshake_rtt, std::nullopt);
  EXPECT_THAT(connection.summary, HasSubstr("simultaneous open"));
}

TEST(TrackerHandshake, DataInTheSynIsConfirmedByTheSynAckThatTakesIt) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(5) win 64240 <tfo>     => SYN-SENT SYN-RECEIVED fast-open-data
    0.010 S > C  S. 5000(0) ack 1006 win 65160  => ESTABLISHED SYN-RECEIVED
    0.011 S > C  P. 5001(7) ack 1006 win 509    => ESTABLISHED SYN-RECEIVED first-data
    0.020 C > S  .  1006(0) ack 5008 win 502    => ESTABLISHED ESTABLISHED handshake-complete
  )");
  EXPECT_EQ(connection.first_data_seq, 1001u);
  EXPECT_EQ(connection.totals.client_bytes, 5);
  EXPECT_EQ(connection.totals.server_bytes, 7);
  EXPECT_THAT(connection.segments[1].note, HasSubstr("confirms the client's SYN and the data"));
}

TEST(TrackerHandshake, DataInTheSynThatWasNotTakenIsNoRetransmission) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(5) win 64240 <tfo>     => SYN-SENT SYN-RECEIVED fast-open-data
    0.010 S > C  S. 5000(0) ack 1001 win 65160  => ESTABLISHED SYN-RECEIVED
    0.020 C > S  P. 1001(5) ack 5001 win 502    => ESTABLISHED ESTABLISHED handshake-complete first-data
  )");
  EXPECT_EQ(connection.totals.client_bytes, 5);
  EXPECT_EQ(connection.totals.retransmissions, 0);
  EXPECT_THAT(connection.segments[1].note, HasSubstr("but not the data in it"));
}

TEST(TrackerHandshake, DataInBothSynsOfASimultaneousOpenIsCountedOnce) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  100(5) win 64240            => SYN-SENT unknown fast-open-data
    0.001 S > C  S  300(7) win 64240            => SYN-RECEIVED SYN-SENT simultaneous-open fast-open-data
    0.002 C > S  S. 100(0) ack 301 win 64240    => SYN-RECEIVED SYN-RECEIVED
    0.003 C > S  S. 100(0) ack 301 win 64240
  )");
  EXPECT_EQ(connection.totals.client_bytes, 5);
  EXPECT_EQ(connection.totals.server_bytes, 0);  // not taken
}

TEST(TrackerHandshake, ClientThatResetsTheSynAckNeverEstablished) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 1024            => SYN-SENT SYN-RECEIVED
    0.001 S > C  S. 5000(0) ack 1001 win 65160  => CLOSED SYN-RECEIVED
    0.002 C > S  R  1001(0) win 0               => CLOSED CLOSED reset
  )");
  EXPECT_EQ(connection.outcome, Outcome::kReset);
  EXPECT_EQ(connection.reset_by, kClientEnd);
  EXPECT_THAT(connection.summary, HasSubstr("port scan"));
}

TEST(TrackerHandshake, OldConnectionOfTheServerIsResetBeforeTheNewOneBegins) {
  // RFC 9293 §3.5.1, figure 9: half-open recovery.
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  400(0) win 64240            => SYN-SENT unknown
    0.001 S > C  .  300(0) ack 100 win 500      => SYN-SENT unknown
    0.002 C > S  R  100(0) win 0                => SYN-SENT unknown reset
    1.000 C > S  S  400(0) win 64240            => SYN-SENT SYN-RECEIVED syn-retransmitted
    1.001 S > C  S. 900(0) ack 401 win 65160    => ESTABLISHED SYN-RECEIVED
    1.002 C > S  .  401(0) ack 901 win 502      => ESTABLISHED ESTABLISHED handshake-complete
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_EQ(connection.reset_by, std::nullopt);
  EXPECT_THAT(connection.segments[1].note, HasSubstr("older connection"));
}

TEST(TrackerHandshake, SynAckWithTheWrongAckConfirmsNothing) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240           => SYN-SENT unknown
    0.001 S > C  S. 5000(0) ack 999 win 65160   => SYN-SENT SYN-RECEIVED
    0.002 C > S  R  999(0) win 0
  )");
  EXPECT_NE(connection.outcome, Outcome::kEstablished);
  EXPECT_THAT(connection.segments[1].note, HasSubstr("ack 999 is not the ISN+1 of the client"));
}

TEST(TrackerHandshake, NewSynOfTheSamePortsIsAnotherConnection) {
  const TraceResult result = Tracked(R"(
    0.000 C > S  S  1000(0) win 64240
    0.001 S > C  R. 0(0) ack 1001 win 0
    0.500 C > S  S  9000(0) win 64240
    0.501 S > C  S. 5000(0) ack 9001 win 65160
    0.502 C > S  .  9001(0) ack 5001 win 502
  )");
  ASSERT_EQ(result.connections.size(), 2u);
  EXPECT_EQ(result.connections[0].outcome, Outcome::kRefused);
  EXPECT_EQ(result.connections[1].outcome, Outcome::kEstablished);
  EXPECT_EQ(result.connections[1].segments.size(), 3u);
}

TEST(TrackerHandshake, AckOfASynAckThatWasNotCapturedEstablishes) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240
    0.020 C > S  .  1001(0) ack 5001 win 502    => ESTABLISHED ESTABLISHED handshake-complete
    0.021 C > S  P. 1001(3) ack 5001 win 502    => ESTABLISHED ESTABLISHED first-data
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_EQ(connection.server_isn, std::nullopt);
  EXPECT_EQ(connection.handshake_rtt, std::nullopt);
}

}  // namespace
}  // namespace tcpmedic
