#include "diagnosis/netns_scan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/issue.h"
#include "diagnosis/netns_schema.h"
#include "diagnosis/watches.h"

namespace tcpmedic {

std::optional<HalfOpenCount> NetnsScan::Remembered::half_open() const {
  if (!listeners.has_value()) return std::nullopt;
  return HalfOpenCount{listeners->syn_recv_sockets, dumped_at};
}

void NetnsScan::SetSignatures(
    const std::vector<std::shared_ptr<const CompiledSignature>>& signatures) {
  watches_ = WatchesOf(signatures, std::move(watches_));
  cover_ = kMeasuredSpan + kSettlingTime;
  for (const auto& signature : signatures) cover_ = std::max(cover_, signature->window);
}

void NetnsScan::BeginScan(Moment now) {
  now_ = now;
  ++scan_;
  for (const auto& watch : watches_) watch->BeginScan(now);
}

void NetnsScan::ObserveNamespace(const v1::NetworkNamespace& netns, const CounterSample* counters) {
  Remembered& remembered = namespaces_[netns.cookie()];
  remembered.netns = netns;
  remembered.seen_scan = scan_;
  if (counters != nullptr) {
    remembered.counted_scan = scan_;
    remembered.history.Add(PointOf(*counters, now_), cover_);
  }
  remembered.wants_listeners = WantsListeners(remembered);
}

bool NetnsScan::WantsListeners(const Remembered& netns) const {
  const uint64_t cookie = netns.netns.cookie();
  if (followed_.Contains(cookie)) return true;
  if (netns.counted_scan != scan_) return false;
  return std::any_of(watches_.begin(), watches_.end(), [&](const auto& watch) {
    return watch->WantsListeners(cookie, netns.history);
  });
}

TcpStateMask NetnsScan::StatesWanted(uint64_t netns_cookie) const {
  const auto found = namespaces_.find(netns_cookie);
  const bool wanted = found != namespaces_.end() && found->second.seen_scan == scan_ &&
                      found->second.wants_listeners;
  return wanted ? Listeners::kStates : 0;
}

void NetnsScan::BeginNamespace(uint64_t netns_cookie) {
  dumping_.reset();
  if (StatesWanted(netns_cookie) == 0) return;
  dumping_ = netns_cookie;
  listeners_.Clear();
}

void NetnsScan::EndNamespace(bool complete) {
  if (dumping_.has_value() && complete) {
    Remembered& netns = namespaces_[*dumping_];
    const bool counted = netns.counted_scan == scan_;
    netns.listeners = listeners_.Count(counted ? &netns.history.newest() : nullptr);
    netns.dumped_scan = scan_;
    netns.dumped_at = now_;
  }
  dumping_.reset();
}

const ListenersSeen* NetnsScan::ListenersOf(const Remembered& netns) const {
  return netns.dumped_scan == scan_ ? &*netns.listeners : nullptr;
}

bool NetnsScan::WasRead(const Remembered& netns) const {
  return netns.counted_scan == scan_ && (!netns.wants_listeners || netns.dumped_scan == scan_);
}

NetnsScan::Result NetnsScan::EndScan() {
  absl::flat_hash_set<uint64_t> alive;
  bool any_wanted = false;
  for (auto it = namespaces_.begin(); it != namespaces_.end();) {
    if (it->second.seen_scan != scan_) {
      namespaces_.erase(it++);
      continue;
    }
    alive.insert(it->first);
    any_wanted = any_wanted || it->second.wants_listeners;
    ++it;
  }
  if (!any_wanted) listeners_ = Listeners();  // gives back what a flood took

  Result result;
  for (const auto& watch : watches_) {
    for (const auto& [cookie, netns] : namespaces_) {
      if (!WasRead(netns)) continue;
      watch->Judge({netns.netns, netns.history, ListenersOf(netns), netns.half_open()});
    }
    std::vector<NetnsWatch::Present> present = watch->EndScan(alive);
    std::move(present.begin(), present.end(), std::back_inserter(result.present));
    result.activity.push_back(watch->activity());
  }
  followed_.EndScan([this](uint64_t netns_cookie) { return KnownOf(netns_cookie); });
  return result;
}

std::optional<KnownNetns> NetnsScan::KnownOf(uint64_t netns_cookie) const {
  const auto found = namespaces_.find(netns_cookie);
  if (found == namespaces_.end()) return KnownNetns();
  if (found->second.counted_scan != scan_) return std::nullopt;
  return KnownNetns{&found->second.history, found->second.half_open()};
}

v1::NetworkNamespace NetnsScan::NetnsOf(uint64_t netns_cookie) const {
  const auto found = namespaces_.find(netns_cookie);
  return found == namespaces_.end() ? v1::NetworkNamespace() : found->second.netns;
}

std::optional<v1::NetworkNamespace> NetnsScan::NamespaceOf(const v1::Selector& selector) const {
  const uint64_t cookie = selector.netns_cookie();
  if (selector.group_by_size() != 1 || selector.group_by(0).attribute() != "netns" ||
      selector.group_by(0).value() != absl::StrCat(cookie)) {
    return std::nullopt;
  }
  for (const auto& watch : watches_) {
    if (watch->signature().definition.name() != selector.signature()) continue;
    if (!watch->HoldsIn(cookie)) return std::nullopt;
    return NetnsOf(cookie);
  }
  return std::nullopt;
}

std::optional<bool> NetnsScan::Holds(uint64_t netns_cookie, absl::string_view condition) {
  auto compiled = conditions_.find(condition);
  if (compiled == conditions_.end()) {
    if (conditions_.size() >= kMaxConditions) conditions_.clear();
    std::vector<Issue> issues;
    compiled =
        conditions_.try_emplace(std::string(condition), CompileNetnsCondition(condition, &issues))
            .first;
  }
  if (!compiled->second.has_value()) return std::nullopt;
  const auto found = namespaces_.find(netns_cookie);
  if (found == namespaces_.end() || found->second.counted_scan != scan_) return std::nullopt;

  const NetnsHistory& history = found->second.history;
  std::optional<NetnsDelta> window = history.Over(kMeasuredSpan);
  if (!window.has_value()) {
    window = Between(history.at(0), history.newest());
    if (window->span < kLeastMeasuredSpan) window.reset();
  }
  const NetnsReading reading{&history.newest(), window.has_value() ? &*window : nullptr,
                             ListenersOf(found->second)};
  const expr::Value value = compiled->second->Evaluate(NetnsActivation(reading));
  if (value.is_true()) return true;
  if (value.is_false()) return false;
  return std::nullopt;
}

void NetnsScan::Follow(const FollowRequest& request) {
  const auto found = namespaces_.find(*request.netns_cookie);
  followed_.Follow(request, found == namespaces_.end()
                                ? KnownNetns()
                                : KnownNetns{&found->second.history, found->second.half_open()});
}

}  // namespace tcpmedic
