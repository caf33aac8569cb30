// What packets without a TCP header of their own tell of a connection.
#include <algorithm>

#include "diagnosis/trace/flow.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxReports = 4;         // kinds and senders of ICMP errors, of one connection
constexpr int64_t kQuotedAmongLast = 64;  // segments under way at a time, where an error comes back

}  // namespace

void Flow::ObserveRelated(int from, int64_t number, const RelatedPacket& related) {
  int64_t about = -1;
  const int64_t oldest = std::max<int64_t>(0, kept_.total() - kQuotedAmongLast);
  for (int64_t ordinal = kept_.total() - 1; ordinal >= oldest && about < 0; --ordinal) {
    const KeptSegment* const kept = kept_.At(ordinal);
    if (kept == nullptr) break;
    if (kept->from != from) continue;
    const bool other_number =
        related.seq && !relative_ && kept->has_seq && kept->seq != *related.seq;
    if (!other_number) about = ordinal;
  }
  KeptSegment* const kept = about < 0 ? nullptr : kept_.At(about);
  if (related.kind == RelatedPacket::Kind::kLaterFragment) {
    ends_[from].in_fragments = true;
    if (kept != nullptr) kept->marks |= kHasLaterFragments;
    return;
  }
  for (Report& known : reports_) {
    if (known.from_end != from || known.report.error != related.error ||
        known.report.from != related.from) {
      continue;
    }
    ++known.report.count;
    return;
  }
  if (reports_.size() >= kMaxReports) return;
  Report& added = reports_.emplace_back();
  added.from_end = from;
  added.about = about;
  added.report.number = number;
  added.report.error = related.error;
  added.report.from = related.from;
  added.report.mtu = related.mtu;
  if (kept == nullptr) return;
  added.report.about_syn = (kept->flags & kSyn) != 0 && (kept->flags & kAck) == 0;
  if (kept->has_time && related.time) {
    added.report.after = *related.time - absl::Nanoseconds(kept->at_ns);
  }
}

bool Flow::SynWasAnsweredByIcmp() const {
  return std::any_of(reports_.begin(), reports_.end(), [this](const Report& one) {
    return client_ == one.from_end && AnswersSyn(one.report);
  });
}

}  // namespace tcpmedic
