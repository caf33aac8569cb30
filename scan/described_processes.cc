#include "scan/described_processes.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kForgottenAfter = absl::Minutes(1);

}  // namespace

const v1::Process* DescribedProcesses::Describe(const ProcessKey& key, absl::Duration uptime) {
  const absl::StatusOr<uint64_t> ticks = processes_->StartTicks(key.pid);
  if (!ticks.ok() || *ticks != key.start_ticks) return nullptr;

  Described& described = described_[key];
  described.asked_at = uptime;
  if (uptime - described.read_at < max_age_) return &described.process;
  absl::StatusOr<v1::Process> process = processes_->Read(key.pid);
  if (!process.ok()) return nullptr;
  described.process = *std::move(process);
  described.read_at = uptime;
  if (described.process.has_rss_bytes()) {
    described.rss_bytes.Add(uptime, static_cast<double>(described.process.rss_bytes()));
  }
  if (described.process.has_fd_count()) described.fds.Add(uptime, described.process.fd_count());
  if (const auto growth = described.rss_bytes.PerMinute()) {
    described.process.set_rss_growth_bytes_per_min(*growth);
  }
  if (const auto growth = described.fds.PerMinute()) {
    described.process.set_fd_growth_per_min(*growth);
  }
  if (described.process.has_rss_growth_bytes_per_min() ||
      described.process.has_fd_growth_per_min()) {
    *described.process.mutable_growth_span() =
        ToProto(std::max(described.rss_bytes.span(), described.fds.span()));
  }
  return &described.process;
}

void DescribedProcesses::ForgetUnused(absl::Duration uptime) {
  absl::erase_if(described_, [&](const auto& entry) {
    return uptime - entry.second.asked_at > kForgottenAfter;
  });
}

}  // namespace tcpmedic
