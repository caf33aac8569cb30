// What is left of a lab on the machine, looked for from outside in /proc. Reads only; thread-safe.
#ifndef TCPMEDIC_LAB_REMNANTS_H_
#define TCPMEDIC_LAB_REMNANTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace tcpmedic::lab {

// One line per process that is in one of these namespaces (network or PID, by inode), or that holds
// a descriptor of one: "pid 4711 (iperf3) is in the lab's network namespace 4026532301". Processes
// that may not be looked into are left out.
std::vector<std::string> FindRemnants(const absl::flat_hash_set<uint64_t>& namespace_inodes,
                                      const std::string& proc_root = "/proc");

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_REMNANTS_H_
