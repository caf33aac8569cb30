#include "scan/attribution.h"

#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

// What one process holds of a finding's sockets.
struct Share {
  int pid = 0;
  int sockets = 0;
  std::vector<int> fds;
};

// Those that hold most come first; before them the one that the finding is about, if it says so.
std::vector<Share> SharesOf(const Engine::FindingSockets& sockets, const HolderScan& scan) {
  absl::btree_map<int, Share> by_pid;
  for (const uint32_t inode : sockets.inodes) {
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
  std::stable_sort(shares.begin(), shares.end(), [&](const Share& a, const Share& b) {
    if ((a.pid == sockets.pid) != (b.pid == sockets.pid)) return a.pid == sockets.pid;
    return a.sockets > b.sockets;
  });
  return shares;
}

}  // namespace

void Attribution::Attribute(const std::vector<Engine::FindingSockets>& sockets,
                            absl::Duration uptime, std::vector<v1::Finding>* findings) {
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
  described_.ForgetUnused(uptime);
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
  for (Share& share : SharesOf(sockets, holders_.scan)) {
    if (finding->processes_size() == options_.max_processes) break;
    const v1::Process* process = DescribeHolder(share.pid, uptime);
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

const v1::Process* Attribution::DescribeHolder(int pid, absl::Duration uptime) {
  const auto found_as = holders_.start_ticks.find(pid);
  if (found_as == holders_.start_ticks.end()) return nullptr;
  return described_.Describe({pid, found_as->second}, uptime);
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
  for (const HolderScan* const scan : {&holders_.scan, &known_holders_.newest_pass()}) {
    // What could not be seen concerns none of these sockets.
    if (scan->not_found == 0) continue;
    if (!scan->complete) {
      return absl::StrCat("holders of sockets may be missing: the search stopped after ",
                          scan->fds_read, " open files");
    }
    if (scan->processes_denied > 0) {
      return absl::StrCat("holders of sockets may be missing: the open files of ",
                          scan->processes_denied, " processes may not be read");
    }
  }
  return "";
}

}  // namespace tcpmedic
