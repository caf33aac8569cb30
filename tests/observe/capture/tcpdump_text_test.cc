#include "observe/capture/tcpdump_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/observe/capture/collected_recording.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Taken = TcpdumpTextReader::Taken;

struct Result {
  CollectedRecording recording;
  std::vector<Taken> taken;

  // "1000 a0 5": seq, ack, payload; "rel" before what is relative.
  std::vector<std::string> Numbers() const {
    std::vector<std::string> numbers;
    for (const PlacedSegment& placed : recording.segments) {
      const CapturedSegment& segment = placed.segment;
      const auto text = [](const std::optional<uint32_t>& number) {
        return number.has_value() ? absl::StrCat(*number) : std::string("-");
      };
      numbers.push_back(absl::StrCat(segment.relative ? "rel " : "", text(segment.seq), " ack ",
                                     text(segment.ack), " +", segment.payload_bytes));
    }
    return numbers;
  }
  std::vector<std::optional<absl::Duration>> Times() const {
    std::vector<std::optional<absl::Duration>> times;
    for (const PlacedSegment& placed : recording.segments) times.push_back(placed.segment.time);
    return times;
  }
};

Result Read(absl::string_view text) {
  Result result;
  TcpdumpTextReader reader("a.txt", &result.recording);
  int64_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    result.taken.push_back(reader.Line(++number, line));
  }
  reader.End();
  return result;
}

// Client 10.0.0.5:1, server 10.0.0.9:2.
std::string C(absl::string_view fields) {
  return absl::StrCat("IP 10.0.0.5.1 > 10.0.0.9.2: ", fields, "\n");
}
std::string S(absl::string_view fields) {
  return absl::StrCat("IP 10.0.0.9.2 > 10.0.0.5.1: ", fields, "\n");
}

TEST(TcpdumpText, AHandshakeAsPeoplePasteIt) {
  const Result result = Read(
      "14:02:11.001 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [S],  seq 1000000, win 64240, length "
      "0\n"
      "14:02:11.001 IP 10.0.0.9.6379  > 10.0.0.5.51514: Flags [S.], seq 4200000, ack 1000001, win "
      "65160, length 0\n"
      "14:02:11.002 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [.],  seq 1000001, ack 4200001, win "
      "64240, length 0\n"
      "14:02:11.002 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [P.], seq 1000001, ack 4200001, win "
      "64240, length 14");
  EXPECT_THAT(result.Numbers(), ElementsAre("1000000 ack - +0", "4200000 ack 1000001 +0",
                                            "1000001 ack 4200001 +0", "1000001 ack 4200001 +14"));
  EXPECT_THAT(result.taken,
              ElementsAre(Taken::kTaken, Taken::kTaken, Taken::kTaken, Taken::kTaken));
  EXPECT_EQ(result.recording.segments[3].place.line, 4);
  EXPECT_EQ(*result.Times()[2] - *result.Times()[0], absl::Milliseconds(1));
  EXPECT_EQ(result.recording.segments[0].segment.time_base, TimeBase::kMidnight);
}

TEST(TcpdumpText, RelativeNumbersBecomeAbsolute) {
  const Result result = Read(C("Flags [S], seq 1000, win 9, length 0") +
                             S("Flags [S.], seq 4294967290, ack 1001, win 9, length 0") +
                             C("Flags [.], ack 1, win 9, length 0") +
                             C("Flags [P.], seq 1:15, ack 1, win 9, length 14") +
                             S("Flags [.], seq 1:101, ack 15, win 9, length 100") +
                             C("Flags [.], seq 14:15, ack 101, win 9, options [nop,nop,sack 1 "
                               "{201:301}], length 1") +
                             C("Flags [R], seq 1015, win 0, length 0"));
  // The server's base is 4294967290: its number 1 is 4294967291, 101 is 95, over the wrap.
  EXPECT_THAT(result.Numbers(),
              ElementsAre("1000 ack - +0", "4294967290 ack 1001 +0", "- ack 4294967291 +0",
                          "1001 ack 4294967291 +14", "4294967291 ack 1015 +100", "1014 ack 95 +1",
                          "1015 ack - +0"));
  EXPECT_EQ(result.recording.segments[5].segment.sack[0].begin, 195u);
  EXPECT_EQ(result.recording.segments[5].segment.sack[0].end, 295u);
}

