// What the engine remembers of one suspect socket: a bounded ring of the few counters and gauges
// that windows and measurements are made of. Pure; not thread-safe.
//
// A rate is taken over the span that was really observed, from the newest point that is old enough
// (full_span.h). Where scans were stretched or missed, that is longer than the window, and the
// evidence's basis says so.
#ifndef TCPMEDIC_DIAGNOSIS_SOCKET_HISTORY_H_
#define TCPMEDIC_DIAGNOSIS_SOCKET_HISTORY_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "core/clock.h"
#include "diagnosis/evidence.h"
#include "diagnosis/point_ring.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// One reading. Counters (upper half) only grow while a connection lives.
struct SocketPoint {
  Moment at;
  std::optional<uint64_t> bytes_acked;
  std::optional<uint64_t> busy_us;
  std::optional<uint64_t> rwnd_limited_us;
  std::optional<uint64_t> sndbuf_limited_us;
  std::optional<uint32_t> data_segments;
  std::optional<uint32_t> retransmits;
  std::optional<uint32_t> dsacks;
  std::optional<uint32_t> reorderings;

  // Whether at least a whole segment was written by the program and not sent yet. Less than that
  // may be waiting for an ACK only (Nagle's algorithm), whatever the window.
  std::optional<bool> segment_unsent;
  std::optional<uint32_t> rtt_us;
  std::optional<uint32_t> cwnd_segments;
  std::optional<uint32_t> ssthresh_segments;

  // Counted by SocketHistory, also over points that it has thinned out: the readings since it
  // began, and those of them with a segment waiting. Unset once a reading did not report it.
  uint32_t readings = 0;
  std::optional<uint32_t> unsent_readings = 0;
};
SocketPoint PointOf(const SocketSample& sample, Moment at);

// By how much the counters moved between two points. Not reported in either: nullopt.
struct SocketDelta {
  CountedOver over = CountedOver::kWindow;
  absl::Duration span;  // zero where it is not known: then nothing is per second
  std::optional<int64_t> bytes_acked;
  std::optional<int64_t> busy_us;
  std::optional<int64_t> rwnd_limited_us;
  std::optional<int64_t> sndbuf_limited_us;
  std::optional<int64_t> data_segments;
  std::optional<int64_t> retransmits;
  std::optional<int64_t> dsacks;
  std::optional<int64_t> reorderings;
  std::optional<int64_t> readings;         // after the older one, up to and with the newer
  std::optional<int64_t> unsent_readings;  // of these, with a segment waiting to be sent
};
SocketDelta Between(const SocketPoint& older, const SocketPoint& newer);
// What one sample says: since the connection began. How often a segment waited to be sent takes
// several readings, and is not known.
SocketDelta OverLifetime(const SocketSample& sample);

class SocketHistory {
 public:
  static constexpr size_t kMaxPoints = PointRing<SocketPoint>::kMaxPoints;  // about 3 KB

  // Adds the newest point and forgets what is not needed to look `cover` back. A counter that went
  // backwards (the socket was disconnected and connected again, or 32 bits wrapped) begins a new
  // history.
  void Add(SocketPoint point, absl::Duration cover);

  // Over the newest points that are `window` apart; nullopt before the window is full.
  std::optional<SocketDelta> Over(absl::Duration window) const;

  size_t size() const { return points_.size(); }
  // From the oldest (0) to the newest (size() - 1).
  const SocketPoint& at(size_t i) const { return points_.at(i); }
  const SocketPoint& newest() const { return points_.newest(); }
  // When this history began, even if that point is forgotten by now. Requires size() > 0.
  Moment began() const { return began_; }

 private:
  PointRing<SocketPoint> points_;
  Moment began_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SOCKET_HISTORY_H_
