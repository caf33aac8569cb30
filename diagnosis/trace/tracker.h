// Follows every TCP connection of a trace, segment by segment. Pure; not thread-safe. Memory is
// bounded: of a connection the first and the last segments are kept, of connections those that are
// still open and, of ended ones, those that tell most; all are counted.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_TRACKER_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_TRACKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "diagnosis/trace/connection.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

struct TrackerOptions {
  int max_segments_per_connection = 2000;  // half of them the first, half the last
  int max_connections = 10'000;            // kept whole; beyond that an ended one is only counted
  // The capture's filter shows only segments with SYN set ("tcp[tcpflags] & tcp-syn != 0"): neither
  // the ACK that ends a handshake nor data can be seen, and nothing follows from their absence.
  bool only_syns_shown = false;
};

struct TraceResult {
  std::vector<TrackedConnection> connections;  // in the order of their first segments
  int64_t connections_seen = 0;
  int64_t connections_left_out = 0;  // counted below, but not listed
  int64_t segments = 0;
  // By outcome, of all connections: index is static_cast<size_t>(Outcome).
  std::vector<int64_t> by_outcome;
  // First to last, where segments carry times.
  std::optional<absl::Duration> span;
};

class Tracker {
 public:
  explicit Tracker(TrackerOptions options = {});
  ~Tracker();
  // In the order of the capture. `number` as Place::line; `input` as Place::input: connections do
  // not reach over inputs.
  void Observe(absl::string_view input, int64_t number, const CapturedSegment& segment);
  // All that was seen until now. The tracker can go on.
  TraceResult Result() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_TRACKER_H_
