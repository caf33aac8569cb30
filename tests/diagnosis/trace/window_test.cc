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
    0.100 C > S  P. 1000(1000) ack 300 win 502
    0.101 S > C  .  300(0) ack 2000 win 0        => ESTABLISHED ESTABLISHED zero-window
)";

TrackedConnection ExpectAfterZeroWindow(absl::string_view text) {
  return ExpectTold(absl::StrCat(kOpen, text));
}

TEST(TrackerWindow, LinuxProbesWithoutDataOneBeforeTheNextNumber) {
  const TrackedConnection connection = ExpectAfterZeroWindow(R"(
    0.310 C > S  .  1999(0) ack 300 win 502      => ESTABLISHED ESTABLISHED zero-window-probe
    0.311 S > C  .  300(0) ack 2000 win 0        => ESTABLISHED ESTABLISHED zero-window zero-window-probe-ack
    0.730 C > S  .  1999(0) ack 300 win 502      => ESTABLISHED ESTABLISHED zero-window-probe
    0.731 S > C  .  300(0) ack 2000 win 0        => ESTABLISHED ESTABLISHED zero-window zero-window-probe-ack
    0.900 S > C  .  300(0) ack 2000 win 128      => ESTABLISHED ESTABLISHED window-update
    0.901 C > S  P. 2000(1000) ack 300 win 502   => ESTABLISHED ESTABLISHED
  )");
  EXPECT_EQ(connection.totals.zero_windows, 3);
  EXPECT_EQ(connection.totals.keep_alives, 0);
  EXPECT_EQ(connection.totals.retransmissions, 0);
  EXPECT_EQ(connection.segments[4].window_bytes, 0);
  EXPECT_EQ(connection.segments[9].window_bytes, 16384);
  EXPECT_THAT(connection.segments[4].note, HasSubstr("receive buffer of the server is full"));
  EXPECT_THAT(connection.segments[9].note, HasSubstr("window is now 16384 bytes"));
}

TEST(TrackerWindow, WindowThatStaysClosedIsSaidInTheSummary) {
  EXPECT_THAT(ExpectAfterZeroWindow("").summary,
              HasSubstr("The window of the server is still 0 then"));
}

TEST(TrackerWindow, ProbeWithOneByteOfDataIsNotTakenUntilItIsAcknowledged) {
  const TrackedConnection connection = ExpectAfterZeroWindow(R"(
    0.310 C > S  .  2000(1) ack 300 win 502      => ESTABLISHED ESTABLISHED zero-window-probe
    0.311 S > C  .  300(0) ack 2000 win 0        => ESTABLISHED ESTABLISHED zero-window zero-window-probe-ack
    0.730 C > S  .  2000(1) ack 300 win 502      => ESTABLISHED ESTABLISHED zero-window-probe
    0.731 S > C  .  300(0) ack 2001 win 128      => ESTABLISHED ESTABLISHED
    0.732 C > S  P. 2001(1000) ack 300 win 502   => ESTABLISHED ESTABLISHED
  )");
  EXPECT_EQ(connection.totals.retransmissions, 0);
  EXPECT_EQ(connection.totals.client_bytes, 2001);
}

TEST(TrackerWindow, ProbeIsSeenInTextThatLeavesOutTheNumber) {
  ExpectAfterZeroWindow(R"(
    0.310 C > S  .  -(0) ack 300 win 502         => ESTABLISHED ESTABLISHED zero-window-probe
    0.311 S > C  .  -(0) ack 2000 win 0          => ESTABLISHED ESTABLISHED zero-window zero-window-probe-ack
  )");
}

TEST(TrackerWindow, ZeroIsZeroWhateverTheScale) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 S > C  .  300(0) ack 2000 win 0        => unknown ESTABLISHED zero-window
    0.001 S > C  .  300(0) ack 2000 win 10       => unknown ESTABLISHED window-update
  )");
  EXPECT_EQ(connection.segments[0].window_bytes, 0);
  EXPECT_EQ(connection.segments[1].window_bytes, std::nullopt);
}

TEST(TrackerWindow, RstAndFinWithWindow0AreNoZeroWindow) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  P. 1000(5) ack 300 win 502
    0.001 S > C  R. 300(0) ack 1005 win 0        => CLOSED CLOSED reset
  )");
  EXPECT_EQ(connection.totals.zero_windows, 0);
}

}  // namespace
}  // namespace tcpmedic