TEST(TcpdumpText, SmallAbsoluteNumbersAreNotTakenForRelativeOnes) {
  const Result result = Read(C("Flags [S], seq 100, win 9, length 0") +
                             S("Flags [S.], seq 300, ack 101, win 9, length 0") +
                             C("Flags [.], ack 301, win 9, length 0") +
                             C("Flags [P.], seq 101:111, ack 301, win 9, length 10"));
  EXPECT_THAT(result.Numbers(),
              ElementsAre("100 ack - +0", "300 ack 101 +0", "- ack 301 +0", "101 ack 301 +10"));
}

TEST(TcpdumpText, TheFirstDataOfAConnectionSetsBothBases) {
  const Result result = Read(C("Flags [P.], seq 5000:5010, ack 7001, win 9, length 10") +
                             S("Flags [.], ack 10, win 9, length 0") +
                             S("Flags [P.], seq 1:21, ack 10, win 9, length 20"));
  EXPECT_THAT(result.Numbers(),
              ElementsAre("5000 ack 7001 +10", "- ack 5010 +0", "7001 ack 5010 +20"));
}

TEST(TcpdumpText, NumbersStayRelativeWhereTheirBaseWasNotPrinted) {
  const Result result =
      Read(C("Flags [.], ack 7001, win 9, length 0") +
           C("Flags [P.], seq 1:11, ack 1, win 9, length 10") +
           S("Flags [.], ack 11, win 9, length 0") + C("Flags [R], seq 123456, win 0, length 0"));
  EXPECT_THAT(result.Numbers(), ElementsAre("rel - ack 1 +0", "rel 1 ack 1 +10", "rel - ack 11 +0",
                                            "rel - ack - +0"));
}

TEST(TcpdumpText, AnAbsoluteTextNeedsNoBases) {
  const Result result = Read(C("Flags [.], ack 7001, win 9, length 0") +
                             C("Flags [P.], seq 5000:5010, ack 7001, win 9, length 10") +
                             S("Flags [.], ack 5010, win 9, length 0"));
  EXPECT_THAT(result.Numbers(), ElementsAre("- ack 7001 +0", "5000 ack 7001 +10", "- ack 5010 +0"));
}

TEST(TcpdumpText, ASynAckBeginsNewBases) {
  const std::string shake = S("Flags [S.], seq 9000000, ack 5000001, win 9, length 0") +
                            C("Flags [P.], seq 1:11, ack 1, win 9, length 10");
  const Result result = Read(C("Flags [P.], seq 7000:7010, ack 8001, win 9, length 10") +
                             C("Flags [P.], seq 10:20, ack 1, win 9, length 10") + shake);
  EXPECT_THAT(result.Numbers(), ElementsAre("7000 ack 8001 +10", "7010 ack 8001 +10",
                                            "9000000 ack 5000001 +0", "5000001 ack 9000001 +10"));
}

TEST(TcpdumpText, WhatWaitsBehindAnotherConnectionKeepsItsBases) {
  const Result result = Read("IP 10.0.0.7.3 > 10.0.0.9.2: Flags [.], ack 77, win 9, length 0\n" +
                             C("Flags [P.], seq 7000:7010, ack 8001, win 9, length 10") +
                             C("Flags [P.], seq 10:20, ack 1, win 9, length 10") +
                             S("Flags [S.], seq 9000000, ack 5000001, win 9, length 0"));
  EXPECT_THAT(result.Numbers(), ElementsAre("rel - ack 1 +0", "7000 ack 8001 +10",
                                            "7010 ack 8001 +10", "9000000 ack 5000001 +0"));
}

TEST(TcpdumpText, AFloodOfHalfHandshakesIsReadAsItStands) {
  const Result result = Read(
      "IP 203.0.113.7.40001 > 198.51.100.10.443: Flags [S],  seq 100, win 29200, length 0\n"
      "IP 198.51.100.10.443 > 203.0.113.7.40001: Flags [S.], seq 3851629874, ack 101, win 28960, "
      "length 0\n"
      "(thousands more SYNs from random sources; almost none send the final ACK)");
  EXPECT_THAT(result.Numbers(), ElementsAre("100 ack - +0", "3851629874 ack 101 +0"));
  EXPECT_THAT(result.taken, ElementsAre(Taken::kTaken, Taken::kTaken, Taken::kNotTcpdump));
  EXPECT_FALSE(result.recording.segments[0].segment.time.has_value());
  EXPECT_FALSE(result.recording.segments[0].segment.options_known);
  EXPECT_THAT(result.recording.unread, IsEmpty());
}

