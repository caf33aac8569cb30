// The memory limit that a process runs into first: of its cgroup, or of one above it. Reads only.
// cgroup v2 (memory.max, memory.current) and v1's memory controller (memory.limit_in_bytes,
// memory.usage_in_bytes); cgroups(7).
#ifndef TCPMEDIC_OBSERVE_CGROUP_MEMORY_H_
#define TCPMEDIC_OBSERVE_CGROUP_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

struct CgroupMemory {
  int64_t limit_bytes = 0;
  int64_t used_bytes = 0;
};

// `proc_cgroup`: the text of /proc/PID/cgroup. Of all limits between that cgroup and the root
// (`cgroup_root`, where the hierarchies are mounted), the one with the least left. NullOpt: none
// has a limit, or none can be read, as for a process outside the reader's cgroup namespace.
std::optional<CgroupMemory> ReadCgroupMemory(const std::string& cgroup_root,
                                             absl::string_view proc_cgroup);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CGROUP_MEMORY_H_
