#include "diagnosis/trace/tracker.h"

namespace tcpmedic {

class Tracker::Impl {};

Tracker::Tracker(TrackerOptions) : impl_(std::make_unique<Impl>()) {}
Tracker::~Tracker() = default;
void Tracker::Observe(absl::string_view, int64_t, const CapturedSegment&) {}
void Tracker::ShowsOnlySyns(absl::string_view) {}
TraceResult Tracker::Result() const { return {}; }

}  // namespace tcpmedic
