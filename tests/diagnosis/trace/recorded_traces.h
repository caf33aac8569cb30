// What the tracker, and what tshark, makes of the traces under tests/data/recorded.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_TRACE_RECORDED_TRACES_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_TRACE_RECORDED_TRACES_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "diagnosis/trace/tracker.h"

namespace tcpmedic {

// The files whose names end so, sorted, as paths under tests/data/recorded: "vlan/mirror.pcap".
std::vector<std::string> RecordedFiles(absl::string_view ending);

// Where `name` is under this source tree.
std::string RecordedPath(absl::string_view name);

// Of a pcap or pcapng, and of tcpdump's text. `name` as RecordedFiles gives it. What cannot be read
// fails the test.
TraceResult TraceOfCapture(const std::string& name);
TraceResult TraceOfText(const std::string& name);

// What tshark said of one frame: a line of a .tshark.txt.
struct TsharkFrame {
  int64_t number = 0;
  // "-" where the frame is of no TCP stream.
  std::string stream;
  std::optional<uint32_t> rel_seq, rel_ack, length;
  // Of tcp.analysis: "retransmission", "duplicate_ack", ….
  std::set<std::string> labels;
};
std::vector<TsharkFrame> TsharkFrames(const std::string& name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_TRACE_RECORDED_TRACES_H_
