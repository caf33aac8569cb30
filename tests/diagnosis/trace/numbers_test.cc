// Numbers over the wrap, relative numbers, and connections whose start was not captured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagnosis/trace/serial_number.h"
#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SerialNumber, TheShorterWayRoundDecides) {
  EXPECT_TRUE(SerialBefore(0xffffffff, 0));
  EXPECT_FALSE(SerialBefore(0, 0xffffffff));
  EXPECT_TRUE(SerialBefore(0xfffffff0, 0x10));
  EXPECT_EQ(SerialDistance(0xfffffff0, 0x10), 0x20);
  EXPECT_EQ(SerialDistance(0x10, 0xfffffff0), -0x20);
  EXPECT_TRUE(SerialAtMost(7, 7));
  EXPECT_FALSE(SerialBefore(7, 7));
}

TEST(TrackerNumbers, WrapChangesNothing) {
  // 4294967290 + 1 + 10 is 5 modulo 2^32.
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  4294967290(0) win 64240          => SYN-SENT SYN-RECEIVED
    0.010 S > C  S. 4294967295(0) ack 4294967291 win 65160  => ESTABLISHED SYN-RECEIVED
    0.020 C > S  .  4294967291(0) ack 0 win 502      => ESTABLISHED ESTABLISHED handshake-complete
    0.021 C > S  P. 4294967291(10) ack 0 win 502     => ESTABLISHED ESTABLISHED first-data
    0.022 C > S  P. 5(10) ack 0 win 502              => ESTABLISHED ESTABLISHED
    0.030 S > C  .  0(0) ack 15 win 509              => ESTABLISHED ESTABLISHED
    0.031 S > C  P. 0(3) ack 15 win 509              => ESTABLISHED ESTABLISHED first-data
    0.250 C > S  P. 5(10) ack 3 win 502              => ESTABLISHED ESTABLISHED spurious-retransmission
    0.260 C > S  F. 15(0) ack 3 win 502              => FIN-WAIT-1 CLOSE-WAIT fin
  )");
  EXPECT_EQ(connection.first_data_seq, 4294967291u);
  EXPECT_EQ(connection.totals.client_bytes, 20);
  EXPECT_EQ(connection.segments[2].rel_ack, 1u);
  EXPECT_EQ(connection.segments[4].rel_seq, 11u);
  EXPECT_EQ(connection.segments[5].rel_ack, 21u);
  EXPECT_EQ(connection.segments[6].rel_seq, 1u);
  EXPECT_THAT(connection.segments[5].note, HasSubstr("confirms 20 bytes of the client"));
}

TEST(TrackerNumbers, ConnectionOpenBeforeTheTraceHasNoRelativeNumbers) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 S > C  P. 5000(100) ack 1000 win 509   => unknown ESTABLISHED
    0.010 C > S  .  1000(0) ack 5100 win 502     => ESTABLISHED ESTABLISHED
  )");
  EXPECT_EQ(connection.outcome, Outcome::kMidStream);
  EXPECT_FALSE(connection.start_captured);
  EXPECT_TRUE(connection.client_is_guess);
  EXPECT_EQ(connection.client, kClientEnd);  // the higher port
  EXPECT_EQ(connection.segments[0].seq, 5000u);
  EXPECT_EQ(connection.segments[0].rel_seq, std::nullopt);
  EXPECT_EQ(connection.client_isn, std::nullopt);
  EXPECT_EQ(connection.segments[1].window_bytes, std::nullopt);
  EXPECT_THAT(connection.summary, HasSubstr("Open before the trace begins"));
}

TEST(TrackerNumbers, DataInFlightWhenTheTraceBeganIsNoGap) {
  ExpectTold(R"(
    0.000 S > C  .  5000(0) ack 1000 win 509     => unknown ESTABLISHED
    0.010 C > S  P. 9000(10) ack 5000 win 502    => ESTABLISHED ESTABLISHED
    0.011 C > S  P. 8990(10) ack 5000 win 502    => ESTABLISHED ESTABLISHED out-of-order
  )");
}

TEST(TrackerNumbers, ConnectionOpenBeforeTheTraceCanClose) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  F. 1000(0) ack 300 win 502   => FIN-WAIT-1 CLOSE-WAIT fin
    0.001 S > C  F. 300(0) ack 1001 win 502   => TIME-WAIT LAST-ACK fin
    0.002 C > S  .  1001(0) ack 301 win 502   => TIME-WAIT CLOSED
  )");
  EXPECT_EQ(connection.outcome, Outcome::kClosed);
}

TEST(TrackerNumbers, RelativeNumbersOfATextThatBeginsLaterAreShownAsTheyAre) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  P. 1(10) ack 1 win 502 <relative>    => ESTABLISHED unknown
    0.010 S > C  .  -(0) ack 11 win 509 <relative>    => ESTABLISHED ESTABLISHED
    0.300 C > S  P. 1(10) ack 1 win 502 <relative>    => ESTABLISHED ESTABLISHED spurious-retransmission
  )");
  EXPECT_EQ(connection.segments[0].seq, std::nullopt);
  EXPECT_EQ(connection.segments[0].rel_seq, 1u);
  EXPECT_EQ(connection.segments[1].rel_ack, 11u);
  EXPECT_EQ(connection.first_data_seq, std::nullopt);
}

TEST(TrackerNumbers, RelativeNumbersBehindASynAreFromItsIsn) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  1000(0) win 64240                 => SYN-SENT SYN-RECEIVED
    0.010 S > C  S. 5000(0) ack 1001 win 65160        => ESTABLISHED SYN-RECEIVED
    0.020 C > S  .  -(0) ack 1 win 502 <relative>     => ESTABLISHED ESTABLISHED handshake-complete
    0.021 C > S  P. 1(10) ack 1 win 502 <relative>    => ESTABLISHED ESTABLISHED first-data
  )");
  EXPECT_EQ(connection.segments[2].ack, 5001u);
  EXPECT_EQ(connection.segments[3].seq, 1001u);
  EXPECT_EQ(connection.segments[3].rel_seq, 1u);
  EXPECT_EQ(connection.first_data_seq, 1001u);
}

TEST(TrackerNumbers, AckThatRepeatsNothingHasNoNote) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  P. 1000(5) ack 300 win 502
    0.001 C > S  P. 1005(5) ack 300 win 502
  )");
  EXPECT_THAT(connection.segments[1].note, IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
