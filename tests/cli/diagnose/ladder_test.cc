#include "cli/diagnose/ladder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cli/diagnose/diagnosis_examples.h"
#include "tests/cli/golden.h"

namespace tcpmedic::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr Style kStyle = {};

TEST(Ladder, DrawsAHandshake) {
  ExpectGolden("diagnose_ladder_handshake.txt", Joined(LadderLines(Handshake(), kStyle, 24)));
}

TEST(Ladder, DrawsLongAddressesOnLinesOfTheirOwn) {
  ExpectGolden("diagnose_ladder_refused.txt", Joined(LadderLines(Refused(), kStyle, 24)));
}

TEST(Ladder, ShowsOfALongTransferItsEndsAndWhatThereIsToSayAbout) {
  const std::vector<std::string> lines = LadderLines(LongTransfer(100), kStyle, 16);

  EXPECT_THAT(lines, Contains(HasSubstr("Sent again: it was lost.")));
  // 3 and 200 segments: 8 first, 4 last, one with a note (two of those lie among the first).
  EXPECT_THAT(lines, Contains(HasSubstr("⋮ 95 segments not shown")));
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return line.find("▶") != std::string::npos ||
                                   line.find("◀") != std::string::npos;
                          }),
            13);
}

TEST(Ladder, CountsWhatTheTrackerDidNotKeepBetweenItsHalves) {
  TrackedConnection connection = LongTransfer(2);
  connection.segments_left_out = 1'000'000;
  const std::vector<std::string> lines = LadderLines(connection, kStyle, 24);

  EXPECT_THAT(lines, Contains(HasSubstr("⋮ 1,000,000 segments not shown")));
}

TEST(Ladder, NumbersSegmentsWithoutTimes) {
  TrackedConnection connection = Handshake();
  for (TrackedSegment& segment : connection.segments) segment.time.reset();

  EXPECT_THAT(LadderLines(connection, kStyle, 24), Contains(HasSubstr("#4  ESTABLISHED")));
}

TEST(Ladder, IsNoWiderThanTheTerminal) {
  Style narrow;
  for (const int width : {60, 72, 80, 100, 1000}) {
    narrow.width = width;
    for (const TrackedConnection& connection : {Handshake(), Refused(), LongTransfer(40)}) {
      for (const std::string& line : LadderLines(connection, narrow, 16)) {
        EXPECT_LE(Columns(line), std::min(width, kLadderColumns)) << line;
      }
    }
  }
}

TEST(Ladder, SaysNumbersRelativeToTheIsnAndAsTheyAre) {
  const TrackedConnection connection = Handshake();

  EXPECT_EQ(SegmentText(connection.segments[0], 60), "SYN  ISN 1000000");
  EXPECT_EQ(SegmentText(connection.segments[1], 60), "SYN-ACK  ISN 4200000  ack +1 (1000001)");
  EXPECT_EQ(SegmentText(connection.segments[2], 60), "ACK  ack +1 (4200001)");
  EXPECT_EQ(SegmentText(connection.segments[3], 60),
            "14 bytes  seq +1 (1000001)  ack +1 (4200001)");
  EXPECT_EQ(SegmentText(connection.segments[3], 30), "14 bytes  seq +1  ack +1");
}

TEST(Ladder, SaysWhatIsKnownOfAConnectionWithoutItsStart) {
  TrackedSegment segment;
  segment.flags = kAck | kFin;
  segment.seq = 77;
  segment.ack = 88;
  EXPECT_EQ(SegmentText(segment, 60), "FIN  seq 77  ack 88");

  // tcpdump's relative numbers of a connection whose first packet the text does not show.
  segment.seq.reset();
  segment.rel_seq = 5;
  segment.ack.reset();
  segment.rel_ack = 6;
  EXPECT_EQ(SegmentText(segment, 60), "FIN  seq +5  ack +6");
}

TEST(Ladder, WritesFlagsAsTcpdumpDoes) {
  EXPECT_EQ(FlagText(kSyn), "S");
  EXPECT_EQ(FlagText(kSyn | kAck), "S.");
  EXPECT_EQ(FlagText(kPsh | kAck), "P.");
  EXPECT_EQ(FlagText(kFin | kPsh | kAck), "FP.");
  EXPECT_EQ(FlagText(kSyn | kEce | kCwr), "SEW");
  EXPECT_EQ(FlagText(0), "none");
}

TEST(Ladder, DoesNotObeyWhatANoteSays) {
  TrackedConnection connection = Handshake();
  connection.segments[0].note = "\x1b[2Jgone";

  EXPECT_THAT(Joined(LadderLines(connection, kStyle, 24)), Not(HasSubstr("\x1b[2J")));
}

TEST(Ladder, OfNoSegmentsIsItsHead) {
  TrackedConnection connection = Handshake();
  connection.segments.clear();

  EXPECT_THAT(LadderLines(connection, kStyle, 24), SizeIs(1));
}

}  // namespace
}  // namespace tcpmedic::cli
