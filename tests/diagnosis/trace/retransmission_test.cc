// Retransmission, reordering and keep-alive told apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

// A handshake RTT of 40 ms.
constexpr char kOpen[] = R"(
    0.000 C > S  S  999(0) win 64240 <wscale 7>
    0.020 S > C  S. 299(0) ack 1000 win 65160 <wscale 7>
    0.040 C > S  .  1000(0) ack 300 win 502
)";
constexpr char kOk[] = "ESTABLISHED ESTABLISHED";

TrackedConnection ExpectAfterOpen(std::string text) {
  for (size_t at = text.find("=> ok"); at != std::string::npos; at = text.find("=> ok")) {
    text.replace(at, 5, absl::StrCat("=> ", kOk));
  }
  return ExpectTold(absl::StrCat(kOpen, text));
}

TEST(TrackerRetransmission, DataSeenBeforeIsARetransmission) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.250 C > S  .  1000(1000) ack 300 win 502   => ok retransmission
    1.270 S > C  .  300(0) ack 2000 win 502      => ok
  )");
  EXPECT_EQ(connection.totals.retransmissions, 1);
  EXPECT_EQ(connection.totals.client_bytes, 1000);
  EXPECT_THAT(connection.segments[4].note,
              HasSubstr("sent again, 250 ms after they were first sent: no ACK came"));
}

TEST(TrackerRetransmission, PacketsThatTheCaptureHasTwiceAreNotSentAgain) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000000 C > S  S  999(0) win 64240              => SYN-SENT SYN-RECEIVED
    0.000010 C > S  S  999(0) win 64240              => SYN-SENT SYN-RECEIVED captured-twice
    0.020000 S > C  S. 299(0) ack 1000 win 65160     => ESTABLISHED SYN-RECEIVED
    0.020010 S > C  S. 299(0) ack 1000 win 65160     => ESTABLISHED SYN-RECEIVED captured-twice
    0.040000 C > S  .  1000(0) ack 300 win 502       => ESTABLISHED ESTABLISHED handshake-complete
    0.040010 C > S  .  1000(0) ack 300 win 502       => ESTABLISHED ESTABLISHED captured-twice
    1.000000 C > S  .  1000(1000) ack 300 win 502    => ESTABLISHED ESTABLISHED first-data
    1.000020 C > S  P. 2000(1000) ack 300 win 502    => ESTABLISHED ESTABLISHED
    1.000040 C > S  .  1000(1000) ack 300 win 502    => ESTABLISHED ESTABLISHED captured-twice
    1.000060 C > S  P. 2000(1000) ack 300 win 502    => ESTABLISHED ESTABLISHED captured-twice
    1.250000 C > S  .  1000(1000) ack 300 win 502    => ESTABLISHED ESTABLISHED retransmission
    1.250010 C > S  .  1000(1000) ack 300 win 502    => ESTABLISHED ESTABLISHED captured-twice
  )");
  EXPECT_EQ(connection.totals.captured_twice, 6);
  EXPECT_EQ(connection.totals.syns, 1);
  EXPECT_EQ(connection.totals.retransmissions, 1);
  EXPECT_EQ(connection.totals.client_bytes, 2000);
  EXPECT_THAT(connection.summary, HasSubstr("6 of its 6 segments twice"));
}

// On a short path what was lost is sent again as soon as that, but not before it was asked for.
TEST(TrackerRetransmission, WhatDuplicateAcksAskForIsNoCopy) {
  ExpectAfterOpen(R"(
    1.000000 C > S  .  1000(1000) ack 300 win 502    => ok first-data
    1.000001 C > S  .  2000(1000) ack 300 win 502    => ok
    1.000100 S > C  .  300(0) ack 1000 win 509       => ok duplicate-ack
    1.000101 S > C  .  300(0) ack 1000 win 509       => ok duplicate-ack
    1.000200 C > S  .  1000(1000) ack 300 win 502    => ok retransmission
  )");
}

// Long transfers are mostly ACKs: a note belongs to those that tell something.
TEST(TrackerRetransmission, OnlyAcksOfFirstDataAndOfWhatWasSentAgainHaveNotes) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.020 S > C  .  300(0) ack 2000 win 509      => ok
    1.021 C > S  .  2000(1000) ack 300 win 502   => ok
    1.041 S > C  .  300(0) ack 3000 win 509      => ok
    1.042 C > S  .  3000(1000) ack 300 win 502   => ok
    1.300 C > S  .  3000(1000) ack 300 win 502   => ok retransmission
    1.320 S > C  .  300(0) ack 4000 win 509      => ok
  )");
  EXPECT_THAT(connection.segments[4].note, HasSubstr("confirms 1000 bytes of the client"));
  EXPECT_EQ(connection.segments[6].note, "");
  EXPECT_THAT(connection.segments[9].note, HasSubstr("with what was sent again"));
}

