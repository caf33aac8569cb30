#include "agent/attribution.h"

#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kRssSpacing = absl::Seconds(5);
constexpr absl::Duration kRssKept = absl::Minutes(5);
// Below this a single page fault would look like a leak.
constexpr absl::Duration kRssShortestSpan = absl::Seconds(10);

// What one process holds of a finding's sockets.
struct Share {
  int pid = 0;
  int sockets = 0;
  std::vector<int> fds;
};

// Those that hold most come first.
std::vector<Share> SharesOf(const std::vector<uint32_t>& inodes, const HolderScan& scan) {
  absl::btree_map<int, Share> by_pid;
  for (const uint32_t inode : inodes) {
    const auto holders = scan.holders.find(inode);
    if (holders == scan.holders.end()) continue;
    absl::flat_hash_set<int> counted;  // one socket may have several fds in one process
    for (const Holder& holder : holders->second) {
      Share& share = by_pid[holder.pid];
      share.pid = holder.pid;
      share.fds.push_back(holder.fd);
      if (counted.insert(holder.pid).second) ++share.sockets;
    }
  }
  std::vector<Share> shares;
  for (auto& [pid, share] : by_pid) shares.push_back(std::move(share));
  std::stable_sort(shares.begin(), shares.end(),
                   [](const Share& a, const Share& b) { return a.sockets > b.sockets; });
  return shares;
}

}  // namespace

void RssHistory::Add(absl::Duration uptime, int64_t rss_bytes) {
  if (!readings_.empty() && uptime - readings_.back().first < kRssSpacing) return;
  readings_.emplace_back(uptime, rss_bytes);
  while (uptime - readings_.front().first > kRssKept) readings_.pop_front();
}

std::optional<double> RssHistory::GrowthBytesPerMinute() const {
  if (readings_.empty() || readings_.back().first - readings_.front().first < kRssShortestSpan) {
    return std::nullopt;
  }
  const double count = static_cast<double>(readings_.size());
  const auto minutes_of = [&](const auto& reading) {
    return absl::FDivDuration(reading.first - readings_.front().first, absl::Minutes(1));
  };
  double mean_minutes = 0;
  double mean_bytes = 0;
  for (const auto& reading : readings_) {
    mean_minutes += minutes_of(reading) / count;
    mean_bytes += static_cast<double>(reading.second) / count;
  }
  double covariance = 0;
  double variance = 0;
  for (const auto& reading : readings_) {
    const double from_mean = minutes_of(reading) - mean_minutes;
    covariance += from_mean * (static_cast<double>(reading.second) - mean_bytes);
    variance += from_mean * from_mean;
  }
  return covariance / variance;
}

void Attribution::Attribute(const std::vector<Engine::FindingSockets>& sockets,
                            absl::Duration uptime, std::vector<v1::Finding>* findings) {
  for (auto& [pid, described] : described_) described.in_use = false;
  bool looked_up_now = false;
  if (!HoldersCover(sockets, uptime)) {
    FindHolders(sockets, uptime);
    looked_up_now = true;
  }
  const auto fill_all = [&] {
    bool all_alive = true;
    for (const Engine::FindingSockets& of_finding : sockets) {
      all_alive &= FillProcesses(of_finding, uptime, &(*findings)[of_finding.finding]);
    }
    return all_alive;
  };
  // A holder that has ended may have left its sockets to a child; but what ends right after the
  // pass is left out.
  if (!fill_all() && !looked_up_now) {
    FindHolders(sockets, uptime);
    fill_all();
  }
  absl::erase_if(described_, [](const auto& entry) { return !entry.second.in_use; });
}

bool Attribution::HoldersCover(const std::vector<Engine::FindingSockets>& sockets,
                               absl::Duration uptime) const {
  bool any = false;
  for (const Engine::FindingSockets& of_finding : sockets) {
    for (const uint32_t inode : of_finding.inodes) {
      any = true;
      if (!holders_.looked_up.contains(inode)) return false;
    }
  }
  return !any || uptime - holders_.at < options_.holders_max_age;
}