TEST(TcpdumpText, ManyConnectionsOfOneSegmentAreNotHeldBackForEver) {
  CollectedRecording recording;
  TcpdumpTextReader reader("a.txt", &recording);
  for (int i = 1; i <= 1000; ++i) {
    reader.Line(i, absl::StrCat("IP 10.0.0.5.", i,
                                " > 10.0.0.9.2: Flags [.], ack 77, win 9, "
                                "length 0"));
  }
  EXPECT_GE(recording.segments.size(), 700u);
  reader.End();
  ASSERT_THAT(recording.segments, SizeIs(1000));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(recording.segments[i].place.line, i + 1);
}

TEST(TcpdumpText, DifferencesToThePacketBeforeAddUp) {
  const Result result = Read(" 00:00:00.000000 " + C("Flags [S], seq 1, win 9, length 0") +
                             " 00:00:01.000000 ARP, Request who-has 10.0.0.9 tell 10.0.0.5\n" +
                             " 00:00:01.500000 " + C("Flags [S], seq 1, win 9, length 0") +
                             " 00:00:00.250000 " + C("Flags [S], seq 1, win 9, length 0"));
  EXPECT_THAT(result.Times(), ElementsAre(absl::ZeroDuration(), absl::Milliseconds(2500),
                                          absl::Milliseconds(2750)));
}

TEST(TcpdumpText, TimesSinceTheFirstPacketDoNot) {
  const Result result = Read(" 00:00:00.000000 " + C("Flags [S], seq 1, win 9, length 0") +
                             " 00:00:01.000000 " + C("Flags [S], seq 1, win 9, length 0") +
                             " 00:00:03.000000 " + C("Flags [S], seq 1, win 9, length 0"));
  EXPECT_THAT(result.Times(),
              ElementsAre(absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(3)));
}

TEST(TcpdumpText, TimeGoesOnPastMidnight) {
  const Result result = Read("23:59:59.500000 " + C("Flags [S], seq 1, win 9, length 0") +
                             "00:00:00.500000 " + C("Flags [S], seq 1, win 9, length 0"));
  EXPECT_EQ(*result.Times()[1] - *result.Times()[0], absl::Seconds(1));
}

TEST(TcpdumpText, TwoLinesOfVerboseTextAreOneSegment) {
  const Result result = Read(
      "22:13:24.014001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 67)\n"
      "    10.0.0.5.1 > 10.0.0.9.80: Flags [P.], cksum 0x0000 (incorrect -> 0x5e2b), seq 101:128, "
      "ack 5, win 9, length 27: HTTP, length: 27\n"
      "\tGET / HTTP/1.1\n"
      "\t10.6.6.6.1 > 10.0.0.9.80: Flags [S], seq 1, win 9, length 0\n"
      "\t\n"
      "22:13:25.014001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto UDP (17), length "
      "28)\n"
      "    10.0.0.5.53 > 10.0.0.9.4711: 12 1/0/0 A 10.0.0.1 (44)");
  ASSERT_THAT(result.recording.segments, SizeIs(1));
  EXPECT_EQ(result.recording.segments[0].place.line, 2);
  EXPECT_EQ(result.Times()[0],
            absl::Hours(22) + absl::Minutes(13) + absl::Seconds(24) + absl::Microseconds(14001));
  EXPECT_THAT(result.taken, ElementsAre(Taken::kTaken, Taken::kTaken, Taken::kTaken, Taken::kTaken,
                                        Taken::kTaken, Taken::kTaken, Taken::kUnread));
  ASSERT_THAT(result.recording.unread, SizeIs(1));
  EXPECT_EQ(result.recording.unread[0].reason, "not TCP");
}

TEST(TcpdumpText, WhatAnIcmpErrorQuotesWasNotSeen) {
  const Result result = Read(
      "22:13:26.020001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto ICMP (1), length "
      "68)\n"
      "    10.0.0.9 > 10.0.0.5: ICMP 10.0.0.9 tcp port 84 unreachable, length 48\n"
      "\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 40)\n"
      "    10.0.0.5.1 > 10.0.0.9.84: Flags [S], cksum 0x0000 (incorrect -> 0x9b0e), seq 100, win "
      "9, "
      "length 0");
  EXPECT_THAT(result.recording.segments, IsEmpty());
  EXPECT_THAT(result.recording.unread, IsEmpty());
  ASSERT_THAT(result.recording.related, SizeIs(1));
  EXPECT_EQ(result.recording.related[0].place.line, 2);
  EXPECT_EQ(result.recording.related[0].packet.dst_port, 84);
}

