#include "observe/capture/tcpdump_text.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "observe/capture/packet_decoder.h"
#include "observe/capture/tcpdump_clock.h"
#include "observe/capture/tcpdump_line.h"
#include "observe/capture/tcpdump_numbers.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

// Held back until their time and numbers are known. A connection tells by its second segment.
constexpr size_t kMaxHeld = 256;
// Reasons to keep apart; port names make as many as somebody likes.
constexpr size_t kMaxReasons = 50;
constexpr absl::string_view kManyReasons =
    "lines of tcpdump that name no segment, for many reasons";
constexpr size_t kMaxExcerptBytes = 80;

}  // namespace

class TcpdumpTextReader::Impl {
 public:
  Impl(std::string input, RecordingSink* sink) : place_{std::move(input), 0}, sink_(sink) {}

  Taken Line(int64_t number, absl::string_view line) {
    TcpdumpLine parsed = ParseTcpdumpLine(line);
    const bool inside = std::exchange(inside_packet_, false);
    // A payload line of -v may look like a packet; a whole paste may be indented by tabs.
    const bool part_by_tab = inside && parsed.behind_tab && !tab_is_margin_;
    if (parsed.kind == TcpdumpLine::Kind::kNotTcpdump) {
      inside_packet_ = part_by_tab;
      if (!inside_packet_) time_.reset();
      return inside_packet_ ? Taken::kTaken : Taken::kNotTcpdump;
    }
    if (parsed.kind == TcpdumpLine::Kind::kOwnWords) return Taken::kTaken;
    if (parsed.kind == TcpdumpLine::Kind::kDrops) return NotRead(number, parsed.reason, line);
    if (parsed.kind == TcpdumpLine::Kind::kContinuation ||
        parsed.kind == TcpdumpLine::Kind::kHexDump || part_by_tab) {
      inside_packet_ = inside;
      // The quoted packet's own second line comes next.
      if (inside && parsed.kind == TcpdumpLine::Kind::kHeader) skip_next_ = true;
      return inside ? Taken::kTaken : Taken::kNotTcpdump;
    }
    inside_packet_ = true;
    tab_is_margin_ = parsed.behind_tab;
    const bool skip = std::exchange(skip_next_, false) && !parsed.time.has_value();
    if (parsed.time.has_value()) time_ = clock_.Read(*parsed.time);
    if (skip) {
      // An IP header inside the tunnel, whose second line is to be skipped as well.
      skip_next_ = parsed.kind == TcpdumpLine::Kind::kHeader;
      return Taken::kTaken;
    }
    if (parsed.kind == TcpdumpLine::Kind::kHeader) return Taken::kTaken;  // its time is kept
    const std::optional<TcpdumpClock::Reading> time = std::exchange(time_, std::nullopt);
    skip_next_ = parsed.carries_another;
    if (parsed.kind == TcpdumpLine::Kind::kOtherPacket) {
      if (parsed.related.has_value()) {
        Held& held = held_.emplace_back();
        held.number = number;
        held.time = time;
        held.related = parsed.related;
        held.resolved = true;
      }
      ReleaseBounded();  // the clock may have been decided
      return parsed.reason.empty() ? Taken::kTaken : NotRead(number, parsed.reason, line);
    }
    Add(number, time, &parsed.segment);
    if (parsed.segment.truncated) NotRead(number, kOptionsCutReason, line);
    return Taken::kTaken;
  }

  void End() {
    clock_.Decide();
    for (const Held& held : held_) {
      if (!held.resolved) numbers_.Decide(TcpdumpNumbers::EndsOf(held.segment));
    }
    Release();
    for (const Unread& unread : unread_) sink_->OnUnread(unread);
    unread_.clear();
    numbers_ = {};
    clock_ = {};
    time_.reset();
    inside_packet_ = skip_next_ = tab_is_margin_ = options_seen_ = false;
  }

 private:
  struct Held {
    int64_t number = 0;
    std::optional<TcpdumpClock::Reading> time;
    TcpdumpNumbers::Meaning meaning{};
    bool resolved = false;  // its numbers are
    CapturedSegment segment;
    std::optional<RelatedPacket> related;  // instead of a segment
  };

