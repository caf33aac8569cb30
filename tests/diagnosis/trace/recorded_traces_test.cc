// The recorded traces (tests/data/recorded): Wireshark's labels beside the tracker's, and tcpdump's
// text beside the capture that it was printed from.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "diagnosis/trace/trace_words.h"
#include "diagnosis/trace/tracker.h"
#include "observe/capture/capture_file.h"
#include "observe/capture/tcpdump_text.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;
using Labels = std::set<std::string>;

class TrackingSink : public RecordingSink {
 public:
  void OnCommand(const RecordedCommand&) override {}
  void OnSocket(const RecordedSocket&) override {}
  void OnCounter(const RecordedCounter&) override {}
  void OnCount(const RecordedCount&) override {}
  void OnProcess(const RecordedProcess&) override {}
  void OnUnread(const Unread&) override {}
  void OnSegment(const Place& place, const CapturedSegment& segment) override {
    tracker_.Observe("trace", place.line, segment);
  }
  TraceResult Result() const { return tracker_.Result(); }

 private:
  Tracker tracker_;
};

TraceResult OfCapture(const fs::path& path) {
  TrackingSink sink;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_GE(fd, 0) << path;
  const absl::Status status = ReadCapture(fd, "", path.string(), &sink, [](int64_t) {});
  EXPECT_TRUE(status.ok()) << status;
  close(fd);
  return sink.Result();
}

TraceResult OfText(const fs::path& path) {
  TrackingSink sink;
  TcpdumpTextReader reader(path.string(), &sink);
  std::ifstream text(path);
  std::string line;
  for (int64_t number = 1; std::getline(text, line); ++number) reader.Line(number, line);
  reader.End();
  return sink.Result();
}

std::vector<fs::path> Captures() {
  std::vector<fs::path> captures;
  const fs::path recorded = fs::path(TCPMEDIC_SOURCE_DIR) / "tests/data/recorded";
  for (const auto& entry : fs::recursive_directory_iterator(recorded)) {
    if (entry.path().extension() == ".pcap") captures.push_back(entry.path());
  }
  std::sort(captures.begin(), captures.end());
  return captures;
}

fs::path Beside(const fs::path& capture, absl::string_view suffix) {
  return capture.parent_path() / absl::StrCat(capture.stem().string(), std::string(suffix));
}

std::string CaseOf(const fs::path& capture) {
  return absl::StrCat(capture.parent_path().filename().string(), "/", capture.stem().string());
}

// The four kinds on which the two must agree, of a segment.
Labels OurLabels(const TrackedSegment& segment) {
  Labels labels;
  for (const SegmentEvent event : segment.events) {
    switch (event) {
      case SegmentEvent::kSynRetransmitted:
      case SegmentEvent::kSynAckRetransmitted:
      case SegmentEvent::kRetransmission:
      case SegmentEvent::kSpuriousRetransmission:
        labels.insert("retransmission");
        break;
      case SegmentEvent::kOutOfOrder:
        labels.insert("out_of_order");
        break;
      case SegmentEvent::kZeroWindow:
        labels.insert("zero_window");
        break;
      case SegmentEvent::kKeepAlive:
        labels.insert("keep_alive");
        break;
      // Where Wireshark sees a keep-alive into a closed window: DECISIONS.md, 47.
      case SegmentEvent::kZeroWindowProbe:
        labels.insert("keep_alive");
        break;
      default:
        break;
    }
  }
  return labels;
}

// By frame.
std::map<int64_t, Labels> WiresharkLabels(const fs::path& path) {
  const Labels compared = {"retransmission", "out_of_order", "zero_window", "keep_alive"};
  std::map<int64_t, Labels> by_frame;
  std::ifstream text(path);
  std::string line;
  while (std::getline(text, line)) {
    if (absl::StartsWith(line, "#")) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
    int64_t frame = 0;
    if (words.size() < 6 || !absl::SimpleAtoi(words[0], &frame)) continue;
    for (size_t i = 6; i < words.size(); ++i) {
      if (compared.contains(words[i])) by_frame[frame].insert(words[i]);
    }
  }
  return by_frame;
}

// Case and frame, Wireshark's, ours. DECISIONS.md, 47, says why.
const std::map<std::string, std::pair<std::string, std::string>> kDisagreements = {
    // Stamped anew, or seen before: sent again, however soon.
    {"bulk-lossy/client 76", {"out_of_order", "retransmission"}},
    {"bulk-lossy/client 77", {"out_of_order", "retransmission"}},
    {"bulk-lossy/server 75", {"out_of_order", "retransmission"}},
    {"bulk-lossy/server 104", {"out_of_order", "retransmission"}},
    // Stamped before what overtook it: not sent again.
    {"reordering-taken-for-loss/server 19", {"retransmission", "out_of_order"}},
    // Data of a SYN that the SYN-ACK did not take.
    {"fast-open-cookie-rejected/server 11", {"retransmission", ""}},
    // SYN-ACKs that answer a SYN.
    {"simultaneous-open/client 3", {"retransmission", ""}},
    {"simultaneous-open/client 4", {"retransmission", ""}},
    {"simultaneous-open/server 3", {"retransmission", ""}},
    {"simultaneous-open/server 4", {"retransmission", ""}},
    {"self-connect/client 2", {"retransmission", ""}},
    // Captured twice, within microseconds.
    {"mirrored-twice/mirror 4", {"retransmission", ""}},
    {"mirrored-twice/mirror 6", {"retransmission", ""}},
    {"mirrored-twice/mirror 10", {"retransmission", ""}},
    {"mirrored-twice/mirror 14", {"retransmission", ""}},
    {"mirrored-twice/mirror 18", {"retransmission", ""}},
    {"mirrored-twice/mirror 20", {"retransmission", ""}},
};

