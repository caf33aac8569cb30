// A bounded ring of readings, oldest first, that windows are looked up in. Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_POINT_RING_H_
#define TCPMEDIC_DIAGNOSIS_POINT_RING_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "diagnosis/full_span.h"

namespace tcpmedic {

// `Point` is a plain value with a Moment `at`, which never goes back from one point to the next.
template <typename Point>
class PointRing {
 public:
  // Points that come faster than fits are thinned: points other than the newest are at least 1/17
  // of the covered span apart.
  static constexpr size_t kMaxPoints = 20;

  // Adds the newest point and forgets what is not needed to look `cover` back.
  void Add(const Point& point, absl::Duration cover) {
    const bool newest_is_too_close =
        size_ >= 2 && newest().at.uptime - at(size_ - 2).at.uptime < cover / kIntervalsPerCover;
    if (newest_is_too_close) {
      points_[(first_ + size_ - 1) % points_.size()] = point;
    } else {
      Append(point);
    }
    while (size_ > 2 && point.at.uptime - at(1).at.uptime >= cover) {
      first_ = (first_ + 1) % points_.size();
      --size_;
    }
  }
  void Clear() { size_ = 0; }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // From the oldest (0) to the newest (size() - 1).
  const Point& at(size_t i) const { return points_[(first_ + i) % points_.size()]; }
  const Point& newest() const { return at(size_ - 1); }

  // The newest point that makes the window up to the newest of all full (full_span.h); null before
  // there is one.
  const Point* Before(absl::Duration window) const {
    for (size_t i = size_; i-- > 1;) {
      const Point& older = at(i - 1);
      if (IsFull(newest().at.uptime - older.at.uptime, window)) return &older;
    }
    return nullptr;
  }

 private:
  // A full ring has to hold the newest point, one that is still being thinned, and one older than
  // the span.
  static constexpr int kIntervalsPerCover = kMaxPoints - 3;

  void Append(const Point& point) {
    if (size_ == points_.size()) {
      if (points_.size() < kMaxPoints) {
        std::rotate(points_.begin(), points_.begin() + first_, points_.end());
        first_ = 0;
        points_.resize(std::min(kMaxPoints, points_.size() + 6));
      } else {
        first_ = (first_ + 1) % points_.size();
        --size_;
      }
    }
    points_[(first_ + size_) % points_.size()] = point;
    ++size_;
  }

  std::vector<Point> points_;  // grows to what is needed, at most kMaxPoints
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_POINT_RING_H_
