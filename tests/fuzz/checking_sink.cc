#include "tests/fuzz/checking_sink.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "observe/printable.h"
#include "observe/recorded/unread_runs.h"

namespace tcpmedic {
namespace {

constexpr int64_t kTcpdumpReasons = 1000;  // its reader lists by itself, once per reason

void Check(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "a reader broke its word: %s\n", what);
  abort();
}

void CheckText(const std::string& text, const char* what) { Check(Printable(text) == text, what); }

}  // namespace

void CheckingSink::CheckPlace(const Place& place, int64_t least) const {
  Check(place.line >= least && place.line <= lines_, "a place outside the input");
}

void CheckingSink::OnCommand(const RecordedCommand& command) {
  CheckPlace(command.place, 1);
  CheckText(command.text, "a command with control characters");
}

void CheckingSink::OnSocket(const RecordedSocket& socket) {
  CheckPlace(socket.place, 1);
  Check(Name(socket.sample.state) != "unknown", "a state that there is not");
  Check(socket.sample.congestion_control.back() == '\0', "a congestion control without its end");
  Check(!socket.stated_bps.has_value() ||
            (std::isfinite(*socket.stated_bps) && *socket.stated_bps >= 0),
        "a rate that is no number");
  Check(socket.processes.size() <= 64, "more holders than are kept");
  for (const v1::Process& process : socket.processes) {
    CheckText(process.comm(), "a name with control characters");
    Check(process.pid() > 0, "a pid that there is not");
  }
}

void CheckingSink::OnCounter(const RecordedCounter& counter) {
  CheckPlace(counter.place, 1);
  Check(!counter.name.empty(), "a counter without a name");
}

void CheckingSink::OnCount(const RecordedCount& count) {
  CheckPlace(count.place, 1);
  Check(count.count >= 0 && !count.state.empty(), "a count of nothing");
}

void CheckingSink::OnProcess(const RecordedProcess& process) {
  CheckPlace(process.place, 1);
  Check(process.process.pid() > 0, "a pid that there is not");
  CheckText(process.remark, "a remark with control characters");
  CheckText(process.process.comm(), "a name with control characters");
  Check(process.process.cmdline_size() <= 64, "more arguments than are kept");
  std::string bytes;
  Check(process.process.SerializeToString(&bytes), "a process that protobuf does not take");
}

void CheckingSink::OnSegment(const Place& place, const CapturedSegment& segment) {
  CheckPlace(place, 1);
  Check(segment.sack_blocks <= segment.sack.size(), "more SACK blocks than there is room for");
}

void CheckingSink::OnRelated(const Place& place, const RelatedPacket& related) {
  CheckPlace(place, 1);
  Check(related.error <= IcmpError::kReassemblyTimeExceeded, "an ICMP error that there is not");
}

void CheckingSink::OnUnread(const Unread& unread) {
  CheckPlace(unread.place, 0);
  CheckText(unread.excerpt, "an excerpt with control characters");
  Check(unread.excerpt.size() <= 80, "an excerpt of more than 80 bytes");
  Check(!unread.reason.empty() && unread.lines >= 1, "unread for no reason");
  Check(++unread_ <= UnreadRuns::kMaxRuns + kTcpdumpReasons, "unread without bound");
}

int64_t LinesIn(absl::string_view text) {
  const int64_t ends = std::count(text.begin(), text.end(), '\n');
  return !text.empty() && text.back() != '\n' ? ends + 1 : ends;
}

void ForEachLine(absl::string_view text,
                 absl::FunctionRef<void(int64_t number, absl::string_view line)> take) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    take(number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace tcpmedic
