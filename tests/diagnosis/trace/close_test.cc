#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

constexpr char kOpen[] = R"(
    0.000 C > S  S  999(0) win 64240 <wscale 7>
    0.001 S > C  S. 299(0) ack 1000 win 65160 <wscale 7>
    0.002 C > S  .  1000(0) ack 300 win 502
)";

TrackedConnection ExpectAfterOpen(absl::string_view text) {
  return ExpectTold(absl::StrCat(kOpen, text));
}

TEST(TrackerClose, FinHandshakeEndsInTimeWaitOfTheOneThatClosedFirst) {
  // RFC 9293 §3.6, figure 12.
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
    1.002 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK fin
    1.003 C > S  .  1001(0) ack 301 win 502   => TIME-WAIT CLOSED
  )");
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
  EXPECT_THAT(connection.summary, HasSubstr("The client closed first."));
  EXPECT_THAT(connection.segments[4].note,
              HasSubstr("ack 1001 confirms the FIN of the client, which consumed one number"));
}

TEST(TrackerClose, ATraceThatEndsWithTheLastFinMissesNoAck) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK fin
  )");
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
  EXPECT_THAT(connection.summary,
              HasSubstr("The client closed first; the trace ends before the ACK of the last FIN."));
}

TEST(TrackerClose, FinThatAcknowledgesTheOtherEndsFinSavesASegment) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 S > C  FP. 300(10) ack 1000 win 502  => CLOSE-WAIT FIN-WAIT-1 first-data fin
    1.001 C > S  F. 1000(0) ack 311 win 502    => LAST-ACK TIME-WAIT fin
    1.002 S > C  .  311(0) ack 1001 win 502    => CLOSED TIME-WAIT
  )");
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
  EXPECT_EQ(connection.totals.server_bytes, 10);
  EXPECT_THAT(connection.summary, HasSubstr("The server closed first."));
}

TEST(TrackerClose, FinsThatCrossLeaveBothInTimeWait) {
  // RFC 9293 §3.6, figure 13.
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 ESTABLISHED fin
    1.001 S > C  F. 300(0) ack 1000 win 502   => CLOSING CLOSING fin
    1.002 C > S  .  1001(0) ack 301 win 502   => CLOSING TIME-WAIT
    1.003 S > C  .  301(0) ack 1001 win 502   => TIME-WAIT TIME-WAIT
  )");
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
  EXPECT_THAT(connection.segments[4].note, HasSubstr("crosses"));
}

TEST(TrackerClose, SideThatNeverClosesIsLeftInCloseWait) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
    1.100 S > C  P. 300(8) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT first-data
    1.101 C > S  .  1001(0) ack 308 win 502   => FIN-WAIT-2 CLOSE-WAIT
    9.000 C > S  .  1000(0) ack 308 win 502   => FIN-WAIT-2 CLOSE-WAIT keep-alive
    9.001 S > C  .  308(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT keep-alive-ack
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHalfClosed);
  EXPECT_THAT(connection.summary,
              HasSubstr("The client closed and is in FIN-WAIT-2; the server is left in CLOSE-WAIT: "
                        "its application has not called close() by the end of the trace, 8 s after "
                        "the FIN, but has sent 8 bytes since."));
}

TEST(TrackerClose, SoonAfterTheFinNobodyIsAccused) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.045 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
  )");
  EXPECT_THAT(connection.summary,
              HasSubstr("the server is in CLOSE-WAIT when the trace ends, 45 ms after the FIN: too "
                        "soon to tell a leak from a program that is about to close."));
}

TEST(TrackerClose, SideThatGoesOnSendingUsesAHalfClose) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
    1.100 S > C  P. 300(8) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT first-data
    1.101 C > S  .  1001(0) ack 308 win 502   => FIN-WAIT-2 CLOSE-WAIT
  )");
  EXPECT_THAT(connection.summary,
              HasSubstr("The client ended its direction (FIN) and still acknowledges; the server "
                        "goes on sending, 8 bytes since: a half-close in use, no leak so far."));
}

TEST(TrackerClose, FinNotYetAcknowledgedIsFinWait1) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHalfClosed);
  EXPECT_THAT(connection.summary, HasSubstr("FIN-WAIT-1"));
}

TEST(TrackerClose, FinSentAgainShowsThatTheFirstDidNotArrive) {
  ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 ESTABLISHED fin
    1.100 S > C  P. 300(8) ack 1000 win 502   => FIN-WAIT-1 ESTABLISHED first-data
    1.210 C > S  F. 1000(0) ack 308 win 502   => FIN-WAIT-1 CLOSE-WAIT retransmission fin
    1.211 S > C  .  308(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
  )");
}

