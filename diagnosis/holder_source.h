// Who holds sockets, and what these programs are: the seam between the signatures of subject
// process and /proc. Asked within EndScan, on the scan thread.
#ifndef TCPMEDIC_DIAGNOSIS_HOLDER_SOURCE_H_
#define TCPMEDIC_DIAGNOSIS_HOLDER_SOURCE_H_

#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// A process as long as it lives: pids are used again.
struct ProcessKey {
  int pid = 0;
  uint64_t start_ticks = 0;  // since boot, as /proc/PID/stat has it

  auto operator<=>(const ProcessKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const ProcessKey& key) {
    return H::combine(std::move(h), key.pid, key.start_ticks);
  }
};

struct SocketHolder {
  ProcessKey process;
  int fd = 0;
};
using HoldersByInode = absl::flat_hash_map<uint32_t, std::vector<SocketHolder>>;

class HolderSource {
 public:
  virtual ~HolderSource() = default;

  // The processes that hold these sockets, by inode. Empty: it was looked for, and nobody was found
  // to hold it. Missing: it was not looked for now, for what that costs; ask again later.
  virtual HoldersByInode HoldersOf(const std::vector<uint32_t>& inodes) = 0;

  // The process as it is now or was seconds ago; null: it has ended. Valid until the next call.
  virtual const v1::Process* Describe(const ProcessKey& process) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_HOLDER_SOURCE_H_
