// The tracker against tshark, on the captures of tests/data/recorded: which segment is of which
// connection, its length and its relative numbers. (What a segment is beyond its flags:
// recorded_traces_test.cc.) tshark itself is not run: scripts/record-traces has kept what it said.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "diagnosis/trace/connection.h"
#include "diagnosis/trace/tracker.h"
#include "tests/diagnosis/trace/recorded_traces.h"

namespace tcpmedic {
namespace {

// What tshark said of one frame: a line of a .tshark.txt.
struct Frame {
  int64_t number = 0;
  std::string stream;
  std::optional<uint32_t> rel_seq, rel_ack, length;
};

std::vector<Frame> FramesOf(const std::string& labels) {
  std::vector<Frame> frames;
  std::ifstream in(RecordedPath(labels));
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "#") || words.size() < 6 || words[1] == "-") continue;
    const auto number = [&](size_t at) -> std::optional<uint32_t> {
      uint32_t value = 0;
      if (!absl::SimpleAtoi(words[at], &value)) return std::nullopt;
      return value;
    };
    Frame frame;
    EXPECT_TRUE(absl::SimpleAtoi(words[0], &frame.number)) << line;
    frame.stream = words[1];
    frame.rel_seq = number(2);
    frame.rel_ack = number(3);
    frame.length = number(4);
    frames.push_back(std::move(frame));
  }
  return frames;
}

// tshark gives up on fragments that the snaplen cut, and reads the TCP header that an ICMP message
// quotes; an end that is both ends has no direction.
bool IsComparable(const std::string& capture) {
  return !absl::StartsWith(capture, "ipv4-fragments/") &&
         !absl::StartsWith(capture, "syn-answered-by-icmp/") &&
         !absl::StartsWith(capture, "self-connect/");
}

TEST(Tshark, GivesEachSegmentTheSameConnectionAndNumbers) {
  int compared = 0;
  for (const std::string& labels : RecordedFiles(".tshark.txt")) {
    std::string capture = labels.substr(0, labels.size() - std::string(".tshark.txt").size());
    capture += std::filesystem::exists(RecordedPath(capture + ".pcap")) ? ".pcap" : ".pcapng";
    if (!IsComparable(capture)) continue;
    SCOPED_TRACE(capture);
    const TraceResult result = TraceOfCapture(capture);
    std::map<int64_t, std::pair<const TrackedConnection*, const TrackedSegment*>> ours;
    for (const TrackedConnection& connection : result.connections) {
      for (const TrackedSegment& segment : connection.segments) {
        ours[segment.number] = {&connection, &segment};
      }
    }
    std::map<std::string, const TrackedConnection*> streams;
    for (const Frame& frame : FramesOf(labels)) {
      ASSERT_TRUE(ours.contains(frame.number)) << frame.number;
      const auto& [connection, segment] = ours[frame.number];
      EXPECT_EQ(streams.try_emplace(frame.stream, connection).first->second, connection)
          << "frame " << frame.number << " is of another connection";
      EXPECT_EQ(segment->payload_bytes, frame.length) << frame.number;
      // Without both handshake segments tshark's numbers are relative to something else.
      if (connection->start_captured && connection->totals.syn_acks > 0 && segment->rel_ack) {
        EXPECT_EQ(segment->rel_seq, frame.rel_seq) << frame.number;
        EXPECT_EQ(segment->rel_ack, frame.rel_ack) << frame.number;
      }
      ++compared;
    }
    EXPECT_EQ(streams.size(), result.connections.size());
  }
  EXPECT_GT(compared, 2000);
}

}  // namespace
}  // namespace tcpmedic
