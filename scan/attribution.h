// Who holds the sockets of a finding: inode → every holder (forks share sockets) → what that
// program is. Cached by inode, because a pass over every /proc/PID/fd is the dearest thing that the
// agent does: made at once for a socket not seen before, otherwise every few seconds. Not
// thread-safe: it belongs to the scan thread.
#ifndef TCPMEDIC_SCAN_ATTRIBUTION_H_
#define TCPMEDIC_SCAN_ATTRIBUTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "diagnosis/engine.h"
#include "diagnosis/holder_source.h"
#include "observe/processes.h"
#include "scan/described_processes.h"
#include "scan/known_holders.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

class Attribution : public HolderSource {
 public:
  struct Options {
    std::string proc_root = "/proc";
    int max_processes = 16;  // per finding: those that hold most of its sockets
    int max_fds = 16;        // listed per process and finding
    absl::Duration holders_max_age = absl::Seconds(10);
    absl::Duration process_max_age = absl::Seconds(5);
  };
  explicit Attribution(Options options)
      : options_(options),
        processes_(options.proc_root),
        known_holders_(&processes_),
        described_(&processes_, options.process_max_age) {}

  // The scan's; for the engine's questions.
  void BeginScan(absl::Duration uptime) { uptime_ = uptime; }
  HoldersByInode HoldersOf(const std::vector<uint32_t>& inodes) override {
    return known_holders_.HoldersOf(inodes, uptime_);
  }
  const v1::Process* Describe(const ProcessKey& process) override {
    return described_.Describe(process, uptime_);
  }

  // Fills `processes` of the findings that `sockets` names. `uptime` is the scan's.
  void Attribute(const std::vector<Engine::FindingSockets>& sockets, absl::Duration uptime,
                 std::vector<v1::Finding>* findings);

  // The processes that hold these sockets at this moment: a pass of its own, not from the cache.
  absl::flat_hash_map<uint32_t, std::vector<int>> PidsHolding(
      const absl::flat_hash_set<uint32_t>& inodes) const;

  // What the last pass could not see of the sockets that it was asked for, in words; empty:
  // nothing.
  std::string blind_spot() const;

 private:
  // The part of /proc/PID/fd that concerns some sockets.
  struct Holders {
    absl::flat_hash_set<uint32_t> looked_up;  // also those that no one holds
    HolderScan scan;
    absl::flat_hash_map<int, uint64_t> start_ticks;  // of every holder, when it was found
    absl::Duration at = -absl::InfiniteDuration();
  };

  bool HoldersCover(const std::vector<Engine::FindingSockets>& sockets,
                    absl::Duration uptime) const;
  void FindHolders(const std::vector<Engine::FindingSockets>& sockets, absl::Duration uptime);
  // False: a holder has ended since its sockets were looked up, and is left out.
  bool FillProcesses(const Engine::FindingSockets& sockets, absl::Duration uptime,
                     v1::Finding* finding);
  // Null: the process that was found under this pid has ended.
  const v1::Process* DescribeHolder(int pid, absl::Duration uptime);

  Options options_;
  Processes processes_;
  Holders holders_;
  KnownHolders known_holders_;
  DescribedProcesses described_;
  absl::Duration uptime_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_ATTRIBUTION_H_
