// What a header says beside the numbers: ECN, Fast Open, urgent data, a signature, a full window;
// and what RSTs end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kOpen[] = R"(
    0.000 C > S  S  999(0) win 64240 <wscale 7>
    0.020 S > C  S. 299(0) ack 1000 win 65160 <wscale 7>
    0.040 C > S  .  1000(0) ack 300 win 502
)";

TrackedConnection AfterOpen(const std::string& text) {
  return ExpectTold(absl::StrCat(kOpen, text));
}

// RFC 3168 §6.1: ECE+CWR in the SYN, ECE in the SYN-ACK; ECE in each ACK until a CWR.
TEST(TrackerHeader, EcnIsOfferedAgreedEchoedAndAnswered) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  SEW 999(0) win 64240
    0.020 S > C  S.E 299(0) ack 1000 win 65160
    0.040 C > S  .   1000(0) ack 300 win 64240
    1.000 C > S  .   1000(1000) ack 300 win 64240
    1.001 C > S  .   2000(1000) ack 300 win 64240
    1.020 S > C  .E  300(0) ack 2000 win 65160
    1.021 S > C  .E  300(0) ack 3000 win 65160
    1.040 C > S  .W  3000(1000) ack 300 win 64240
    1.060 S > C  .   300(0) ack 4000 win 65160
  )");
  EXPECT_THAT(connection.segments[0].note, HasSubstr("offers ECN"));
  EXPECT_THAT(connection.segments[1].note, HasSubstr("agrees to ECN"));
  EXPECT_THAT(connection.segments[5].note, HasSubstr("ECE: a router marked a segment (ECN CE)"));
  EXPECT_EQ(connection.segments[6].note, "");
  EXPECT_EQ(connection.segments[7].note, "CWR: the client has reduced its congestion window");
}

TEST(TrackerHeader, WithoutAnAgreementEceSaysNothing) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  SEW 999(0) win 64240
    0.020 S > C  S.  299(0) ack 1000 win 65160
    0.040 C > S  .   1000(0) ack 300 win 64240
    1.000 C > S  .   1000(1000) ack 300 win 64240
    1.020 S > C  .E  300(0) ack 2000 win 65160
  )");
  EXPECT_THAT(connection.segments[4].note, Not(HasSubstr("ECE")));
}

// RFC 7413 §4.1.
TEST(TrackerHeader, FastOpenCookieIsAskedForAndGranted) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  999(0) win 64240 <tfo>
    0.020 S > C  S. 299(0) ack 1000 win 65160 <tfo 8>
  )");
  EXPECT_THAT(connection.segments[0].note, HasSubstr("asks for a cookie"));
  EXPECT_THAT(connection.segments[1].note, HasSubstr("grants a cookie"));
}

TEST(TrackerHeader, DataOfTheSynThatWasNotTakenIsSentOnceMore) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S  999(7) win 64240 <tfo 8>
    0.020 S > C  S. 299(0) ack 1000 win 65160
    0.040 C > S  P. 1000(7) ack 300 win 64240
  )");
  EXPECT_THAT(connection.segments[2].note,
              HasSubstr("the data of the SYN once more, which the server had not taken"));
  EXPECT_THAT(connection.summary, HasSubstr("7 bytes from the client, 0 from the server; the data "
                                            "in the SYN was not taken (TCP Fast Open)"));
}

TEST(TrackerHeader, UrgentDataSignaturesAndMissingWindowScalingAreSaid) {
  const TrackedConnection connection = ExpectTold(R"(
    0.000 C > S  S   999(0) win 64240 <mss 1460,md5>
    0.020 S > C  S.  299(0) ack 1000 win 65160 <mss 1460,wscale 7,md5>
    0.040 C > S  .   1000(0) ack 300 win 64240 <md5>
    1.000 C > S  P.U 1000(1) ack 300 win 64240 <md5>
  )");
  EXPECT_THAT(connection.segments[0].note, HasSubstr("signed (TCP MD5, RFC 2385)"));
  EXPECT_THAT(connection.segments[2].note, HasSubstr("no window scaling: at most 65535 bytes"));
  EXPECT_THAT(connection.segments[3].note, HasSubstr("urgent data (URG)"));
}

TEST(TrackerHeader, DataUpToTheEndOfTheWindowFillsIt) {
  // 2 × 2^7 = 256 bytes.
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  .  1000(100) ack 300 win 502
    1.020 S > C  .  300(0) ack 1100 win 2
    1.021 C > S  .  1100(255) ack 300 win 502
    1.022 C > S  .  1355(1) ack 300 win 502
  )");
  EXPECT_EQ(connection.segments[5].note, "");
  EXPECT_EQ(connection.segments[6].note,
            "fills the window of the server exactly: the client must wait until it opens");
}

TEST(TrackerHeader, SamePortsAgainAreANewConnection) {
  const TraceResult result = Tracked(absl::StrCat(kOpen, R"(
    1.000 C > S  R. 1000(0) ack 300 win 502
    3.500 C > S  S  77000(0) win 64240 <wscale 7>
  )"));
  ASSERT_EQ(result.connections.size(), 2u);
  EXPECT_THAT(result.connections[1].segments[0].note,
              HasSubstr("same addresses and ports 2.5 s after the connection before: a new one"));
}

TEST(TrackerReset, SaysWhatOfTheServersPeerWasLost) {
  const TrackedConnection forgot = AfterOpen(R"(
    1.000 C > S  P. 1000(18) ack 300 win 502
    1.011 S > C  R  300(0) win 0
  )");
  EXPECT_THAT(forgot.summary,
              EndsWith("The server ended it with a RST; 18 bytes of the client were not "
                       "acknowledged: the server, or a device between, no longer knows the "
                       "connection."));
  const TrackedConnection aborted = AfterOpen(R"(
    1.000 C > S  P. 1000(18) ack 300 win 502
    1.011 S > C  R. 300(0) ack 1018 win 502
  )");
  EXPECT_THAT(aborted.summary, EndsWith("The server ended it with a RST."));
  EXPECT_EQ(aborted.segments[4].note,
            "RST: the server ends the connection at once, without a FIN: what it had not sent or "
            "read is lost");
}

TEST(TrackerReset, OfDataAfterTheCloseSaysThatItIsLost) {
  const TrackedConnection connection = AfterOpen(R"(
    1.000 C > S  F. 1000(0) ack 300 win 502
    1.020 S > C  .  300(0) ack 1001 win 502
    1.030 S > C  P. 300(22) ack 1001 win 502
    1.050 C > S  R  1001(0) win 0
  )");
  EXPECT_EQ(connection.segments[6].note,
            "RST in answer to data that came after the client had closed (RFC 1122 §4.2.2.13): "
            "nobody reads it, these 22 bytes are lost");
}

TEST(TrackerReset, AfterKeepAlivesIsGivingUp) {
  const TrackedConnection connection = AfterOpen(R"(
    60.000 C > S  .  999(0) ack 300 win 502
    61.000 C > S  .  999(0) ack 300 win 502
    62.000 C > S  R. 1000(0) ack 300 win 502
  )");
  EXPECT_EQ(connection.segments[5].note,
            "RST: the client gives up after 2 unanswered keep-alives; the server, if it lives, may "
            "not know");
}

}  // namespace
}  // namespace tcpmedic