TEST(RecordedTraces, TrackerAgreesWithWireshark) {
  int compared = 0;
  std::set<std::string> disagreed;
  for (const fs::path& capture : Captures()) {
    const fs::path labels = Beside(capture, ".tshark.txt");
    if (!fs::exists(labels)) continue;
    std::map<int64_t, Labels> theirs = WiresharkLabels(labels);
    for (const TrackedConnection& connection : OfCapture(capture).connections) {
      for (const TrackedSegment& segment : connection.segments) {
        const std::string name = absl::StrCat(CaseOf(capture), " ", segment.number);
        const std::string wireshark = absl::StrJoin(theirs[segment.number], " ");
        const std::string ours = absl::StrJoin(OurLabels(segment), " ");
        ++compared;
        if (const auto known = kDisagreements.find(name); known != kDisagreements.end()) {
          EXPECT_EQ(wireshark, known->second.first) << name;
          EXPECT_EQ(ours, known->second.second) << name;
          disagreed.insert(name);
        } else {
          EXPECT_EQ(ours, wireshark) << name << ": " << segment.note;
        }
      }
    }
  }
  EXPECT_GT(compared, 1000);
  EXPECT_EQ(disagreed.size(), kDisagreements.size());
}

// What both must show. Window and time are not in each text, nor are the numbers of a connection
// whose start it does not have, without -S.
std::string Shown(const TrackedConnection& connection, bool with_numbers) {
  std::string shown = absl::StrCat(EndpointText(connection.client.ip, connection.client.port), " ",
                                   EndpointText(connection.server.ip, connection.server.port), " ",
                                   Name(connection.outcome), " ", connection.summary, "\n");
  const auto number = [](std::optional<uint32_t> each) {
    return each ? absl::StrCat(*each) : std::string("-");
  };
  if (with_numbers) {
    absl::StrAppend(&shown, "ISN ", number(connection.client_isn), " ",
                    number(connection.server_isn), " data ", number(connection.first_data_seq),
                    " RTT ", connection.handshake_rtt ? WaitText(*connection.handshake_rtt) : "-",
                    "\n");
  }
  for (const TrackedSegment& segment : connection.segments) {
    absl::StrAppend(&shown, segment.from_client ? "C " : "S ", segment.flags, " ",
                    segment.payload_bytes, " ", Name(segment.client_state), " ",
                    Name(segment.server_state));
    if (with_numbers && segment.payload_bytes > 0 && segment.seq) {
      absl::StrAppend(&shown, " seq ", *segment.seq);
    }
    const bool text_has_seq =
        segment.payload_bytes > 0 || (segment.flags & (kSyn | kFin | kRst)) != 0;
    if (with_numbers && text_has_seq) absl::StrAppend(&shown, " rel ", number(segment.rel_seq));
    if (with_numbers && segment.ack) {
      absl::StrAppend(&shown, " ack ", *segment.ack, " ", number(segment.rel_ack));
    }
    // Of a keep-alive without data the text says no seq.
    if (with_numbers) {
      absl::StrAppend(&shown, " | ",
                      absl::StrReplaceAll(segment.note, {{"one before the next number, ", ""}}),
                      " |");
    }
    for (const SegmentEvent event : segment.events) absl::StrAppend(&shown, " ", Name(event));
    absl::StrAppend(&shown, "\n");
  }
  return shown;
}

TEST(RecordedTraces, TcpdumpsTextGivesTheSameConnections) {
  int compared = 0;
  for (const fs::path& capture : Captures()) {
    const TraceResult of_capture = OfCapture(capture);
    for (const absl::string_view kind : {".tcpdump-nn-S-tt.txt", ".tcpdump-n.txt"}) {
      const fs::path text = Beside(capture, kind);
      if (!fs::exists(text)) continue;
      const TraceResult of_text = OfText(text);
      ASSERT_EQ(of_text.connections.size(), of_capture.connections.size()) << text;
      for (size_t i = 0; i < of_text.connections.size(); ++i) {
        const TrackedConnection& captured = of_capture.connections[i];
        const bool with_numbers = captured.start_captured || absl::StrContains(kind, "-S");
        EXPECT_EQ(Shown(of_text.connections[i], with_numbers), Shown(captured, with_numbers))
            << text;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace tcpmedic
