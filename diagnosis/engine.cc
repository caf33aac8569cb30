#include "diagnosis/engine.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/measurement.h"
#include "diagnosis/signature_watch.h"
#include "diagnosis/socket_history.h"

namespace tcpmedic {

class Engine::Impl {
 public:
  explicit Impl(EngineOptions options) : options_(options) {}

  void SetSignatures(std::vector<std::shared_ptr<const CompiledSignature>> signatures,
                     std::string revision) {
    std::vector<std::unique_ptr<SignatureWatch>> watches;
    cover_ = kMeasuredSpan + kSettlingTime;
    states_ = 0;
    for (auto& signature : signatures) {
      if (signature->subject() != v1::SUBJECT_SOCKET) continue;
      cover_ = std::max(cover_, signature->window);
      states_ |= signature->states;
      std::unique_ptr<SignatureWatch> same = TakeWatchOf(signature->definition);
      watches.push_back(same != nullptr ? std::move(same)
                                        : std::make_unique<SignatureWatch>(std::move(signature)));
    }
    watches_ = std::move(watches);
    standings_.resize(watches_.size());
    revision_ = std::move(revision);
  }

  TcpStateMask states_wanted() const {
    return states_ | (followed_.empty() ? 0 : FollowedSockets::kStates);
  }

  void BeginScan(Moment now) {
    now_ = now;
    ++scan_;
    sockets_ = 0;
    not_read_.clear();
    namespaces_seen_.clear();
    for (const auto& watch : watches_) watch->BeginScan(now);
  }

  void BeginNamespace(const v1::NetworkNamespace& netns) {
    namespace_ = netns.cookie();
    namespaces_seen_.insert(namespace_);
    namespaces_[namespace_] = netns;
  }

  void EndNamespace(bool complete) {
    if (!complete) not_read_.insert(namespace_);
  }

