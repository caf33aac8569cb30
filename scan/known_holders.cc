#include "scan/known_holders.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/statusor.h"

namespace tcpmedic {
namespace {

absl::flat_hash_set<uint32_t> NotFoundOf(const absl::flat_hash_set<uint32_t>& inodes,
                                         const HoldersByInode& holders) {
  absl::flat_hash_set<uint32_t> left;
  for (const uint32_t inode : inodes) {
    if (!holders.contains(inode)) left.insert(inode);
  }
  return left;
}

}  // namespace

void KnownHolders::Take(const HolderScan& scan, absl::Duration uptime, HoldersByInode* holders) {
  for (const auto& [inode, found] : scan.holders) {
    for (const Holder& holder : found) {
      auto known = known_.find(holder.pid);
      if (known == known_.end()) {
        const absl::StatusOr<uint64_t> ticks = processes_->StartTicks(holder.pid);
        if (!ticks.ok()) continue;  // it has ended meanwhile
        known = known_.try_emplace(holder.pid).first;
        known->second.start_ticks = *ticks;
      }
      known->second.fds.insert(holder.fd);
      known->second.useful_at = uptime;
      (*holders)[inode].push_back({{holder.pid, known->second.start_ticks}, holder.fd});
    }
  }
}

void KnownHolders::LookAtKnown(const absl::flat_hash_set<uint32_t>& inodes, bool at_every_fd,
                               absl::Duration uptime, HoldersByInode* holders) {
  std::vector<int> pids;
  for (const auto& [pid, known] : known_) pids.push_back(pid);
  for (const int pid : pids) {
    Known& known = known_[pid];
    if (at_every_fd) known.fds.clear();
    Take(processes_->FindHoldersIn(pid, inodes, known.fds), uptime, holders);
  }
}

HoldersByInode KnownHolders::HoldersOf(const std::vector<uint32_t>& inodes, absl::Duration uptime) {
  for (auto it = known_.begin(); it != known_.end();) {
    const absl::StatusOr<uint64_t> ticks = processes_->StartTicks(it->first);
    it = ticks.ok() && *ticks == it->second.start_ticks ? std::next(it) : known_.erase(it);
  }
  // Those that were useful last are kept.
  while (known_.size() > kMaxKnown) {
    known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
      return a.second.useful_at < b.second.useful_at;
    }));
  }

  absl::flat_hash_set<uint32_t> wanted(inodes.begin(), inodes.end());
  wanted.erase(0);
  HoldersByInode holders;
  LookAtKnown(wanted, /*at_every_fd=*/false, uptime, &holders);
  // A descriptor may be another socket's by now.
  absl::flat_hash_set<uint32_t> left = NotFoundOf(wanted, holders);
  if (!left.empty()) {
    LookAtKnown(left, /*at_every_fd=*/true, uptime, &holders);
    left = NotFoundOf(left, holders);
  }
  if (left.empty() || uptime < next_pass_) return holders;

  newest_pass_ = processes_->FindHolders(left);
  ++full_passes_;
  next_pass_ = uptime + std::min(kLongestPause, newest_pass_.fds_read * kPausePerLink);
  Take(newest_pass_, uptime, &holders);
  newest_pass_.holders.clear();
  for (const uint32_t inode : left) holders[inode];  // also those that no one holds
  return holders;
}

}  // namespace tcpmedic