TEST(TrackerRetransmission, DataSeenBeforeIsARetransmissionHoweverSoon) {
  // Wireshark agrees: bytes that the trace has shown cannot have been overtaken.
  ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.001 C > S  .  2000(1000) ack 300 win 502   => ok
    1.002 C > S  .  1000(1000) ack 300 win 502   => ok retransmission
  )");
}

TEST(TrackerRetransmission, OfWhatWasAcknowledgedIsSpurious) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.020 S > C  .  300(0) ack 2000 win 502      => ok
    1.250 C > S  .  1000(1000) ack 300 win 502   => ok spurious-retransmission
  )");
  EXPECT_EQ(connection.totals.spurious_retransmissions, 1);
  EXPECT_EQ(connection.totals.retransmissions, 0);
}

TEST(TrackerRetransmission, HoleFilledWithinARoundTripWasReordering) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.001 C > S  .  3000(1000) ack 300 win 502   => ok gap
    1.002 S > C  .  300(0) ack 2000 win 502 <sack 3000:4000>   => ok
    1.039 C > S  .  2000(1000) ack 300 win 502   => ok out-of-order
    1.040 S > C  .  300(0) ack 4000 win 502      => ok
  )");
  EXPECT_EQ(connection.totals.out_of_order, 1);
  EXPECT_EQ(connection.totals.retransmissions, 0);
  EXPECT_EQ(connection.totals.client_bytes, 3000);
  EXPECT_THAT(connection.segments[4].note, HasSubstr("1000 bytes before it are missing"));
}

TEST(TrackerRetransmission, HoleFilledAfterARoundTripWasLostAndSentAgain) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.001 C > S  .  3000(1000) ack 300 win 502   => ok gap
    1.002 S > C  .  300(0) ack 2000 win 502      => ok
    1.042 C > S  .  2000(1000) ack 300 win 502   => ok retransmission
  )");
  EXPECT_EQ(connection.totals.client_bytes, 3000);
}

TEST(TrackerRetransmission, TimestampsTellReorderingForCertain) {
  // Overtaken for 90 ms: longer than a round trip, and still older than what overtook it.
  ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502 <TS 500 9>   => ok first-data
    1.001 C > S  .  3000(1000) ack 300 win 502 <TS 502 9>   => ok gap
    1.091 C > S  .  2000(1000) ack 300 win 502 <TS 501 9>   => ok out-of-order
  )");
  // Sent again within less than a round trip, as a probe of the tail: younger.
  ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502 <TS 500 9>   => ok first-data
    1.001 C > S  .  3000(1000) ack 300 win 502 <TS 502 9>   => ok gap
    1.030 C > S  .  2000(1000) ack 300 win 502 <TS 531 9>   => ok retransmission
  )");
}

TEST(TrackerRetransmission, WithoutTimesThreeDuplicateAcksSpeakForALoss) {
  ExpectAfterOpen(R"(
    -  C > S  .  1000(1000) ack 300 win 502   => ok first-data
    -  S > C  .  300(0) ack 2000 win 502      => ok
    -  C > S  .  3000(1000) ack 300 win 502   => ok gap
    -  S > C  .  300(0) ack 2000 win 502      => ok duplicate-ack
    -  C > S  .  4000(1000) ack 300 win 502   => ok
    -  S > C  .  300(0) ack 2000 win 502      => ok duplicate-ack
    -  C > S  .  5000(1000) ack 300 win 502   => ok
    -  S > C  .  300(0) ack 2000 win 502      => ok duplicate-ack
    -  C > S  .  2000(1000) ack 300 win 502   => ok retransmission
  )");
  ExpectAfterOpen(R"(
    -  C > S  .  1000(1000) ack 300 win 502   => ok first-data
    -  S > C  .  300(0) ack 2000 win 502      => ok
    -  C > S  .  3000(1000) ack 300 win 502   => ok gap
    -  S > C  .  300(0) ack 2000 win 502      => ok duplicate-ack
    -  C > S  .  2000(1000) ack 300 win 502   => ok out-of-order
  )");
}

