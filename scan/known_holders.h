// Who holds many sockets of few programs, cheaply: leaks have few holders, so those that are known
// to hold such sockets are looked at first, and of them only descriptors not known yet. All
// processes are looked at only for what is left, and seldom. Not thread-safe.
#ifndef TCPMEDIC_SCAN_KNOWN_HOLDERS_H_
#define TCPMEDIC_SCAN_KNOWN_HOLDERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "diagnosis/holder_source.h"
#include "observe/processes.h"

namespace tcpmedic {

class KnownHolders {
 public:
  static constexpr size_t kMaxKnown = 64;  // processes; the others are found by looking at all
  // After a pass over all processes, the next is so much later for each link that it has read:
  // about 1 in 200 of one core, at 2 us a link. At most a minute.
  static constexpr absl::Duration kPausePerLink = absl::Microseconds(400);
  static constexpr absl::Duration kLongestPause = absl::Minutes(1);

  // `processes` outlives this.
  explicit KnownHolders(const Processes* processes) : processes_(processes) {}

  // As HolderSource.
  HoldersByInode HoldersOf(const std::vector<uint32_t>& inodes, absl::Duration uptime);

  int64_t full_passes() const { return full_passes_; }
  // The newest pass over all processes could not see everything: as HolderScan. Empty: it could, or
  // there was none.
  const HolderScan& newest_pass() const { return newest_pass_; }

 private:
  struct Known {
    uint64_t start_ticks = 0;
    absl::flat_hash_set<int> fds;  // that held a socket that was asked for
    absl::Duration useful_at;      // when one was last found there
  };

  // Takes over what a pass has found.
  void Take(const HolderScan& scan, absl::Duration uptime, HoldersByInode* holders);
  void LookAtKnown(const absl::flat_hash_set<uint32_t>& inodes, bool at_every_fd,
                   absl::Duration uptime, HoldersByInode* holders);

  const Processes* processes_;
  std::map<int, Known> known_;  // by pid
  absl::Duration next_pass_ = -absl::InfiniteDuration();
  int64_t full_passes_ = 0;
  HolderScan newest_pass_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_KNOWN_HOLDERS_H_
