// Follows every TCP connection of a trace, segment by segment. Pure; not thread-safe. Memory is
// bounded: of a connection the first and the last segments are kept, of connections those that tell
// most; all are counted. With the options' defaults, `tcpmedic diagnose` as a whole was measured to
// take 94 MB for 1 GB of 200 connections, and 327 MB where as many as are followed (100'000) are
// open at the same time.
//
// Whose state a segment changes: its sender's, since it was sent, and its receiver's, since what
// the trace shows is taken as delivered, as the figures of RFC 9293 §3.5 and §3.6 draw it. What
// comes later shows otherwise, and then the states after the earlier segment are put right, so that
// none ever goes backwards and no end sends what it could not send in its state:
// - An answer that does not know of a segment: that had not arrived, with all that was in it.
// - A segment sent again before its ACK was captured: the first was lost, or its ACK. Unknown,
//   unless the echoed timestamp, or a D-SACK, names the one that arrived.
// - One sent again after its ACK was captured: that ACK had not reached its sender.
// - A RST without an ACK (§3.10.7.1): its sender had no socket when it got what it answers.
// Not taken as delivered: a SYN that nobody answered, a SYN-ACK until the client acknowledges it,
// an ACK to a server that sent its SYN-ACK again after one, and a RST after keep-alives that nobody
// answered. An end of a connection whose start was not captured counts as ESTABLISHED once it
// sends; where one direction alone was captured, both ends are unknown from a FIN on.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_TRACKER_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_TRACKER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "diagnosis/trace/connection.h"
#include "observe/capture/related_packet.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

struct TrackerOptions {
  int max_segments_per_connection = 2000;  // half of them the first, half the last
  // Over all connections. Once that many are kept, a connection keeps its first and last eight.
  int max_segments = 100'000;
  int max_connections = 10'000;  // listed; beyond that one is only counted
  // Followed at the same time. Beyond that one is given up: an ended one first, then the one that
  // has been silent for longest. What it sends later counts as a connection of its own.
  int max_followed = 100'000;
};

struct TraceResult {
  std::vector<TrackedConnection> connections;  // in the order of their first segments
  int64_t connections_seen = 0;
  int64_t connections_left_out = 0;  // counted below, but not listed
  int64_t segments = 0;
  int64_t icmp_elsewhere = 0;  // errors about connections of which the trace shows nothing
  // By outcome, of all connections: index is static_cast<size_t>(Outcome).
  std::vector<int64_t> by_outcome;
  // First to last of one input, the longest, where segments carry times.
  std::optional<absl::Duration> span;
};

class Tracker {
 public:
  explicit Tracker(TrackerOptions options = {});
  ~Tracker();
  // In the order of the capture. `number` as Place::line; `input` as Place::input: connections do
  // not reach over inputs.
  void Observe(absl::string_view input, int64_t number, const CapturedSegment& segment);
  // A later fragment is taken for the newest connection between its addresses, an ICMP error for
  // the newest of its ports, or of its addresses where it names no more.
  void ObserveRelated(absl::string_view input, int64_t number, const RelatedPacket& related);
  // The capture's filter shows only segments with SYN set ("tcp[tcpflags] & tcp-syn != 0"): neither
  // the ACK that ends a handshake nor data nor a RST can be seen in this input, and nothing follows
  // from their absence. May be called before or after its segments.
  void ShowsOnlySyns(absl::string_view input);
  // All that was seen until now. The tracker can go on.
  TraceResult Result() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_TRACKER_H_
