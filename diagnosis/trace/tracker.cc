#include "diagnosis/trace/tracker.h"

#include <algorithm>
#include <array>
#include <list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "diagnosis/trace/flow.h"

namespace tcpmedic {
namespace {

// For an ICMP error of tcpdump's text, which names no ports: the newest are those it is about.
constexpr int kMostLookedAt = 1000;

constexpr size_t kOutcomes = static_cast<size_t>(Outcome::kMidStream) + 1;

// Those that tell most first.
constexpr std::array<Outcome, kOutcomes> kByWorth = {
    Outcome::kHalfOpen,      Outcome::kServerStillWaits,
    Outcome::kRefused,       Outcome::kNoReply,
    Outcome::kReset,         Outcome::kHalfClosed,
    Outcome::kCloseNotShown, Outcome::kEstablished,
    Outcome::kMidStream,     Outcome::kHandshakeNotShown,
    Outcome::kClosed,
};

struct Input {
  std::string name;
  bool only_syns_shown = false;
  std::optional<int64_t> first_ns, last_ns;

  TraceEnd End() const { return {last_ns, only_syns_shown}; }
};

// Both directions of a connection have the same: the lesser endpoint comes first.
struct Key {
  size_t input = 0;
  TraceEndpoint end0, end1;

  bool operator==(const Key&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Key& key) {
    return H::combine(std::move(h), key.input, key.end0.ip, key.end0.port, key.end1.ip,
                      key.end1.port);
  }
};

struct Followed {
  Followed(const Key& in_key, int64_t in_order, size_t max_segments, KeptSegments::Budget* budget)
      : key(in_key), order(in_order), flow(in_key.end0, in_key.end1, max_segments, budget) {}

  Key key;
  int64_t order;                        // among all connections
  Flow::Life life = Flow::Life::kOpen;  // the list that it is on
  Flow flow;
};
using FollowedList = std::list<Followed>;

}  // namespace

class Tracker::Impl {
 public:
  explicit Impl(TrackerOptions options) : options_(options) {
    options_.max_followed = std::max(options_.max_followed, 1);
    budget_.limit = std::max(options_.max_segments, 0);
  }

  void Observe(absl::string_view input, int64_t number, const CapturedSegment& segment) {
    const size_t input_index = IndexOf(input);
    Input& from_input = inputs_[input_index];
    ++segments_;
    if (segment.time) {
      const int64_t at_ns = absl::ToInt64Nanoseconds(*segment.time);
      from_input.first_ns = std::min(at_ns, from_input.first_ns.value_or(at_ns));
      from_input.last_ns = std::max(at_ns, from_input.last_ns.value_or(at_ns));
    }
    Key key;
    key.input = input_index;
    key.end0 = {segment.src_ip, segment.src_port};
    key.end1 = {segment.dst_ip, segment.dst_port};
    // From 0: also where an end talks to itself.
    const int from = key.end1 < key.end0 ? 1 : 0;
    if (from == 1) std::swap(key.end0, key.end1);

    if (latest_ == nullptr || !(latest_->key == key) ||
        latest_->flow.BeginsAnother(from, segment)) {
      latest_ = &Find(key, from, segment);
    }
    latest_->flow.Observe(from, number, segment);
    Touch(*latest_);
  }

  void ObserveRelated(absl::string_view input, int64_t number, const RelatedPacket& related) {
    const size_t input_index = IndexOf(input);
    int from = 0;
    if (Followed* const about = FindAbout(input_index, related, &from)) {
      about->flow.ObserveRelated(from, number, related);
    } else if (related.kind == RelatedPacket::Kind::kIcmpError) {
      ++icmp_elsewhere_;
    }
  }

  void ShowsOnlySyns(absl::string_view input) { inputs_[IndexOf(input)].only_syns_shown = true; }

  TraceResult Result() const;

 private:
  size_t IndexOf(absl::string_view input) {
    if (latest_input_ < inputs_.size() && inputs_[latest_input_].name == input) {
      return latest_input_;
    }
    for (latest_input_ = 0; latest_input_ < inputs_.size(); ++latest_input_) {
      if (inputs_[latest_input_].name == input) return latest_input_;
    }
    inputs_.push_back({std::string(input), false, std::nullopt, std::nullopt});
    return latest_input_;
  }

