#include "diagnosis/engine.h"

#include <map>
#include <utility>

#include "diagnosis/compiled_signature.h"
#include "diagnosis/netns_scan.h"
#include "diagnosis/process_scan.h"
#include "diagnosis/socket_scan.h"

namespace tcpmedic {

class Engine::Impl {
 public:
  explicit Impl(EngineOptions options)
      : options_(options),
        sockets_({options.max_suspects, options.max_sockets_per_finding, options.max_members}),
        processes_(options.max_sockets_per_finding) {}

  void SetSignatures(std::vector<std::shared_ptr<const CompiledSignature>> signatures,
                     std::string revision) {
    using Signatures = std::vector<std::shared_ptr<const CompiledSignature>>;
    std::map<v1::Subject, Signatures> of_subject;
    for (auto& signature : signatures) {
      of_subject[signature->subject()].push_back(std::move(signature));
    }
    sockets_.SetSignatures(of_subject[v1::SUBJECT_SOCKET]);
    namespaces_.SetSignatures(of_subject[v1::SUBJECT_NETNS]);
    processes_.SetSignatures(of_subject[v1::SUBJECT_PROCESS]);
    revision_ = std::move(revision);
  }

  void BeginScan(Moment now) {
    sockets_seen_ = 0;
    sockets_.BeginScan(now);
    namespaces_.BeginScan(now);
    processes_.BeginScan(now);
  }
  TcpStateMask StatesWanted(uint64_t netns_cookie) const {
    return sockets_.StatesWanted() | namespaces_.StatesWanted(netns_cookie) |
           processes_.StatesWanted(netns_cookie);
  }
  void BeginNamespace(uint64_t netns_cookie) {
    sockets_.BeginNamespace(netns_cookie);
    namespaces_.BeginNamespace(netns_cookie);
    processes_.BeginNamespace(netns_cookie);
  }
  void Observe(const SocketSample& sample) {
    if (sockets_.Observe(sample)) ++sockets_seen_;
    namespaces_.Observe(sample);
    processes_.Observe(sample);
  }
  void EndNamespace(bool complete) {
    sockets_.EndNamespace(complete);
    namespaces_.EndNamespace(complete);
    processes_.EndNamespace(complete);
  }

  Result EndScan(HolderSource* holders) {
    const auto netns = [this](uint64_t cookie) { return namespaces_.NetnsOf(cookie); };
    NetnsScan::Result namespaces = namespaces_.EndScan();
    ProcessScan::Result processes = processes_.EndScan(holders, netns);
    SocketScan::Result sockets = sockets_.EndScan(netns);
    Result result;
    result.sockets = sockets_seen_;
    result.suspects = sockets.suspects + processes.sockets;
    result.suspects_not_kept = sockets.suspects_not_kept + processes.sockets_not_kept;
    finding_sockets_.clear();
    Take(std::move(namespaces.present), std::move(namespaces.activity), &result);
    Take(std::move(processes.present), std::move(processes.activity), &result);
    Take(std::move(sockets.present), std::move(sockets.activity), &result);
    return result;
  }

  EngineOptions options_;
  SocketScan sockets_;
  NetnsScan namespaces_;
  ProcessScan processes_;
  std::vector<FindingSockets> finding_sockets_;

 private:
  // The findings and activity of one kind of subject, as far as there is room for them.
  template <typename Present>
  void Take(std::vector<Present> present, std::vector<v1::SignatureActivity> activity,
            Result* result) {
    for (Present& one : present) {
      if (static_cast<int>(result->findings.size()) >= options_.max_findings) {
        ++result->findings_omitted;
        continue;
      }
      one.finding.set_signature_revision(revision_);
      FindingSockets& sockets = finding_sockets_.emplace_back();
      sockets.finding = static_cast<int>(result->findings.size());
      sockets.inodes = std::move(one.inodes);
      if constexpr (requires { one.pid; }) sockets.pid = one.pid;
      result->findings.push_back(std::move(one.finding));
    }
    for (v1::SignatureActivity& one : activity) result->activity.push_back(std::move(one));
  }

  std::string revision_;
  int64_t sockets_seen_ = 0;  // in this scan
};

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(options)) {}
Engine::~Engine() = default;

void Engine::SetSignatures(std::vector<std::shared_ptr<const CompiledSignature>> signatures,
                           std::string revision) {
  impl_->SetSignatures(std::move(signatures), std::move(revision));
}

void Engine::BeginScan(Moment now) { impl_->BeginScan(now); }
void Engine::ObserveNamespace(const v1::NetworkNamespace& netns, const CounterSample* counters) {
  impl_->namespaces_.ObserveNamespace(netns, counters);
}
TcpStateMask Engine::StatesWanted(uint64_t netns_cookie) const {
  return impl_->StatesWanted(netns_cookie);
}
void Engine::BeginNamespace(uint64_t netns_cookie) { impl_->BeginNamespace(netns_cookie); }
void Engine::Observe(const SocketSample& sample) { impl_->Observe(sample); }
void Engine::EndNamespace(bool complete) { impl_->EndNamespace(complete); }
Engine::Result Engine::EndScan(HolderSource* holders) { return impl_->EndScan(holders); }
std::vector<Engine::FindingSockets> Engine::finding_sockets() const {
  return impl_->finding_sockets_;
}

std::vector<SocketSample> Engine::Members(const v1::Selector& selector) const {
  return impl_->sockets_.Members(selector);
}
std::optional<v1::NetworkNamespace> Engine::NamespaceOf(const v1::Selector& selector) const {
  return impl_->namespaces_.NamespaceOf(selector);
}
std::optional<ProcessFound> Engine::ProcessOf(const v1::Selector& selector) const {
  return impl_->processes_.ProcessOf(selector);
}
std::optional<bool> Engine::Holds(uint64_t netns_cookie, absl::string_view condition) {
  return impl_->namespaces_.Holds(netns_cookie, condition);
}

void Engine::Follow(const FollowRequest& request) {
  if (request.netns_cookie.has_value()) {
    impl_->namespaces_.Follow(request);
  } else {
    impl_->sockets_.Follow(request);
  }
}
void Engine::Unfollow(absl::string_view order_id) {
  impl_->namespaces_.Unfollow(order_id);
  impl_->sockets_.Unfollow(order_id);
}
std::optional<v1::Verification> Engine::MeasuredOf(absl::string_view order_id) const {
  const auto measured = impl_->namespaces_.MeasuredOf(order_id);
  return measured.has_value() ? measured : impl_->sockets_.MeasuredOf(order_id);
}

}  // namespace tcpmedic