  void Add(int64_t number, const std::optional<TcpdumpClock::Reading>& time,
           CapturedSegment* segment) {
    // Some people's pastes leave the options out. A text that shows some has not lost others.
    options_seen_ = options_seen_ || segment->options_known;
    if (options_seen_ && !segment->truncated) segment->options_known = true;
    // New bases: what is held back of these ends belongs to the old ones.
    if (segment->Has(kSyn) && !held_.empty()) ResolveHeld(TcpdumpNumbers::EndsOf(*segment));
    const TcpdumpNumbers::Meaning meaning = numbers_.Observe(*segment);
    held_.push_back({number, time, meaning, false, *segment, std::nullopt});
    ReleaseBounded();
  }

  void ReleaseBounded() {
    if (held_.size() > kMaxHeld) {
      clock_.Decide();
      if (!held_.front().resolved) {
        numbers_.Decide(TcpdumpNumbers::EndsOf(held_.front().segment));
      }
    }
    Release();
  }

  // By the bases of now, settled if need be.
  void ResolveHeld(const TcpdumpNumbers::Ends& ends) {
    numbers_.Decide(ends);
    for (Held& held : held_) {
      if (held.resolved || TcpdumpNumbers::EndsOf(held.segment) != ends) continue;
      numbers_.Resolve(held.meaning, &held.segment);
      held.resolved = true;
    }
  }

  // Hands on what is known by now, in order.
  void Release() {
    while (!held_.empty()) {
      Held& held = held_.front();
      const bool summed = clock_.differences_add_up().value_or(false);
      if (held.time.has_value() && held.time->is_difference &&
          !clock_.differences_add_up().has_value()) {
        return;
      }
      if (!held.resolved) {
        if (!numbers_.Resolvable(held.meaning, held.segment)) return;
        numbers_.Resolve(held.meaning, &held.segment);
      }
      if (held.time.has_value()) {
        held.segment.time = summed ? held.time->summed : held.time->since_first;
        held.segment.time_base = held.time->base;
      }
      place_.line = held.number;
      if (held.related.has_value()) {
        held.related->time = held.segment.time;
        sink_->OnRelated(place_, *held.related);
      } else {
        sink_->OnSegment(place_, held.segment);
      }
      held_.pop_front();
    }
  }

  Taken NotRead(int64_t number, absl::string_view reason, absl::string_view line) {
    const auto of_reason = [this](absl::string_view wanted) {
      return std::find_if(unread_.begin(), unread_.end(),
                          [&](const Unread& unread) { return unread.reason == wanted; });
    };
    auto unread = of_reason(reason);
    if (unread == unread_.end() && unread_.size() >= kMaxReasons) {
      reason = kManyReasons;
      unread = of_reason(reason);
    }
    if (unread == unread_.end()) {
      unread = unread_.insert(unread_.end(), Unread());
      unread->place = {place_.input, number};
      unread->reason = std::string(reason);
      unread->excerpt = Printable(absl::StripAsciiWhitespace(line).substr(0, kMaxExcerptBytes));
      unread->lines = 0;
    }
    ++unread->lines;
    return Taken::kUnread;
  }

  Place place_;
  RecordingSink* const sink_;
  TcpdumpClock clock_;
  TcpdumpNumbers numbers_;
  std::deque<Held> held_;
  std::vector<Unread> unread_;
  std::optional<TcpdumpClock::Reading> time_;  // of a packet whose second line is to come
  bool inside_packet_ = false;                 // the line before was a packet's, or a part of one
  bool skip_next_ = false;                     // the next is a packet inside the one before
  bool tab_is_margin_ = false;
  bool options_seen_ = false;
};

TcpdumpTextReader::TcpdumpTextReader(std::string input, RecordingSink* sink)
    : impl_(std::make_unique<Impl>(std::move(input), sink)) {}

TcpdumpTextReader::~TcpdumpTextReader() = default;

TcpdumpTextReader::Taken TcpdumpTextReader::Line(int64_t number, absl::string_view line) {
  return impl_->Line(number, line);
}

void TcpdumpTextReader::End() { impl_->End(); }

}  // namespace tcpmedic