  FollowedList& ListOf(Flow::Life life) { return lists_[static_cast<size_t>(life)]; }
  Followed& Find(const Key& key, int from, const CapturedSegment& segment);
  Followed* FindAbout(size_t input, const RelatedPacket& related, int* from);
  void Touch(Followed& followed);
  void GiveUpOne();
  std::vector<const Followed*> Listed() const;

  TrackerOptions options_;
  KeptSegments::Budget budget_;
  std::vector<Input> inputs_;
  size_t latest_input_ = 0;
  // By Flow::Life; of each the one that was silent for longest comes first.
  std::array<FollowedList, 3> lists_;
  // The newest connection of a key; older ones of the same ports are in `lists_` alone.
  absl::flat_hash_map<Key, FollowedList::iterator> by_key_;
  Followed* latest_ = nullptr;
  FollowedList::iterator latest_position_;
  int64_t segments_ = 0, connections_ = 0;
  int64_t icmp_elsewhere_ = 0;
  int64_t given_up_ = 0;
  // Of those given up, by whether it turns out that the input shows only SYNs.
  struct GivenUp {
    std::array<int64_t, kOutcomes> all_shown{}, only_syns{};
  };
  absl::flat_hash_map<size_t, GivenUp> given_up_outcomes_;
};

Followed& Tracker::Impl::Find(const Key& key, int from, const CapturedSegment& segment) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end() && !found->second->flow.BeginsAnother(from, segment)) {
    latest_position_ = found->second;
    return *found->second;
  }
  const bool has_before = found != by_key_.end();
  const std::optional<int64_t> before_ns =
      has_before ? found->second->flow.last_ns() : std::nullopt;
  if (lists_[0].size() + lists_[1].size() + lists_[2].size() >=
      static_cast<size_t>(options_.max_followed)) {
    GiveUpOne();
  }
  FollowedList& open = ListOf(Flow::Life::kOpen);
  open.emplace_back(key, connections_++,
                    static_cast<size_t>(std::max(options_.max_segments_per_connection, 0)),
                    &budget_);
  latest_position_ = std::prev(open.end());
  if (has_before) latest_position_->flow.FollowsAt(before_ns);
  by_key_[key] = latest_position_;
  return *latest_position_;
}

Followed* Tracker::Impl::FindAbout(size_t input, const RelatedPacket& related, int* from) {
  if (related.src_port && related.dst_port) {
    Key key{input, {related.src_ip, *related.src_port}, {related.dst_ip, *related.dst_port}};
    *from = key.end1 < key.end0 ? 1 : 0;
    if (*from == 1) std::swap(key.end0, key.end1);
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &*found->second;
  }
  const auto matches = [&](const Followed& one) {
    if (one.key.input != input) return false;
    for (const int end : {0, 1}) {
      const TraceEndpoint& src = end == 0 ? one.key.end0 : one.key.end1;
      const TraceEndpoint& dst = end == 0 ? one.key.end1 : one.key.end0;
      if (src.ip != related.src_ip || dst.ip != related.dst_ip) continue;
      if (related.dst_port && dst.port != *related.dst_port) continue;
      *from = end;
      return true;
    }
    return false;
  };
  if (latest_ != nullptr && matches(*latest_)) return latest_;
  int left = kMostLookedAt;
  for (FollowedList& list : lists_) {
    for (auto one = list.rbegin(); one != list.rend() && left-- > 0; ++one) {
      if (matches(*one)) return &*one;
    }
  }
  return nullptr;
}

void Tracker::Impl::Touch(Followed& followed) {
  const Flow::Life life = followed.flow.life();
  FollowedList& list = ListOf(life);
  if (life == followed.life && &list.back() == &followed) return;
  list.splice(list.end(), ListOf(followed.life), latest_position_);
  followed.life = life;
}

