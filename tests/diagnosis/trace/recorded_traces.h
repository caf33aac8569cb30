// What the tracker makes of the captures under tests/data/recorded.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_TRACE_RECORDED_TRACES_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_TRACE_RECORDED_TRACES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "diagnosis/trace/tracker.h"

namespace tcpmedic {

// The files whose names end so, sorted, as paths under tests/data/recorded: "vlan/mirror.pcap".
std::vector<std::string> RecordedFiles(absl::string_view ending);

// Where `name` is under this source tree.
std::string RecordedPath(absl::string_view name);

// `name` as RecordedFiles gives it. What cannot be read fails the test.
TraceResult TraceOfCapture(const std::string& name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_TRACE_RECORDED_TRACES_H_
