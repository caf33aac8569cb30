#include "diagnosis/socket_history.h"

#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {
namespace {

template <typename T>
std::optional<int64_t> Increase(std::optional<T> older, std::optional<T> newer) {
  if (!older.has_value() || !newer.has_value() || *newer < *older) return std::nullopt;
  return static_cast<int64_t>(*newer - *older);
}

template <typename T>
bool Backwards(std::optional<T> older, std::optional<T> newer) {
  return older.has_value() && newer.has_value() && *newer < *older;
}

bool AnyCounterBackwards(const SocketPoint& older, const SocketPoint& newer) {
  return Backwards(older.bytes_acked, newer.bytes_acked) ||
         Backwards(older.busy_us, newer.busy_us) ||
         Backwards(older.rwnd_limited_us, newer.rwnd_limited_us) ||
         Backwards(older.sndbuf_limited_us, newer.sndbuf_limited_us) ||
         Backwards(older.data_segments, newer.data_segments) ||
         Backwards(older.retransmits, newer.retransmits) || Backwards(older.dsacks, newer.dsacks) ||
         Backwards(older.reorderings, newer.reorderings);
}

void CountReading(const SocketPoint& before, SocketPoint* point) {
  point->readings = before.readings + 1;
  point->unsent_readings = before.unsent_readings;
  if (!point->segment_unsent.has_value()) {
    point->unsent_readings = std::nullopt;
  } else if (point->unsent_readings.has_value() && *point->segment_unsent) {
    ++*point->unsent_readings;
  }
}

}  // namespace

SocketPoint PointOf(const SocketSample& sample, Moment at) {
  SocketPoint point;
  point.at = at;
  point.bytes_acked = Info(sample, &tcp_info::tcpi_bytes_acked);
  point.busy_us = Info(sample, &tcp_info::tcpi_busy_time);
  point.rwnd_limited_us = Info(sample, &tcp_info::tcpi_rwnd_limited);
  point.sndbuf_limited_us = Info(sample, &tcp_info::tcpi_sndbuf_limited);
  point.data_segments = Info(sample, &tcp_info::tcpi_data_segs_out);
  point.retransmits = Info(sample, &tcp_info::tcpi_total_retrans);
  point.dsacks = Info(sample, &tcp_info::tcpi_dsack_dups);
  point.reorderings = Info(sample, &tcp_info::tcpi_reord_seen);
  const auto notsent_bytes = Info(sample, &tcp_info::tcpi_notsent_bytes);
  const auto mss_bytes = Info(sample, &tcp_info::tcpi_snd_mss);
  if (notsent_bytes.has_value() && mss_bytes.has_value()) {
    point.segment_unsent = *notsent_bytes > 0 && *notsent_bytes >= *mss_bytes;
  }
  point.rtt_us = RttUs(sample);
  point.cwnd_segments = Info(sample, &tcp_info::tcpi_snd_cwnd);
  point.ssthresh_segments = SsthreshSegments(sample);
  return point;
}

SocketDelta Between(const SocketPoint& older, const SocketPoint& newer) {
  SocketDelta delta;
  delta.span = newer.at.uptime - older.at.uptime;
  delta.bytes_acked = Increase(older.bytes_acked, newer.bytes_acked);
  delta.busy_us = Increase(older.busy_us, newer.busy_us);
  delta.rwnd_limited_us = Increase(older.rwnd_limited_us, newer.rwnd_limited_us);
  delta.sndbuf_limited_us = Increase(older.sndbuf_limited_us, newer.sndbuf_limited_us);
  delta.data_segments = Increase(older.data_segments, newer.data_segments);
  delta.retransmits = Increase(older.retransmits, newer.retransmits);
  delta.dsacks = Increase(older.dsacks, newer.dsacks);
  delta.reorderings = Increase(older.reorderings, newer.reorderings);
  delta.readings = static_cast<int64_t>(newer.readings) - older.readings;
  delta.unsent_readings = Increase(older.unsent_readings, newer.unsent_readings);
  return delta;
}

SocketDelta OverLifetime(const SocketSample& sample) {
  SocketDelta delta;
  delta.over = CountedOver::kLifetime;
  const auto take = [](auto counter) -> std::optional<int64_t> {
    if (!counter.has_value()) return std::nullopt;
    return static_cast<int64_t>(*counter);
  };
  delta.bytes_acked = take(Info(sample, &tcp_info::tcpi_bytes_acked));
  delta.busy_us = take(Info(sample, &tcp_info::tcpi_busy_time));
  delta.rwnd_limited_us = take(Info(sample, &tcp_info::tcpi_rwnd_limited));
  delta.sndbuf_limited_us = take(Info(sample, &tcp_info::tcpi_sndbuf_limited));
  if (const auto segments = DataSegmentsOf(sample)) {
    delta.data_segments = static_cast<int64_t>(segments->count);
  }
  delta.retransmits = take(Info(sample, &tcp_info::tcpi_total_retrans));
  delta.dsacks = take(Info(sample, &tcp_info::tcpi_dsack_dups));
  delta.reorderings = take(Info(sample, &tcp_info::tcpi_reord_seen));
  return delta;
}

void SocketHistory::Add(SocketPoint point, absl::Duration cover) {
  if (!points_.empty() && AnyCounterBackwards(newest(), point)) points_.Clear();
  if (points_.empty()) began_ = point.at;
  CountReading(points_.empty() ? SocketPoint() : newest(), &point);
  points_.Add(point, cover);
}

std::optional<SocketDelta> SocketHistory::Over(absl::Duration window) const {
  const SocketPoint* const older = points_.Before(window);
  if (older == nullptr) return std::nullopt;
  return Between(*older, newest());
}

}  // namespace tcpmedic
