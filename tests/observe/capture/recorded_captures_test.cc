// The corpus of tests/data/recorded: what tcpdump printed of a pcap, in each of its formats, reads
// as the segments that the pcap itself holds.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/unique_fd.h"
#include "observe/capture/capture_file.h"
#include "observe/capture/tcpdump_text.h"
#include "tests/observe/capture/collected_recording.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

CollectedRecording OfPcap(const fs::path& path) {
  CollectedRecording recording;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(ReadCapture(fd.get(), "", path.string(), &recording, [](int64_t) {}).ok());
  return recording;
}

struct TextResult {
  CollectedRecording recording;
  std::vector<std::string> not_tcpdump;
};

TextResult OfText(const fs::path& path) {
  TextResult result;
  TcpdumpTextReader reader(path.string(), &result.recording);
  std::ifstream in(path);
  int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    if (reader.Line(++number, line) == TcpdumpTextReader::Taken::kNotTcpdump) {
      result.not_tcpdump.push_back(line);
    }
  }
  reader.End();
  return result;
}

// The bases of numbers that a text left relative, by sender: tcpdump never printed them, but they
// must be the same for all segments. Makes `segment` absolute by them.
class Bases {
 public:
  void MakeAbsolute(const CapturedSegment& capture, CapturedSegment* segment) {
    if (!segment->relative) return;
    if (segment->seq.has_value()) {
      *segment->seq += Base(segment->src_port, *capture.seq - *segment->seq);
    }
    if (segment->ack.has_value()) {
      *segment->ack += Base(segment->dst_port, *capture.ack - *segment->ack);
    }
    segment->relative = false;
  }

 private:
  uint32_t Base(uint16_t sender_port, uint32_t base) {
    return bases_.emplace(sender_port, base).first->second;
  }
  std::map<uint16_t, uint32_t> bases_;
};

// All that both of them know, but for the time. What the text left out is taken from the capture.
std::string Words(const CapturedSegment& segment, const CapturedSegment& capture) {
  std::vector<std::string> sack;
  for (int i = 0; i < segment.sack_blocks; ++i) {
    sack.push_back(absl::StrCat(segment.sack[i].begin, ":", segment.sack[i].end));
  }
  const auto number = [](const auto& value) {
    return value.has_value() ? absl::StrCat(static_cast<uint32_t>(*value)) : std::string("-");
  };
  return absl::StrCat(
      EndpointText(segment.src_ip, segment.src_port), " > ",
      EndpointText(segment.dst_ip, segment.dst_port), " flags ", absl::Hex(segment.flags), " seq ",
      number(segment.seq.has_value() ? segment.seq : capture.seq), " ack ", number(segment.ack),
      " win ", segment.window, " length ", segment.payload_bytes, " mss ", number(segment.mss),
      " wscale ", number(segment.window_scale), " sackOK ", segment.sack_permitted, " TS ",
      number(segment.ts_val), " ", number(segment.ts_ecr), " sack ", absl::StrJoin(sack, ","),
      " tfo ", segment.fast_open, " ", segment.fast_open_cookie_bytes, " relative ",
      segment.relative, " cut ", segment.truncated);
}

struct Pair {
  fs::path pcap, text;
};

std::vector<Pair> Pairs() {
  std::vector<Pair> pairs;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(TCPMEDIC_SOURCE_DIR) / "tests/data/recorded")) {
    const std::string name = entry.path().filename();
    const size_t variant = name.find(".tcpdump-");
    if (variant == std::string::npos || !absl::EndsWith(name, ".txt")) continue;
    const fs::path pcap = entry.path().parent_path() / (name.substr(0, variant) + ".pcap");
    pairs.push_back({pcap, entry.path()});
  }
  return pairs;
}

TEST(RecordedCaptures, TextAndPcapHoldTheSameSegments) {
  const std::vector<Pair> pairs = Pairs();
  EXPECT_GT(pairs.size(), 100u);
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.text.string());
    const std::string name = pair.text.filename();
    if (absl::StrContains(name, ".tcpdump-q.")) {
      continue;
    }
    const CollectedRecording capture = OfPcap(pair.pcap);
    const TextResult text = OfText(pair.text);
    EXPECT_THAT(text.not_tcpdump, testing::IsEmpty());
    ASSERT_EQ(text.recording.segments.size(), capture.segments.size());
    // Its text without -S begins with an ACK whose seq is not shown.
    const bool may_be_relative = pair.pcap.parent_path().filename() == "sequence-wrap-mid-stream" &&
                                 !absl::StrContains(name, "-S");
    Bases bases;
    for (size_t i = 0; i < capture.segments.size(); ++i) {
      const CapturedSegment& a = capture.segments[i].segment;
      CapturedSegment b = text.recording.segments[i].segment;
      if (may_be_relative) bases.MakeAbsolute(a, &b);
      ASSERT_EQ(Words(b, a), Words(a, a)) << "segment " << i + 1;
      if (absl::StrContains(name, "-t-S.") || absl::StrContains(name, "-t.")) {
        EXPECT_FALSE(b.time.has_value());
        continue;
      }
      ASSERT_TRUE(b.time.has_value());
      const bool is_epoch = absl::StrContains(name, "-tt.") || absl::StrContains(name, "-tttt-");
      const bool counts_up = absl::StrContains(name, "-ttt.") || absl::StrContains(name, "-ttttt.");
      EXPECT_EQ(b.time_base, is_epoch    ? TimeBase::kEpoch
                             : counts_up ? TimeBase::kFirstPacket
                                         : TimeBase::kMidnight);
      if (is_epoch) {
        EXPECT_EQ(*b.time, *a.time);
      } else {
        EXPECT_EQ(*b.time - *text.recording.segments[0].segment.time,
                  *a.time - *capture.segments[0].segment.time);
      }
    }
    // Both leave out the same packets, for the same reasons.
    std::map<std::string, int64_t> of_pcap, of_text;
    for (const Unread& unread : capture.unread) of_pcap[unread.reason] += unread.lines;
    for (const Unread& unread : text.recording.unread) of_text[unread.reason] += unread.lines;
    EXPECT_EQ(of_text, of_pcap);
  }
}

TEST(RecordedCaptures, QuietTextIsUnreadWithItsReason) {
  for (const Pair& pair : Pairs()) {
    if (!absl::StrContains(pair.text.filename().string(), ".tcpdump-q.")) continue;
    SCOPED_TRACE(pair.text.string());
    const TextResult text = OfText(pair.text);
    EXPECT_THAT(text.recording.segments, testing::IsEmpty());
    EXPECT_THAT(text.not_tcpdump, testing::IsEmpty());
    ASSERT_FALSE(text.recording.unread.empty());
    EXPECT_EQ(text.recording.unread[0].reason, "tcpdump -q leaves out flags and numbers");
  }
}

}  // namespace
}  // namespace tcpmedic
