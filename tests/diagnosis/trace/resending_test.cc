// What is sent again: how long after, why, and whether it was needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A handshake RTT of 40 ms. Segments from 3 on are what a test narrates.
TrackedConnection AfterOpen(const std::string& text) {
  return ExpectTold(absl::StrCat(R"(
    0.000 C > S  S  999(0) win 64240 <wscale 7,sackOK,TS 100 0>
    0.020 S > C  S. 299(0) ack 1000 win 65160 <wscale 7,sackOK,TS 900 100>
    0.040 C > S  .  1000(0) ack 300 win 502 <TS 140 900>
)",
                                 text));
}

TEST(TrackerResending, DsackShowsThatItHadArrived) {
  // The ACK of the first took too long (RFC 2883 §5, RFC 9293: the timeout fires).
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  P. 1000(100) ack 300 win 502   => ESTABLISHED ESTABLISHED first-data
    1.250 C > S  P. 1000(100) ack 300 win 502   => ESTABLISHED ESTABLISHED spurious-retransmission
    1.290 S > C  .  300(0) ack 1100 win 502 <sack 1000:1100>   => ESTABLISHED ESTABLISHED
  )");
  EXPECT_EQ(connection.totals.retransmissions, 0);
  EXPECT_EQ(connection.totals.spurious_retransmissions, 1);
  EXPECT_EQ(
      connection.segments[4].note,
      "100 bytes sent again, 250 ms after they were first sent: no ACK came; they had arrived, "
      "as an ACK shows later");
  EXPECT_THAT(connection.segments[5].note,
              HasSubstr("D-SACK (RFC 2883): the server had 1000–1099 already: to send it again was "
                        "needless"));
  EXPECT_THAT(connection.summary, HasSubstr("1 needless retransmission;"));
}

TEST(TrackerResending, DsackAboveAHoleShowsItToo) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  .  1000(100) ack 300 win 502
    1.001 C > S  .  1100(100) ack 300 win 502
    1.300 C > S  .  1100(100) ack 300 win 502   => ESTABLISHED ESTABLISHED spurious-retransmission
    1.340 S > C  .  300(0) ack 1000 win 502 <sack 1100:1200,sack 1100:1200>
  )");
  EXPECT_EQ(connection.totals.spurious_retransmissions, 1);
}

TEST(TrackerResending, DsackOfWhatWasSentOnceSaysNothing) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  P. 1000(100) ack 300 win 502
    1.040 S > C  .  300(0) ack 1100 win 502
    1.041 S > C  .  300(0) ack 1100 win 502 <sack 1000:1100>
  )");
  EXPECT_EQ(connection.segments[5].note, "");
}

// RFC 3522 §3.2: the ACK echoes the first sending.
TEST(TrackerResending, TimestampOfTheFirstSendingShowsThatItWasLate) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  P. 1000(100) ack 300 win 502 <TS 1100 900>   => ESTABLISHED ESTABLISHED first-data
    1.250 C > S  P. 1000(100) ack 300 win 502 <TS 1350 900>   => ESTABLISHED ESTABLISHED spurious-retransmission
    1.251 S > C  .  300(0) ack 1100 win 502 <TS 2000 1100>    => ESTABLISHED ESTABLISHED
  )");
  EXPECT_THAT(connection.segments[5].note,
              HasSubstr("confirms 100 bytes of the client; its timestamp is that of an earlier "
                        "sending: the segment was late, not lost (RFC 3522)"));
  EXPECT_THAT(connection.summary, HasSubstr("1 needless retransmission;"));
}

TEST(TrackerResending, TimestampOfTheSecondSendingShowsThatItWasNeeded) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  P. 1000(100) ack 300 win 502 <TS 1100 900>   => ESTABLISHED ESTABLISHED first-data
    1.250 C > S  P. 1000(100) ack 300 win 502 <TS 1350 900>   => ESTABLISHED ESTABLISHED retransmission
    1.290 S > C  .  300(0) ack 1100 win 502 <TS 2000 1350>    => ESTABLISHED ESTABLISHED
  )");
  EXPECT_THAT(connection.segments[5].note, HasSubstr("with what was sent again"));
  EXPECT_EQ(connection.totals.retransmissions, 1);
}

// RFC 7323 §4.3: an ACK of several segments echoes the first, which was not the one sent again.
TEST(TrackerResending, TimestampOfASegmentBeforeItTellsNothing) {
  AfterOpen(R"(
    1.000 C > S  .  1000(100) ack 300 win 502 <TS 1100 900>   => ESTABLISHED ESTABLISHED first-data
    1.001 C > S  .  1100(100) ack 300 win 502 <TS 1101 900>   => ESTABLISHED ESTABLISHED
    1.100 C > S  .  1100(100) ack 300 win 502 <TS 1200 900>   => ESTABLISHED ESTABLISHED retransmission
    1.140 S > C  .  300(0) ack 1200 win 502 <TS 2000 1100>    => ESTABLISHED ESTABLISHED
  )");
}

