// Processes as /proc shows them: who holds which socket, and what that program is. Reads only.
// Thread-compatible. The root is injected; on a host it is "/proc".
#ifndef TCPMEDIC_OBSERVE_PROCESSES_H_
#define TCPMEDIC_OBSERVE_PROCESSES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

struct Holder {
  int pid = 0;
  int fd = 0;
};

// A pass over every /proc/PID/fd. Bounded: gives up after `max_fds` links and says so.
struct HolderScan {
  absl::flat_hash_map<uint32_t, std::vector<Holder>>
      holders;  // by socket inode; every holder: forks share sockets
  int64_t fds_read = 0;
  int64_t processes_denied = 0;  // whose fds may not be read (EACCES): holders may be missing
  int64_t not_found = 0;         // of the sockets asked for: those without a holder above
  bool complete = true;
};

class Processes {
 public:
  explicit Processes(std::string proc_root = "/proc", std::string cgroup_root = "/sys/fs/cgroup")
      : root_(std::move(proc_root)), cgroup_root_(std::move(cgroup_root)) {}

  HolderScan FindHolders(const absl::flat_hash_set<uint32_t>& inodes,
                         int64_t max_fds = 2'000'000) const;

  // The same in one process alone, without looking at the descriptors in `but`.
  HolderScan FindHoldersIn(int pid, const absl::flat_hash_set<uint32_t>& inodes,
                           const absl::flat_hash_set<int>& but, int64_t max_fds = 2'000'000) const;

  // NotFound: no such process (any more). Fields that may not be read stay unset. `fds` is left
  // empty.
  absl::StatusOr<v1::Process> Read(int pid) const;

  // The start time in clock ticks since boot, which with the pid identifies a process. NotFound as
  // above.
  absl::StatusOr<uint64_t> StartTicks(int pid) const;

 private:
  std::string root_;
  std::string cgroup_root_;
};

// "/system.slice/nginx.service" → "nginx.service"; empty where there is none. Pure.
std::string SystemdUnitOf(absl::string_view cgroup_path);
// The 64-hex id in docker, containerd, cri-o and podman paths; empty where there is none. Pure.
std::string ContainerIdOf(absl::string_view cgroup_path);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_PROCESSES_H_
