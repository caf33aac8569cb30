#include "diagnosis/followed_sockets.h"

#include <algorithm>
#include <utility>

#include "diagnosis/measurement.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// Points closer than this are all noise: a wish wakes a scan right after another. It is half of the
// usual scan interval.
constexpr absl::Duration kCourseSpacing = absl::Milliseconds(500);

// What had been acknowledged at `uptime`: the newest count that is no later.
std::optional<uint64_t> BytesAckedAt(const SocketHistory& history, absl::Duration uptime) {
  std::optional<uint64_t> bytes;
  for (size_t i = 0; i < history.size() && history.at(i).at.uptime <= uptime; ++i) {
    bytes = history.at(i).bytes_acked;
  }
  return bytes;
}

double BitsPerSecond(uint64_t bytes, absl::Duration span) {
  return static_cast<double>(bytes) * 8 / absl::ToDoubleSeconds(span);
}

}  // namespace

bool RememberedSocket::Add(const SocketSample& sample, Moment now, uint64_t scan,
                           absl::Duration cover) {
  if (seen_scan == scan) return false;
  seen_scan = scan;
  congestion_control = sample.congestion_control;
  history.Add(PointOf(sample, now), cover);
  return true;
}

void FollowedSockets::Follow(const FollowRequest& request,
                             absl::FunctionRef<const RememberedSocket*(const SocketKey&)> known) {
  const auto [entry, is_new] = orders_.try_emplace(request.order_id);
  if (!is_new) return;
  for (const std::vector<SocketKey>* const keys : {&request.targets, &request.held_back}) {
    for (const SocketKey& key : *keys) {
      if (sockets_.contains(key) || sockets_.size() >= kMaxSockets) continue;
      const RememberedSocket* const remembered = known(key);
      sockets_[key] = remembered != nullptr ? *remembered : RememberedSocket();
    }
  }
  Followed& order = entry->second;
  order.request = request;
  order.measured.set_order_id(request.order_id);
  const auto measure = [&](const std::vector<SocketKey>& keys) {
    return MeasureSince(HistoriesOf(keys), CongestionControlOf(keys), -absl::InfiniteDuration(),
                        request.applied);
  };
  if (const auto before = measure(request.targets)) *order.measured.mutable_before() = *before;
  if (const auto before = measure(request.held_back)) {
    *order.measured.mutable_held_back_before() = *before;
  }
  BeginCourse(&order);
}

void FollowedSockets::Unfollow(absl::string_view order_id) {
  const auto order = orders_.find(order_id);
  if (order == orders_.end()) return;
  orders_.erase(order);
  absl::flat_hash_set<SocketKey> wanted;
  for (const auto& [id, other] : orders_) {
    wanted.insert(other.request.targets.begin(), other.request.targets.end());
    wanted.insert(other.request.held_back.begin(), other.request.held_back.end());
  }
  absl::erase_if(sockets_, [&](const auto& entry) { return !wanted.contains(entry.first); });
}

void FollowedSockets::Observe(const SocketSample& sample, Moment now, uint64_t scan,
                              absl::Duration cover) {
  const auto found = sockets_.find(sample.key);
  if (found == sockets_.end() || (MaskOf(sample.state) & kStates) == 0) return;
  found->second.Add(sample, now, scan, cover);
}

void FollowedSockets::EndScan(Moment now, uint64_t scan,
                              const absl::flat_hash_set<uint64_t>& not_read) {
  absl::erase_if(sockets_, [&](const auto& entry) {
    return entry.second.seen_scan != scan && !not_read.contains(entry.first.netns_cookie);
  });
  const auto unread = [&](const SocketKey& key) { return not_read.contains(key.netns_cookie); };
  for (auto& [id, order] : orders_) {
    const FollowRequest& request = order.request;
    if (std::any_of(request.targets.begin(), request.targets.end(), unread)) continue;
    ContinueCourse(now, &order);
    MeasureAfter(now, &order);
  }
}

std::vector<const SocketHistory*> FollowedSockets::HistoriesOf(
    const std::vector<SocketKey>& keys) const {
  std::vector<const SocketHistory*> histories;
  for (const SocketKey& key : keys) {
    const auto found = sockets_.find(key);
    if (found != sockets_.end() && found->second.history.size() > 0) {
      histories.push_back(&found->second.history);
    }
  }
  return histories;
}

absl::string_view FollowedSockets::CongestionControlOf(const std::vector<SocketKey>& keys) const {
  for (const SocketKey& key : keys) {
    const auto found = sockets_.find(key);
    if (found != sockets_.end()) return found->second.congestion_control.data();
  }
  return "";
}