// RFC 6298 §5.5: the timeout doubles.
TEST(TrackerResending, NotesCountTheSendingsAndTheTimeBetweenThem) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  P. 1000(100) ack 300 win 502
    1.240 C > S  P. 1000(100) ack 300 win 502
    1.720 C > S  P. 1000(100) ack 300 win 502
    2.680 C > S  P. 1000(100) ack 300 win 502
  )");
  EXPECT_EQ(connection.segments[4].note,
            "100 bytes sent again, 240 ms after they were first sent: no ACK came");
  EXPECT_EQ(connection.segments[5].note,
            "100 bytes sent the third time, 480 ms after the second: no ACK came (timeout)");
  EXPECT_EQ(connection.segments[6].note,
            "100 bytes sent the fourth time, 960 ms after the third: no ACK came (timeout)");
}

TEST(TrackerResending, DuplicateAcksAskForIt) {
  const TrackedConnection connection = AfterOpen(R"(
    1.0000 C > S  .  1000(100) ack 300 win 502
    1.0001 C > S  .  1100(100) ack 300 win 502
    1.0002 C > S  .  1200(100) ack 300 win 502
    1.0003 C > S  .  1300(100) ack 300 win 502
    1.0400 S > C  .  300(0) ack 1000 win 502 <sack 1100:1200>
    1.0401 S > C  .  300(0) ack 1000 win 502 <sack 1100:1300>
    1.0402 S > C  .  300(0) ack 1000 win 502 <sack 1100:1400>
    1.0403 C > S  .  1000(100) ack 300 win 502   => ESTABLISHED ESTABLISHED retransmission
  )");
  EXPECT_THAT(connection.segments[10].note,
              HasSubstr("40.3 ms after they were first sent: fast retransmit after "));
  EXPECT_THAT(connection.segments[10].note, HasSubstr("with SACK"));
}

// A timeout sends the first that is not acknowledged, a tail loss probe the last (RFC 8985 §7.3).
TEST(TrackerResending, TailLossProbeIsToldFromATimeoutWhereSeveralAreOutstanding) {
  const TrackedConnection probe = AfterOpen(R"(
    1.000 C > S  .  1000(100) ack 300 win 502
    1.001 C > S  .  1100(100) ack 300 win 502
    1.090 C > S  .  1100(100) ack 300 win 502
  )");
  EXPECT_THAT(probe.segments[5].note, HasSubstr("no ACK came (tail loss probe)"));
  const TrackedConnection timeout = AfterOpen(R"(
    1.000 C > S  .  1000(100) ack 300 win 502
    1.001 C > S  .  1100(100) ack 300 win 502
    1.300 C > S  .  1000(100) ack 300 win 502
  )");
  EXPECT_THAT(timeout.segments[5].note, HasSubstr("no ACK came (timeout)"));
}

TEST(TrackerResending, BehindTheLossTheFirstCopyIsNotShown) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  .  1000(100) ack 300 win 502
    1.001 C > S  .  1200(100) ack 300 win 502
    1.090 C > S  .  1100(100) ack 300 win 502   => ESTABLISHED ESTABLISHED retransmission
  )");
  EXPECT_EQ(connection.segments[5].note,
            "100 bytes of the gap before 1200, sent again: the first copy was lost before this "
            "capture");
}

TEST(TrackerResending, WithoutTimesItsAgeIsLeftOut) {
  const TrackedConnection connection = AfterOpen(R"(
    -  C > S  .  1000(100) ack 300 win 502
    -  C > S  .  1000(100) ack 300 win 502
  )");
  EXPECT_EQ(connection.segments[4].note, "100 bytes sent again");
}

// What lies further back than is kept cannot be looked up.
TEST(TrackerResending, LongAgoItsAgeIsLeftOut) {
  std::string text = R"(
    0.000 C > S  S  999(0) win 64240
    0.020 S > C  S. 299(0) ack 1000 win 65160
    0.040 C > S  .  1000(0) ack 300 win 502
)";
  for (int i = 0; i < 40; ++i) {
    absl::StrAppend(&text, "1.", 100 + i, " C > S . ", 1000 + 100 * i, "(100) ack 300 win 502\n");
  }
  absl::StrAppend(&text, "1.900 C > S . 1000(100) ack 300 win 502\n");
  TrackerOptions options;
  options.max_segments_per_connection = 20;
  const TraceResult result = Tracked(text, options);
  EXPECT_THAT(result.connections.at(0).segments.back().note,
              testing::StartsWith("100 bytes sent again"));
  EXPECT_THAT(result.connections.at(0).segments.back().note, Not(HasSubstr("first sent")));
}

TEST(TrackerResending, AckThatDidNotArriveMakesItsSenderSendAgain) {
  // As last-ack-lost: captured where the ACK was sent.
  const TrackedConnection connection = AfterOpen(R"(
    1.000 S > C  P. 300(22) ack 1000 win 509
    1.001 C > S  .  1000(0) ack 322 win 502
    1.220 S > C  P. 300(22) ack 1000 win 509   => ESTABLISHED ESTABLISHED spurious-retransmission
    1.221 C > S  .  1000(0) ack 322 win 502
  )");
  EXPECT_EQ(
      connection.segments[5].note,
      "sent again although the client had acknowledged it 219 ms before (handshake RTT 40 ms): "
      "that ACK was lost or held up");
  EXPECT_EQ(connection.segments[6].note,
            "acknowledged once more: the ACK before did not reach the server in time");
  EXPECT_THAT(connection.summary, HasSubstr("1 segment sent again that had already arrived;"));
}

}  // namespace
}  // namespace tcpmedic
