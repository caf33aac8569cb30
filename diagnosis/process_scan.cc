#include "diagnosis/process_scan.h"

#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "diagnosis/watches.h"

namespace tcpmedic {

void ProcessScan::SetSignatures(
    const std::vector<std::shared_ptr<const CompiledSignature>>& signatures) {
  watches_ = WatchesOf(signatures, std::move(watches_));
}

void ProcessScan::BeginScan(Moment now) {
  for (const auto& watch : watches_) watch->BeginScan(now);
}

TcpStateMask ProcessScan::StatesWanted(uint64_t netns_cookie) const {
  TcpStateMask states = 0;
  for (const auto& watch : watches_) states |= watch->StatesWanted(netns_cookie);
  return states;
}

void ProcessScan::BeginNamespace(uint64_t netns_cookie) {
  for (const auto& watch : watches_) watch->BeginNamespace(netns_cookie);
}

void ProcessScan::Observe(const SocketSample& sample) {
  for (const auto& watch : watches_) watch->Observe(sample);
}

void ProcessScan::EndNamespace(bool complete) {
  for (const auto& watch : watches_) watch->EndNamespace(complete);
}

ProcessScan::Result ProcessScan::EndScan(
    HolderSource* holders, absl::FunctionRef<v1::NetworkNamespace(uint64_t netns_cookie)> netns) {
  const ProcessWatch::Surroundings around{holders, netns, max_sockets_per_finding_};
  Result result;
  for (const auto& watch : watches_) {
    // The key of a group does not say which namespace it is in. A process that leaks in two of
    // them, at the same listener, is one finding.
    absl::flat_hash_set<std::string> groups;
    for (ProcessWatch::Present& present : watch->EndScan(around)) {
      if (groups.insert(present.finding.group()).second) {
        result.present.push_back(std::move(present));
      }
    }
    result.activity.push_back(watch->activity());
    result.sockets += static_cast<int64_t>(watch->sockets());
    result.sockets_not_kept += watch->not_kept();
  }
  return result;
}

std::optional<ProcessFound> ProcessScan::ProcessOf(const v1::Selector& selector) const {
  for (const auto& watch : watches_) {
    if (watch->signature().definition.name() != selector.signature()) continue;
    return watch->Find(selector);
  }
  return std::nullopt;
}

}  // namespace tcpmedic
