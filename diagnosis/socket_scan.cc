#include "diagnosis/socket_scan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "diagnosis/listeners.h"
#include "diagnosis/watches.h"

namespace tcpmedic {

void SocketScan::SetSignatures(
    const std::vector<std::shared_ptr<const CompiledSignature>>& signatures) {
  watches_ = WatchesOf(signatures, std::move(watches_));
  standings_.resize(watches_.size());
  cover_ = kMeasuredSpan + kSettlingTime;
  states_ = 0;
  for (const auto& signature : signatures) {
    cover_ = std::max(cover_, signature->window);
    states_ |= signature->states;
  }
}

void SocketScan::BeginScan(Moment now) {
  now_ = now;
  ++scan_;
  not_read_.clear();
  for (const auto& watch : watches_) watch->BeginScan(now);
}

bool SocketScan::Observe(const SocketSample& sample) {
  if (!followed_.empty()) followed_.Observe(sample, now_, scan_, cover_);
  // Those that no signature here asked for are there for a namespace's or a process's sake.
  constexpr TcpStateMask kOfOthers = Listeners::kStates | MaskOf(TcpState::kCloseWait);
  if ((MaskOf(sample.state) & kOfOthers & ~states_) != 0) return true;
  bool suspect = false;
  bool young = false;
  for (size_t i = 0; i < watches_.size(); ++i) {
    standings_[i] = watches_[i]->FromSampleAlone(sample);
    suspect = suspect || standings_[i].kind == Standing::Kind::kSuspect;
    young = young || standings_[i].kind == Standing::Kind::kYoung;
  }
  SocketHistory* history = nullptr;
  if (suspect || young) {
    RememberedSocket* const remembered = Remember(sample.key, suspect);
    if (remembered != nullptr) {
      if (!remembered->Add(sample, now_, scan_, cover_)) return false;
      history = &remembered->history;
    }
  }
  for (size_t i = 0; i < watches_.size(); ++i) {
    watches_[i]->Judge(sample, standings_[i], history);
  }
  return true;
}

SocketScan::Result SocketScan::EndScan(
    absl::FunctionRef<v1::NetworkNamespace(uint64_t netns_cookie)> netns) {
  ForgetVanished();
  followed_.EndScan(now_, scan_, not_read_);
  const auto history = [this](const SocketKey& key) -> const SocketHistory* {
    const auto found = suspects_.find(key);
    return found == suspects_.end() ? nullptr : &found->second.history;
  };
  const SocketWatch::Surroundings around{not_read_, history, netns,
                                         bounds_.max_sockets_per_finding};
  Result result;
  for (const auto& watch : watches_) {
    std::vector<SocketWatch::Present> present = watch->EndScan(around);
    std::move(present.begin(), present.end(), std::back_inserter(result.present));
    result.activity.push_back(watch->activity());
  }
  result.suspects = static_cast<int64_t>(suspects_.size());
  result.suspects_not_kept = suspects_not_kept_;
  return result;
}

std::vector<SocketSample> SocketScan::Members(const v1::Selector& selector) const {
  for (const auto& watch : watches_) {
    if (watch->signature().definition.name() != selector.signature()) continue;
    return watch->Members(selector, bounds_.max_members);
  }
  return {};
}

void SocketScan::Follow(const FollowRequest& request) {
  followed_.Follow(request, [this](const SocketKey& key) -> const RememberedSocket* {
    const auto found = suspects_.find(key);
    return found == suspects_.end() ? nullptr : &found->second;
  });
}

RememberedSocket* SocketScan::Remember(const SocketKey& key, bool suspect) {
  const auto found = suspects_.find(key);
  if (found != suspects_.end()) return &found->second;
  const int room = suspect ? bounds_.max_suspects : bounds_.max_suspects / 2;
  if (static_cast<int>(suspects_.size()) < room) return &suspects_[key];
  if (suspect) ++suspects_not_kept_;
  return nullptr;
}

void SocketScan::ForgetVanished() {
  absl::erase_if(suspects_, [this](const auto& entry) {
    return entry.second.seen_scan != scan_ && !not_read_.contains(entry.first.netns_cookie);
  });
}

}  // namespace tcpmedic