TEST(TrackerClose, FinThatIsNeverAcknowledgedMayHaveArrived) {
  // It is lost, or its ACK is.
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 unknown fin
    1.210 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 unknown retransmission fin
    1.630 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 unknown retransmission fin
  )");
  EXPECT_EQ(connection.outcome, Outcome::kHalfClosed);
}

TEST(TrackerClose, DuplicateSackShowsThatAFinBeforeTheLastHadArrived) {
  // As fin-retransmitted: the first is lost, then the ACK of the second.
  ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 unknown fin
    1.210 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT retransmission fin
    1.630 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT spurious-retransmission fin
    1.640 S > C  .  300(0) ack 1001 win 502 <sack 1000:1001>  => FIN-WAIT-2 CLOSE-WAIT
  )");
}

TEST(TrackerClose, EchoedTimestampTellsWhichFinArrived) {
  // As last-ack-lost at the server: its FIN arrived, with its ACK of the client's; the ACK of it is
  // lost.
  ExpectTold(R"(
    0.000 C > S  S  999(0) win 64240 <TS 10 0>
    0.001 S > C  S. 299(0) ack 1000 win 65160 <TS 20 10>
    0.002 C > S  .  1000(0) ack 300 win 502 <TS 12 20>
    1.000 C > S  F. 1000(0) ack 300 win 502 <TS 1010 20>   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  F. 300(0) ack 1001 win 502 <TS 1020 1010> => TIME-WAIT LAST-ACK fin
    1.220 S > C  F. 300(0) ack 1001 win 502 <TS 1240 1010> => TIME-WAIT LAST-ACK spurious-retransmission fin
    1.230 C > S  .  1001(0) ack 301 win 502 <TS 1240 1020> => TIME-WAIT CLOSED
  )");
}

TEST(TrackerClose, AckInAFinThatMayBeLostIsAsUnsureAsTheFin) {
  // FIN-WAIT-2 would be impossible: the FIN and the ACK come in one segment.
  ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  F. 300(0) ack 1001 win 502   => unknown LAST-ACK fin
    1.220 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK retransmission fin
    1.230 C > S  .  1001(0) ack 301 win 502   => TIME-WAIT CLOSED
  )");
}

TEST(TrackerClose, FinSentAgainShowsThatItsAckDidNotArrive) {
  ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-1 CLOSE-WAIT
    1.410 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT spurious-retransmission fin
    1.411 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
    2.000 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK fin
  )");
}

TEST(TrackerClose, OneDirectionAloneDoesNotShowWhoClosedFirst) {
  const TrackedConnection client = ExpectTold(R"(
    0.000 C > S  S  999(0) win 64240 <wscale 7>    => SYN-SENT unknown
    0.002 C > S  .  1000(0) ack 300 win 502        => ESTABLISHED ESTABLISHED handshake-complete
    1.000 C > S  F. 1000(0) ack 322 win 502        => unknown unknown fin
    1.002 C > S  .  1001(0) ack 323 win 502        => unknown unknown
  )");
  EXPECT_EQ(client.outcome, Outcome::kCloseNotShown);
  EXPECT_EQ(client.segments[1].window_bytes, std::nullopt);

  const TrackedConnection server = ExpectTold(R"(
    0.001 S > C  S. 299(0) ack 1000 win 65160 <wscale 7>  => ESTABLISHED SYN-RECEIVED
    0.010 S > C  P. 300(22) ack 1010 win 502       => ESTABLISHED ESTABLISHED first-data ack-of-unseen
    1.001 S > C  F. 322(0) ack 1011 win 502        => unknown unknown ack-of-unseen fin
  )");
  EXPECT_EQ(server.outcome, Outcome::kCloseNotShown);
  EXPECT_EQ(server.first_data_seq, 1000u);  // the client's: the server acknowledges its data
  // The SYN-ACK offers scaling, so the SYN did (RFC 7323 §2.2): 502 × 2^7.
  EXPECT_EQ(server.segments[1].window_bytes, 64256);
}

TEST(TrackerClose, FinBehindAHoleArrivesOnceTheHoleIsFilled) {
  ExpectAfterOpen(R"(
    1.000 C > S  F. 1100(0) ack 300 win 502   => FIN-WAIT-1 ESTABLISHED gap fin
    1.001 S > C  .  300(0) ack 1000 win 502   => FIN-WAIT-1 ESTABLISHED duplicate-ack
    1.050 C > S  P. 1000(100) ack 300 win 502 => FIN-WAIT-1 ESTABLISHED first-data retransmission
    1.051 S > C  .  300(0) ack 1101 win 502   => FIN-WAIT-2 CLOSE-WAIT
  )");
}

