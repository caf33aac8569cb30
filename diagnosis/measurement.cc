#include "diagnosis/measurement.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "diagnosis/evidence.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

const SocketHistory& SeenLongest(absl::Span<const SocketHistory* const> sockets) {
  return **std::min_element(sockets.begin(), sockets.end(),
                            [](const SocketHistory* a, const SocketHistory* b) {
                              return a->began().uptime < b->began().uptime;
                            });
}

// The first sample of the span: the newest that makes it kMeasuredSpan long, else the first after
// settling, else the first of all. NullOpt: there is none since `not_before`.
std::optional<Moment> Start(const SocketHistory& history, absl::Duration not_before, Moment now) {
  const absl::Duration settled = std::max(history.began().uptime + kSettlingTime, not_before);
  const absl::Duration wanted = now.uptime - kMeasuredSpan + kMeasuredSpanSlack;
  std::optional<Moment> first;
  std::optional<Moment> start;
  for (size_t i = 0; i < history.size(); ++i) {
    const Moment at = history.at(i).at;
    if (at.uptime >= not_before && !first.has_value()) first = at;
    if (at.uptime < settled) continue;
    if (start.has_value() && at.uptime > wanted) break;
    start = at;
  }
  const bool long_enough = start.has_value() && now.uptime - start->uptime >= kLeastMeasuredSpan;
  return long_enough ? start : first;
}

// A socket's points in [start, now].
std::vector<const SocketPoint*> PointsFrom(const SocketHistory& history, Moment start) {
  std::vector<const SocketPoint*> points;
  for (size_t i = 0; i < history.size(); ++i) {
    if (history.at(i).at.uptime >= start.uptime) points.push_back(&history.at(i));
  }
  return points;
}

// Adds what is known; a sum of nothing is not known.
void AddTo(std::optional<int64_t>* sum, std::optional<int64_t> part) {
  if (part.has_value()) *sum = sum->value_or(0) + *part;
}

class Median {
 public:
  void Add(std::optional<uint32_t> value) {
    if (value.has_value()) values_.push_back(*value);
  }
  // The lower of the two in the middle: a value that was really measured.
  std::optional<int64_t> Get() {
    if (values_.empty()) return std::nullopt;
    const auto middle = values_.begin() + (values_.size() - 1) / 2;
    std::nth_element(values_.begin(), middle, values_.end());
    return *middle;
  }

 private:
  std::vector<uint32_t> values_;
};

v1::Measurement MeasureFrom(Moment start, absl::Span<const SocketHistory* const> sockets,
                            absl::string_view congestion_control) {
  v1::Measurement measurement;
  Moment end = start;
  std::optional<int64_t> bytes_acked, retransmits, data_segments;
  Median rtt_us, cwnd, ssthresh;
  for (const SocketHistory* const history : sockets) {
    const std::vector<const SocketPoint*> points = PointsFrom(*history, start);
    if (points.empty()) continue;
    if (points.back()->at.uptime > end.uptime) end = points.back()->at;
    const SocketDelta delta = Between(*points.front(), *points.back());
    AddTo(&bytes_acked, delta.bytes_acked);
    if (delta.retransmits.has_value() && delta.data_segments.has_value()) {
      AddTo(&retransmits, delta.retransmits);
      AddTo(&data_segments, delta.data_segments);
    }
    for (const SocketPoint* const point : points) {
      rtt_us.Add(point->rtt_us);
      cwnd.Add(point->cwnd_segments);
      ssthresh.Add(point->ssthresh_segments);
    }
  }

  const absl::Duration span = end.uptime - start.uptime;
  const std::string rate_basis = absl::StrCat("window ", SpanText(span));
  const std::string median_basis = absl::StrCat("median over ", SpanText(span));
  *measurement.mutable_start() = ToProto(start.wall);
  *measurement.mutable_end() = ToProto(end.wall);
  measurement.set_sockets(static_cast<int32_t>(sockets.size()));

  v1::Evidence* value = AddValue("congestion_control", "", "now", "INET_DIAG_CONG", &measurement);
  if (!congestion_control.empty()) {
    value->mutable_value()->set_string_value(std::string(congestion_control));
  }
  value = AddValue("goodput_bps", "bit/s", rate_basis, "tcp_info.tcpi_bytes_acked", &measurement);
  if (bytes_acked.has_value() && span > absl::ZeroDuration()) {
    value->mutable_value()->set_double_value(static_cast<double>(*bytes_acked) * 8 /
                                             absl::ToDoubleSeconds(span));
  }
  value = AddValue("rtt_us", "us", median_basis, "tcp_info.tcpi_rtt", &measurement);
  if (const auto median = rtt_us.Get()) value->mutable_value()->set_int_value(*median);
  value =
      AddValue("cwnd_segments", "segments", median_basis, "tcp_info.tcpi_snd_cwnd", &measurement);
  if (const auto median = cwnd.Get()) value->mutable_value()->set_int_value(*median);
  value = AddValue("ssthresh_segments", "segments", median_basis, "tcp_info.tcpi_snd_ssthresh",
                   &measurement);
  if (const auto median = ssthresh.Get()) value->mutable_value()->set_int_value(*median);
  value = AddValue("retrans_ratio", "", rate_basis,
                   "tcp_info.tcpi_total_retrans / tcpi_data_segs_out", &measurement);
  if (data_segments.value_or(0) > 0) {
    value->mutable_value()->set_double_value(static_cast<double>(*retransmits) /
                                             static_cast<double>(*data_segments));
  }
  return measurement;
}

}  // namespace

v1::Measurement Measure(absl::Span<const SocketHistory* const> sockets,
                        absl::string_view congestion_control, Moment now) {
  if (sockets.empty()) return v1::Measurement();
  const std::optional<Moment> start = Start(SeenLongest(sockets), -absl::InfiniteDuration(), now);
  return MeasureFrom(*start, sockets, congestion_control);
}

std::optional<v1::Measurement> MeasureSince(absl::Span<const SocketHistory* const> sockets,
                                            absl::string_view congestion_control,
                                            absl::Duration not_before, Moment now) {
  if (sockets.empty()) return std::nullopt;
  const SocketHistory& longest = SeenLongest(sockets);
  const std::optional<Moment> start = Start(longest, not_before, now);
  if (!start.has_value() || longest.newest().at.uptime - start->uptime < kLeastMeasuredSpan) {
    return std::nullopt;
  }
  return MeasureFrom(*start, sockets, congestion_control);
}

}  // namespace tcpmedic