void Tracker::Impl::GiveUpOne() {
  for (const Flow::Life life : {Flow::Life::kClosed, Flow::Life::kReset, Flow::Life::kOpen}) {
    FollowedList& list = ListOf(life);
    if (list.empty()) continue;
    const Followed& oldest = list.front();
    TraceEnd end = inputs_[oldest.key.input].End();
    GivenUp& outcomes = given_up_outcomes_[oldest.key.input];
    end.only_syns_shown = false;
    ++outcomes.all_shown[static_cast<size_t>(oldest.flow.OutcomeAt(end))];
    end.only_syns_shown = true;
    ++outcomes.only_syns[static_cast<size_t>(oldest.flow.OutcomeAt(end))];
    ++given_up_;
    const auto found = by_key_.find(oldest.key);
    if (found != by_key_.end() && found->second == list.begin()) by_key_.erase(found);
    if (latest_ == &oldest) latest_ = nullptr;
    list.pop_front();
    return;
  }
}

// Those to be listed: each outcome has its share, and those that tell most take what is left over.
std::vector<const Followed*> Tracker::Impl::Listed() const {
  std::array<std::vector<const Followed*>, kOutcomes> by_outcome;
  size_t followed = 0;
  for (const FollowedList& list : lists_) {
    for (const Followed& one : list) {
      const Outcome outcome = one.flow.OutcomeAt(inputs_[one.key.input].End());
      by_outcome[static_cast<size_t>(outcome)].push_back(&one);
      ++followed;
    }
  }
  const auto in_order = [](const Followed* a, const Followed* b) { return a->order < b->order; };
  for (auto& of_outcome : by_outcome) std::sort(of_outcome.begin(), of_outcome.end(), in_order);
  size_t room = std::min(followed, static_cast<size_t>(std::max(options_.max_connections, 0)));
  const size_t share = room / kOutcomes;
  std::array<size_t, kOutcomes> taken{};
  for (size_t i = 0; i < kOutcomes; ++i) {
    taken[i] = std::min(share, by_outcome[i].size());
    room -= taken[i];
  }
  std::vector<const Followed*> listed;
  for (const Outcome outcome : kByWorth) {
    const auto i = static_cast<size_t>(outcome);
    const size_t more = std::min(room, by_outcome[i].size() - taken[i]);
    room -= more;
    listed.insert(listed.end(), by_outcome[i].begin(), by_outcome[i].begin() + taken[i] + more);
  }
  std::sort(listed.begin(), listed.end(), in_order);
  return listed;
}

TraceResult Tracker::Impl::Result() const {
  TraceResult result;
  result.connections_seen = connections_;
  result.segments = segments_;
  result.icmp_elsewhere = icmp_elsewhere_;
  result.by_outcome.assign(kOutcomes, 0);
  for (const auto& [input, outcomes] : given_up_outcomes_) {
    const auto& counts = inputs_[input].only_syns_shown ? outcomes.only_syns : outcomes.all_shown;
    for (size_t i = 0; i < kOutcomes; ++i) result.by_outcome[i] += counts[i];
  }
  for (const FollowedList& list : lists_) {
    for (const Followed& one : list) {
      const Outcome outcome = one.flow.OutcomeAt(inputs_[one.key.input].End());
      ++result.by_outcome[static_cast<size_t>(outcome)];
    }
  }
  for (const Followed* one : Listed()) {
    const Input& input = inputs_[one->key.input];
    result.connections.push_back(one->flow.Describe(input.name, input.End()));
  }
  result.connections_left_out = connections_ - static_cast<int64_t>(result.connections.size());
  for (const Input& input : inputs_) {
    if (!input.first_ns) continue;
    const absl::Duration span = absl::Nanoseconds(*input.last_ns - *input.first_ns);
    result.span = std::max(span, result.span.value_or(span));
  }
  return result;
}

Tracker::Tracker(TrackerOptions options) : impl_(std::make_unique<Impl>(options)) {}
Tracker::~Tracker() = default;

void Tracker::Observe(absl::string_view input, int64_t number, const CapturedSegment& segment) {
  impl_->Observe(input, number, segment);
}

void Tracker::ObserveRelated(absl::string_view input, int64_t number,
                             const RelatedPacket& related) {
  impl_->ObserveRelated(input, number, related);
}

void Tracker::ShowsOnlySyns(absl::string_view input) { impl_->ShowsOnlySyns(input); }

TraceResult Tracker::Result() const { return impl_->Result(); }

}  // namespace tcpmedic