void FollowedSockets::BeginCourse(Followed* order) const {
  order->course_spacing = kCourseSpacing;
  order->counted_at = order->request.applied;
  const std::vector<const SocketHistory*> histories = HistoriesOf(order->request.targets);
  for (const SocketKey& key : order->request.targets) {
    const auto found = sockets_.find(key);
    const bool known = found != sockets_.end() && found->second.history.size() > 0;
    order->counted.push_back(
        {key, known ? found->second.history.newest().bytes_acked : std::nullopt});
  }
  if (histories.empty()) return;

  const SocketHistory& longest = **std::min_element(
      histories.begin(), histories.end(), [](const SocketHistory* a, const SocketHistory* b) {
        return a->began().uptime < b->began().uptime;
      });
  order->counted_at = longest.newest().at;
  // From the change backwards.
  Moment end = longest.newest().at;
  for (size_t i = longest.size() - 1; i-- > 0;) {
    const Moment begin = longest.at(i).at;
    const absl::Duration span = end.uptime - begin.uptime;
    if (span < kCourseSpacing) continue;
    if (order->request.applied.uptime - end.uptime >= kMeasuredSpan ||
        order->course_before.size() == kMaxPointsBefore) {
      break;
    }
    uint64_t bytes = 0;
    for (const SocketHistory* const history : histories) {
      const auto older = BytesAckedAt(*history, begin.uptime);
      const auto newer = BytesAckedAt(*history, end.uptime);
      if (older.has_value() && newer.has_value()) bytes += *newer - *older;
    }
    order->course_before.push_front({end, span, BitsPerSecond(bytes, span)});
    end = begin;
  }
}

void FollowedSockets::ContinueCourse(Moment now, Followed* order) const {
  const absl::Duration span = now.uptime - order->counted_at.uptime;
  if (span < order->course_spacing) return;
  bool any_lives = false;
  bool any_counted = false;
  uint64_t bytes = 0;
  for (Counted& counted : order->counted) {
    const auto found = sockets_.find(counted.key);
    if (found == sockets_.end()) continue;
    any_lives = true;
    const std::optional<uint64_t> newest = found->second.history.newest().bytes_acked;
    if (counted.bytes_acked.has_value() && newest >= counted.bytes_acked) {
      any_counted = true;
      bytes += *newest - *counted.bytes_acked;
    }
    counted.bytes_acked = newest;
  }
  if (!any_lives) return;
  order->counted_at = now;
  if (!any_counted) return;
  std::vector<CoursePoint>& course = order->course_after;
  course.push_back({now, span, BitsPerSecond(bytes, span)});
  if (course.size() < kMaxPointsAfter) return;
  // Half as many, each over two of the present spans.
  static_assert(kMaxPointsAfter % 2 == 0);
  std::vector<CoursePoint> thinned;
  for (size_t i = 0; i < course.size(); i += 2) {
    const CoursePoint& a = course[i];
    const CoursePoint& b = course[i + 1];
    const absl::Duration both = a.span + b.span;
    const double share = absl::FDivDuration(a.span, both);
    thinned.push_back({b.at, both, a.goodput_bps * share + b.goodput_bps * (1 - share)});
  }
  course = std::move(thinned);
  order->course_spacing = 0.9 * course.front().span;  // scans are never on the dot
}

void FollowedSockets::MeasureAfter(Moment now, Followed* order) const {
  const absl::Duration settled = order->request.applied.uptime + kSettlingTime;
  const auto measure = [&](const std::vector<SocketKey>& keys) {
    return MeasureSince(HistoriesOf(keys), CongestionControlOf(keys), settled, now);
  };
  order->measured.clear_after();
  order->measured.clear_held_back_after();
  if (const auto after = measure(order->request.targets)) {
    *order->measured.mutable_after() = *after;
  }
  if (const auto after = measure(order->request.held_back)) {
    *order->measured.mutable_held_back_after() = *after;
  }
}

std::optional<v1::Verification> FollowedSockets::MeasuredOf(absl::string_view order_id) const {
  const auto found = orders_.find(order_id);
  if (found == orders_.end()) return std::nullopt;
  v1::Verification measured = found->second.measured;
  const auto add = [&measured](const CoursePoint& point) {
    v1::GoodputPoint* const added = measured.add_course();
    *added->mutable_at() = ToProto(point.at.wall);
    added->set_goodput_bps(point.goodput_bps);
  };
  for (const CoursePoint& point : found->second.course_before) add(point);
  for (const CoursePoint& point : found->second.course_after) add(point);
  return measured;
}

}  // namespace tcpmedic