TEST(TrackerRetransmission, OldBytesWithNewOnesBehindThemCountOnce) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.250 C > S  .  1500(1000) ack 300 win 502   => ok retransmission
  )");
  EXPECT_EQ(connection.totals.client_bytes, 1500);
}

TEST(TrackerRetransmission, AckOfDataThatTheCaptureDroppedIsNoted) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.020 S > C  .  300(0) ack 3000 win 502      => ok ack-of-unseen
    1.021 C > S  .  3000(1000) ack 300 win 502   => ok
  )");
  EXPECT_EQ(connection.totals.client_bytes, 2000);
  EXPECT_THAT(connection.segments[4].note, HasSubstr("1000 bytes"));
}

TEST(TrackerRetransmission, AckOverAHoleShowsThatOnlyTheCaptureMissedIt) {
  ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.001 C > S  .  3000(1000) ack 300 win 502   => ok gap
    1.021 S > C  .  300(0) ack 4000 win 502      => ok ack-of-unseen
  )");
}

TEST(TrackerRetransmission, DuplicateAcksNeedSomethingOutstanding) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
    1.000 S > C  .  300(0) ack 1000 win 502      => ok
    1.001 S > C  .  300(0) ack 1000 win 502      => ok
    1.002 C > S  .  1000(1000) ack 300 win 502   => ok first-data
    1.003 S > C  .  300(0) ack 1000 win 502      => ok duplicate-ack
  )");
  EXPECT_EQ(connection.totals.duplicate_acks, 1);
}

TEST(TrackerRetransmission, NumberFarOffDisturbsNothing) {
  ExpectAfterOpen(R"(
    1.000 C > S  .  1000(1000) ack 300 win 502         => ok first-data
    1.001 C > S  .  2000000000(1000) ack 300 win 502   => ok
    1.002 C > S  .  2000(1000) ack 300 win 502         => ok
    1.003 C > S  .  2000(1000) ack 300 win 502         => ok retransmission
  )");
}

TEST(TrackerKeepAlive, OneBeforeTheNextWithNothingOutstandingIsAKeepAlive) {
  const TrackedConnection connection = ExpectAfterOpen(R"(
     1.000 C > S  P. 1000(10) ack 300 win 502   => ok first-data
     1.020 S > C  .  300(0) ack 1010 win 502    => ok
    61.000 C > S  .  1009(0) ack 300 win 502    => ok keep-alive
    61.020 S > C  .  300(0) ack 1010 win 502    => ok keep-alive-ack
   121.000 C > S  .  1009(1) ack 300 win 502    => ok keep-alive
   121.020 S > C  .  300(0) ack 1010 win 502    => ok keep-alive-ack
  )");
  EXPECT_EQ(connection.totals.keep_alives, 2);
  EXPECT_EQ(connection.totals.client_bytes, 10);
  EXPECT_THAT(connection.segments[5].note, HasSubstr("keep-alive 60 s after"));
}

TEST(TrackerKeepAlive, OneByteThatIsOutstandingIsARetransmission) {
  ExpectAfterOpen(R"(
     1.000 C > S  P. 1000(1) ack 300 win 502   => ok first-data
     1.250 C > S  P. 1000(1) ack 300 win 502   => ok retransmission
  )");
}

TEST(TrackerKeepAlive, IsSeenOnAConnectionThatWasOpenBeforeTheTrace) {
  const TrackedConnection connection = ExpectTold(R"(
     0.000 C > S  .  1009(0) ack 300 win 502   => ESTABLISHED unknown
     0.020 S > C  .  300(0) ack 1010 win 502   => ESTABLISHED ESTABLISHED
    60.000 C > S  .  1009(0) ack 300 win 502   => ESTABLISHED ESTABLISHED keep-alive
    60.020 S > C  .  300(0) ack 1010 win 502   => ESTABLISHED ESTABLISHED keep-alive-ack
  )");
  EXPECT_EQ(connection.outcome, Outcome::kMidStream);
}

TEST(TrackerKeepAlive, IsSeenInTextThatLeavesOutTheNumber) {
  ExpectAfterOpen(R"(
     1.000 C > S  P. 1000(10) ack 300 win 502   => ok first-data
     1.020 S > C  .  -(0) ack 1010 win 502      => ok
    61.000 C > S  .  -(0) ack 300 win 502       => ok keep-alive
    61.020 S > C  .  -(0) ack 1010 win 502      => ok keep-alive-ack
  )");
}

}  // namespace
}  // namespace tcpmedic
