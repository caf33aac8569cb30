#include "tests/diagnosis/trace/recorded_traces.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/unique_fd.h"
#include "observe/capture/capture_file.h"
#include "observe/capture/tcpdump_text.h"
#include "tests/observe/recorded/ignoring_sink.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

// Hands every segment to a tracker.
class Tracked : public IgnoringSink {
 public:
  explicit Tracked(absl::string_view name) {
    // What the filter was is known to the case, not to the capture.
    if (absl::StartsWith(name, "handshake-only-syns-captured/") ||
        absl::StartsWith(name, "syn-flood-absorbed/")) {
      tracker_.ShowsOnlySyns("");
    }
  }
  void OnSegment(const Place& place, const CapturedSegment& segment) override {
    tracker_.Observe("", place.line, segment);
  }
  void OnRelated(const Place& place, const RelatedPacket& related) override {
    tracker_.ObserveRelated("", place.line, related);
  }

  TraceResult Result() const { return tracker_.Result(); }

 private:
  Tracker tracker_;
};

}  // namespace

std::string RecordedPath(absl::string_view name) {
  return absl::StrCat(TCPMEDIC_SOURCE_DIR, "/tests/data/recorded/", name);
}

std::vector<std::string> RecordedFiles(absl::string_view ending) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(RecordedPath(""))) {
    const std::string name = fs::relative(entry.path(), RecordedPath(""));
    if (absl::EndsWith(name, ending)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TraceResult TraceOfCapture(const std::string& name) {
  Tracked tracked(name);
  const UniqueFd fd(open(RecordedPath(name).c_str(), O_RDONLY | O_CLOEXEC));
  const absl::Status status = ReadCapture(fd.get(), "", name, &tracked, [](int64_t) {});
  EXPECT_TRUE(status.ok()) << status;
  return tracked.Result();
}

TraceResult TraceOfText(const std::string& name) {
  Tracked tracked(name);
  TcpdumpTextReader reader(name, &tracked);
  std::ifstream text(RecordedPath(name));
  EXPECT_TRUE(text.good()) << name;
  std::string line;
  for (int64_t number = 1; std::getline(text, line); ++number) reader.Line(number, line);
  reader.End();
  return tracked.Result();
}

std::vector<TsharkFrame> TsharkFrames(const std::string& name) {
  std::vector<TsharkFrame> frames;
  std::ifstream in(RecordedPath(name));
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
    if (absl::StartsWith(line, "#") || words.size() < 6) continue;
    const auto number = [&](size_t at) -> std::optional<uint32_t> {
      uint32_t value = 0;
      if (!absl::SimpleAtoi(words[at], &value)) return std::nullopt;
      return value;
    };
    TsharkFrame frame;
    EXPECT_TRUE(absl::SimpleAtoi(words[0], &frame.number)) << line;
    frame.stream = words[1];
    frame.rel_seq = number(2);
    frame.rel_ack = number(3);
    frame.length = number(4);
    frame.labels.insert(words.begin() + 6, words.end());
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace tcpmedic