TEST(TcpdumpText, AnIcmpErrorComesInItsPlaceAmongSegments) {
  const Result result = Read("22:13:24.000001 " + C("Flags [S], seq 1, win 9, length 0") +
                             "22:13:24.010001 IP 10.0.0.1 > 10.0.0.5: ICMP host 10.0.0.9 "
                             "unreachable, length 68\n");
  ASSERT_THAT(result.recording.segments, SizeIs(1));
  ASSERT_THAT(result.recording.related, SizeIs(1));
  EXPECT_EQ(*result.recording.related[0].packet.time - *result.recording.segments[0].segment.time,
            absl::Milliseconds(10));
}

TEST(TcpdumpText, OptionsCutByTheSnapshotLengthAreTold) {
  const Result result = Read("22:13:24.000001 " +
                             C("Flags [S], seq 2359422866, win 64240, options [mss 1460, [|tcp]"));
  ASSERT_THAT(result.recording.segments, SizeIs(1));
  EXPECT_TRUE(result.recording.segments[0].segment.truncated);
  ASSERT_THAT(result.recording.unread, SizeIs(1));
  EXPECT_EQ(result.recording.unread[0].reason,
            "TCP options cut by the snapshot length: window scale, SACK and timestamps may be "
            "missing; capture again with -s 128 or more");
}

// The format of print-vxlan.c (4.99).
TEST(TcpdumpText, WhatATunnelCarriesIsNotTcpOnThisLink) {
  const Result result = Read(
      "22:13:26.020001 IP 10.0.0.5.51000 > 10.0.0.9.4789: VXLAN, flags [I] (0x08), vni 5\n"
      "IP 192.0.2.1.1 > 192.0.2.2.80: Flags [S], seq 100, win 9, length 0\n"
      "22:13:27.020001 " +
      C("Flags [S], seq 1, win 9, length 0"));
  ASSERT_THAT(result.recording.segments, SizeIs(1));
  EXPECT_EQ(result.recording.segments[0].place.line, 3);
}

TEST(TcpdumpText, APasteIndentedByTabsIsRead) {
  const Result result = Read("\t" + C("Flags [S], seq 1, win 9, length 0") + "\t" +
                             S("Flags [S.], seq 1, ack 2, win 9, length 0") + "\t" +
                             C("Flags [.], ack 1, win 9, length 0"));
  EXPECT_THAT(result.recording.segments, SizeIs(3));
}

TEST(TcpdumpText, UnreadLinesAreToldOncePerReason) {
  const Result result =
      Read("22:13:25.016001 IP 10.0.0.5.53 > 10.0.0.9.4711: 12 1/0/0 A 10.0.0.1 (44)\n" +
           ("22:13:25.016001 " + C("Flags [S], seq 1, win 9, length 0")) +
           "22:13:25.016001 ARP, Request who-has 10.0.0.9 tell 10.0.0.5, length 28\n"
           "7 packets dropped by kernel");
  ASSERT_THAT(result.recording.unread, SizeIs(2));
  EXPECT_EQ(result.recording.unread[0].reason, "not TCP");
  EXPECT_EQ(result.recording.unread[0].place.line, 1);
  EXPECT_EQ(result.recording.unread[0].lines, 2);
  EXPECT_EQ(result.recording.unread[1].reason,
            "7 packets were dropped by kernel: the capture misses them");
}

TEST(TcpdumpText, AnotherTcpdumpKnowsNothingOfTheFirst) {
  CollectedRecording recording;
  TcpdumpTextReader reader("a.txt", &recording);
  const std::string shake = C("Flags [S], seq 1000, win 9, length 0") +
                            S("Flags [S.], seq 5000000, ack 1001, win 9, length 0") +
                            C("Flags [.], ack 1, win 9, length 0");
  int64_t number = 0;
  for (const absl::string_view line : absl::StrSplit(shake, '\n')) reader.Line(++number, line);
  reader.End();
  reader.Line(++number,
              "IP 10.0.0.5.1 > 10.0.0.9.2: Flags [P.], seq 77:78, ack 99, win 9, length 1");
  reader.End();
  ASSERT_THAT(recording.segments, SizeIs(4));
  EXPECT_EQ(recording.segments[2].segment.ack, 5000001u);
  EXPECT_EQ(recording.segments[3].segment.seq, 77u);
  EXPECT_EQ(recording.segments[3].segment.ack, 99u);
}

}  // namespace
}  // namespace tcpmedic