  void Observe(const SocketSample& sample) {
    if (!followed_.empty()) followed_.Observe(sample, now_, scan_, cover_);
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
        if (!remembered->Add(sample, now_, scan_, cover_)) return;
        history = &remembered->history;
      }
    }
    ++sockets_;
    for (size_t i = 0; i < watches_.size(); ++i) {
      watches_[i]->Judge(sample, standings_[i], history);
    }
  }

  Result EndScan() {
    ForgetVanished();
    followed_.EndScan(now_, scan_, not_read_);
    const auto history = [this](const SocketKey& key) -> const SocketHistory* {
      const auto found = suspects_.find(key);
      return found == suspects_.end() ? nullptr : &found->second.history;
    };
    const auto netns = [this](uint64_t cookie) {
      const auto found = namespaces_.find(cookie);
      return found == namespaces_.end() ? v1::NetworkNamespace() : found->second;
    };
    const SignatureWatch::Surroundings around{not_read_, history, netns,
                                              options_.max_sockets_per_finding};
    Result result;
    finding_sockets_.clear();
    for (const auto& watch : watches_) {
      for (SignatureWatch::Present& present : watch->EndScan(around)) {
        if (static_cast<int>(result.findings.size()) >= options_.max_findings) {
          ++result.findings_omitted;
          continue;
        }
        present.finding.set_signature_revision(revision_);
        finding_sockets_.push_back(
            {static_cast<int>(result.findings.size()), std::move(present.inodes)});
        result.findings.push_back(std::move(present.finding));
      }
      result.activity.push_back(watch->activity());
    }
    result.sockets = sockets_;
    result.suspects = static_cast<int64_t>(suspects_.size());
    result.suspects_not_kept = suspects_not_kept_;
    return result;
  }

  std::vector<FindingSockets> finding_sockets() const { return finding_sockets_; }

  std::vector<SocketSample> Members(const v1::Selector& selector) const {
    for (const auto& watch : watches_) {
      if (watch->signature().definition.name() != selector.signature()) continue;
      return watch->Members(selector, options_.max_members);
    }
    return {};
  }

  void Follow(const FollowRequest& request) {
    followed_.Follow(request, [this](const SocketKey& key) -> const RememberedSocket* {
      const auto found = suspects_.find(key);
      return found == suspects_.end() ? nullptr : &found->second;
    });
  }
  void Unfollow(absl::string_view order_id) { followed_.Unfollow(order_id); }
  std::optional<v1::Verification> MeasuredOf(absl::string_view order_id) const {
    return followed_.MeasuredOf(order_id);
  }

 private:
  // The present watch of the same text, which then leaves watches_; null where there is none.
  std::unique_ptr<SignatureWatch> TakeWatchOf(const v1::Signature& definition) {
    const std::string text = definition.SerializeAsString();
    for (auto& watch : watches_) {
      if (watch != nullptr && watch->signature().definition.SerializeAsString() == text) {
        return std::move(watch);
      }
    }
    return nullptr;
  }

  // The socket's memory, made where there is none yet; null where there is no room. Young sockets
  // are remembered so that their window is full by the time that they are old enough, but take no
  // more than half of the room.
  RememberedSocket* Remember(const SocketKey& key, bool suspect) {
    const auto found = suspects_.find(key);
    if (found != suspects_.end()) return &found->second;
    const int room = suspect ? options_.max_suspects : options_.max_suspects / 2;
    if (static_cast<int>(suspects_.size()) < room) return &suspects_[key];
    if (suspect) ++suspects_not_kept_;
    return nullptr;
  }

  void ForgetVanished() {
    absl::erase_if(suspects_, [this](const auto& entry) {
      return entry.second.seen_scan != scan_ && !not_read_.contains(entry.first.netns_cookie);
    });
    absl::erase_if(namespaces_,
                   [this](const auto& entry) { return !namespaces_seen_.contains(entry.first); });
  }

  const EngineOptions options_;
  std::vector<std::unique_ptr<SignatureWatch>> watches_;
  std::vector<Standing> standings_;  // by watch, of the socket that is being observed
  std::string revision_;
  absl::Duration cover_ = kMeasuredSpan + kSettlingTime;  // how far back histories reach
  TcpStateMask states_ = 0;

  Moment now_;
  uint64_t scan_ = 0;
  uint64_t namespace_ = 0;
  absl::flat_hash_set<uint64_t> namespaces_seen_;
  absl::flat_hash_set<uint64_t> not_read_;
  absl::flat_hash_map<uint64_t, v1::NetworkNamespace> namespaces_;
  absl::flat_hash_map<SocketKey, RememberedSocket> suspects_;
  FollowedSockets followed_;
  int64_t sockets_ = 0;
  int64_t suspects_not_kept_ = 0;
  std::vector<FindingSockets> finding_sockets_;
};

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(options)) {}
Engine::~Engine() = default;

void Engine::SetSignatures(std::vector<std::shared_ptr<const CompiledSignature>> signatures,
                           std::string revision) {
  impl_->SetSignatures(std::move(signatures), std::move(revision));
}
TcpStateMask Engine::states_wanted() const { return impl_->states_wanted(); }
void Engine::BeginScan(Moment now) { impl_->BeginScan(now); }
void Engine::BeginNamespace(const v1::NetworkNamespace& netns) { impl_->BeginNamespace(netns); }
void Engine::Observe(const SocketSample& sample) { impl_->Observe(sample); }
void Engine::EndNamespace(bool complete) { impl_->EndNamespace(complete); }
Engine::Result Engine::EndScan() { return impl_->EndScan(); }
std::vector<Engine::FindingSockets> Engine::finding_sockets() const {
  return impl_->finding_sockets();
}
std::vector<SocketSample> Engine::Members(const v1::Selector& selector) const {
  return impl_->Members(selector);
}
std::optional<v1::NetworkNamespace> Engine::NamespaceOf(const v1::Selector&) const {
  return std::nullopt;
}
std::optional<bool> Engine::Holds(uint64_t, absl::string_view) { return std::nullopt; }
void Engine::Follow(const FollowRequest& request) { impl_->Follow(request); }
void Engine::Unfollow(absl::string_view order_id) { impl_->Unfollow(order_id); }
std::optional<v1::Verification> Engine::MeasuredOf(absl::string_view order_id) const {
  return impl_->MeasuredOf(order_id);
}

}  // namespace tcpmedic
