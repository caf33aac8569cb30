#include "tests/diagnosis/trace/recorded_traces.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/unique_fd.h"
#include "observe/capture/capture_file.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

// Hands every segment to a tracker.
class Tracked : public RecordingSink {
 public:
  explicit Tracked(absl::string_view name) {
    // What the filter was is known to the case, not to the capture.
    if (absl::StartsWith(name, "handshake-only-syns-captured/") ||
        absl::StartsWith(name, "syn-flood-absorbed/")) {
      tracker_.ShowsOnlySyns("");
    }
  }
  void OnCommand(const RecordedCommand&) override {}
  void OnSocket(const RecordedSocket&) override {}
  void OnCounter(const RecordedCounter&) override {}
  void OnCount(const RecordedCount&) override {}
  void OnProcess(const RecordedProcess&) override {}
  void OnSegment(const Place& place, const CapturedSegment& segment) override {
    tracker_.Observe("", place.line, segment);
  }
  void OnUnread(const Unread&) override {}

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

}  // namespace tcpmedic