TEST(TrackerClose, ResetClosesBothEndsAndIsItsSenders) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  P. 1000(10) ack 300 win 502  => ESTABLISHED ESTABLISHED first-data
    1.001 S > C  R. 300(0) ack 1010 win 0     => CLOSED CLOSED reset
    1.002 C > S  P. 1010(10) ack 300 win 502  => CLOSED CLOSED
    1.003 S > C  R  300(0) win 0              => CLOSED CLOSED reset
  )");
  EXPECT_EQ(connection.outcome, Outcome::kReset);
  EXPECT_EQ(connection.reset_by, kServerEnd);
  EXPECT_EQ(connection.totals.client_bytes, 20);
  EXPECT_THAT(connection.summary, HasSubstr("The server ended it with a RST."));
}

TEST(TrackerClose, ResetAnswersDataToAClosedSocket) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
    1.002 S > C  P. 300(5) ack 1001 win 502   => CLOSED CLOSE-WAIT first-data
    1.003 C > S  R  1001(0) win 0             => CLOSED CLOSED reset
  )");
  EXPECT_EQ(connection.outcome, Outcome::kReset);
  EXPECT_EQ(connection.reset_by, kClientEnd);
}

TEST(TrackerClose, FinAnsweredByARstIsAReset) {
  // The client's FIN-WAIT-2 had timed out.
  const TrackedConnection connection = ExpectAfterOpen(R"(
     1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
     1.001 S > C  .  300(0) ack 1001 win 502   => FIN-WAIT-2 CLOSE-WAIT
    99.000 S > C  F. 300(0) ack 1001 win 502   => CLOSED LAST-ACK fin
    99.001 C > S  R  1001(0) win 0             => CLOSED CLOSED reset
  )");
  EXPECT_EQ(connection.outcome, Outcome::kReset);
  EXPECT_THAT(
      connection.summary,
      HasSubstr("The client closed first; the server's FIN came 98 s after FIN-WAIT-2 had begun, "
                "when the "
                "client's socket was gone (net.ipv4.tcp_fin_timeout): a RST answered it. All data "
                "was acknowledged."));
}

TEST(TrackerClose, WhichOfSeveralSegmentsARstAnswersIsUnknown) {
  // Seen at the server: three segments are under way when the RST comes, a round trip later.
  ExpectAfterOpen(R"(
    1.000 S > C  P. 300(5) ack 1000 win 502   => unknown ESTABLISHED first-data
    1.001 S > C  P. 305(5) ack 1000 win 502   => unknown ESTABLISHED
    1.002 S > C  P. 310(5) ack 1000 win 502   => CLOSED ESTABLISHED
    1.003 C > S  R  1000(0) win 0             => CLOSED CLOSED reset
  )");
}

TEST(TrackerClose, ResetAfterUnansweredKeepAlivesMayNotArriveEither) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
     1.002 C > S  .  999(0) ack 300 win 502    => ESTABLISHED ESTABLISHED keep-alive
     2.002 C > S  .  999(0) ack 300 win 502    => ESTABLISHED ESTABLISHED keep-alive
     3.002 C > S  R. 1000(0) ack 300 win 502   => CLOSED unknown reset
  )");
  EXPECT_EQ(connection.outcome, Outcome::kReset);
}

TEST(TrackerClose, ResetOutsideTheWindowEndsNothing) {
  // The server's window is 502 × 2^7 = 64,256 bytes from 300 on.
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 S > C  R  64557(0) win 0            => ESTABLISHED ESTABLISHED reset
    1.001 S > C  R  299(0) win 0              => ESTABLISHED ESTABLISHED reset
    1.002 C > S  P. 1000(10) ack 300 win 502  => ESTABLISHED ESTABLISHED first-data
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_EQ(connection.reset_by, std::nullopt);
  EXPECT_THAT(connection.segments[3].note, HasSubstr("ignores"));
}

TEST(TrackerClose, SenderThatGoesOnAfterItsRstDidNotSendIt) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 S > C  R  300(0) win 0              => unknown ESTABLISHED reset
    1.001 S > C  P. 300(10) ack 1000 win 502  => unknown ESTABLISHED first-data
  )");
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_THAT(connection.segments[4].note, HasSubstr("somebody else sent that RST"));
}

TEST(TrackerClose, ReceiverThatGoesOnAfterAForgedRstDidNotTakeIt) {
  ExpectAfterOpen(R"(
    1.000 S > C  R  300(0) win 0              => ESTABLISHED ESTABLISHED reset
    1.001 S > C  P. 300(10) ack 1000 win 502  => ESTABLISHED ESTABLISHED first-data
    1.002 C > S  .  1000(0) ack 310 win 502   => ESTABLISHED ESTABLISHED
  )");
}

TEST(TrackerClose, LastAckSentAgainForAFinSentAgain) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    1.001 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK fin
    1.002 C > S  .  1001(0) ack 301 win 502   => TIME-WAIT LAST-ACK
    1.203 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK spurious-retransmission fin
    1.204 C > S  .  1001(0) ack 301 win 502   => TIME-WAIT CLOSED
  )");
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
}

}  // namespace
}  // namespace tcpmedic