void Attribution::FindHolders(const std::vector<Engine::FindingSockets>& sockets,
                              absl::Duration uptime) {
  holders_ = Holders();
  holders_.at = uptime;
  for (const Engine::FindingSockets& of_finding : sockets) {
    holders_.looked_up.insert(of_finding.inodes.begin(), of_finding.inodes.end());
  }
  // Inode 0: the kernel's sign for a socket that no process holds.
  absl::flat_hash_set<uint32_t> inodes = holders_.looked_up;
  inodes.erase(0);
  if (inodes.empty()) return;
  holders_.scan = processes_.FindHolders(inodes);
  for (const auto& [inode, holders] : holders_.scan.holders) {
    for (const Holder& holder : holders) {
      if (holders_.start_ticks.contains(holder.pid)) continue;
      const absl::StatusOr<uint64_t> ticks = processes_.StartTicks(holder.pid);
      if (ticks.ok()) holders_.start_ticks[holder.pid] = *ticks;
    }
  }
}

bool Attribution::FillProcesses(const Engine::FindingSockets& sockets, absl::Duration uptime,
                                v1::Finding* finding) {
  finding->clear_processes();
  bool all_alive = true;
  for (Share& share : SharesOf(sockets.inodes, holders_.scan)) {
    if (finding->processes_size() == options_.max_processes) break;
    const v1::Process* process = Describe(share.pid, uptime);
    if (process == nullptr) {
      all_alive = false;
      continue;
    }
    v1::Process* holder = finding->add_processes();
    *holder = *process;
    std::sort(share.fds.begin(), share.fds.end());
    share.fds.resize(std::min(share.fds.size(), static_cast<size_t>(options_.max_fds)));
    holder->mutable_fds()->Assign(share.fds.begin(), share.fds.end());
  }
  return all_alive;
}

const v1::Process* Attribution::Describe(int pid, absl::Duration uptime) {
  const auto found_as = holders_.start_ticks.find(pid);
  if (found_as == holders_.start_ticks.end()) return nullptr;
  const absl::StatusOr<uint64_t> ticks = processes_.StartTicks(pid);
  if (!ticks.ok() || *ticks != found_as->second) return nullptr;

  Described& described = described_[pid];
  if (described.start_ticks != *ticks) {
    described = Described();
    described.read_at = -absl::InfiniteDuration();
  }
  if (uptime - described.read_at >= options_.process_max_age) {
    absl::StatusOr<v1::Process> process = processes_.Read(pid);
    if (!process.ok()) return nullptr;
    described.start_ticks = *ticks;
    described.process = *std::move(process);
    described.read_at = uptime;
    if (described.process.has_rss_bytes()) {
      described.rss.Add(uptime, described.process.rss_bytes());
    }
    if (const std::optional<double> growth = described.rss.GrowthBytesPerMinute()) {
      described.process.set_rss_growth_bytes_per_min(*growth);
    }
  }
  described.in_use = true;
  return &described.process;
}

absl::flat_hash_map<uint32_t, std::vector<int>> Attribution::PidsHolding(
    const absl::flat_hash_set<uint32_t>& inodes) const {
  absl::flat_hash_map<uint32_t, std::vector<int>> pids;
  if (inodes.empty()) return pids;
  for (const auto& [inode, holders] : processes_.FindHolders(inodes).holders) {
    std::vector<int>& of_socket = pids[inode];
    for (const Holder& holder : holders) {
      if (std::find(of_socket.begin(), of_socket.end(), holder.pid) == of_socket.end()) {
        of_socket.push_back(holder.pid);
      }
    }
  }
  return pids;
}

std::string Attribution::blind_spot() const {
  if (!holders_.scan.complete) {
    return absl::StrCat("holders of sockets may be missing: the search stopped after ",
                        holders_.scan.fds_read, " open files");
  }
  if (holders_.scan.processes_denied > 0) {
    return absl::StrCat("holders of sockets may be missing: the open files of ",
                        holders_.scan.processes_denied, " processes may not be read");
  }
  return "";
}

}  // namespace tcpmedic
