#include "diagnosis/trace/kept_segments.h"

#include <algorithm>

namespace tcpmedic {

KeptSegments::KeptSegments(size_t first, size_t last, Budget* budget)
    : max_first_(std::max(first, kAlways)), max_last_(std::max(last, kAlways)), budget_(budget) {}

KeptSegments::~KeptSegments() {
  budget_->kept -= static_cast<int64_t>(first_.size() + last_.size());
}

void KeptSegments::Add(const KeptSegment& segment) {
  ++total_;
  if (last_.empty() && first_.size() < max_first_ && MayGrow(first_.size())) {
    first_.push_back(segment);
    ++budget_->kept;
    return;
  }
  // A ring that has turned stays as it is: to grow it would have to be put in order first.
  if (oldest_ == 0 && last_.size() < max_last_ && MayGrow(last_.size())) {
    last_.push_back(segment);
    ++budget_->kept;
    return;
  }
  last_[oldest_] = segment;
  oldest_ = oldest_ + 1 == last_.size() ? 0 : oldest_ + 1;
}

KeptSegment* KeptSegments::At(int64_t ordinal) {
  if (ordinal < 0 || ordinal >= total_) return nullptr;
  if (ordinal < static_cast<int64_t>(first_.size())) return &first_[ordinal];
  const int64_t in_last = ordinal - (total_ - static_cast<int64_t>(last_.size()));
  if (in_last < 0) return nullptr;
  return &last_[(oldest_ + in_last) % last_.size()];
}

const KeptSegment* KeptSegments::At(int64_t ordinal) const {
  return const_cast<KeptSegments*>(this)->At(ordinal);
}

}  // namespace tcpmedic
