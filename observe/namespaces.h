// Every network namespace on the host, not only the first: containers live there.
//
// A netlink socket or a /proc file kept open holds its namespace, and a veth peer, alive; so they
// are keyed by namespace inode and closed on the first Refresh that finds no process with that
// inode. Counters need no setns (/proc/PID/net); netlink sockets and settings (/proc/sys/net) do,
// on a short-lived thread, so that no other thread ever leaves its namespace. Not thread-safe.
#ifndef TCPMEDIC_OBSERVE_NAMESPACES_H_
#define TCPMEDIC_OBSERVE_NAMESPACES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "observe/counters.h"
#include "observe/socket_source.h"

namespace tcpmedic {

// Sources belong to the Namespaces and are valid until its next Refresh; null: see `problem`.
struct ObservedNamespace {
  uint64_t inode = 0;
  uint64_t cookie = 0;  // 0 where `sockets` is null
  int pid = 0;          // a process that is in it now, in the agent's pid namespace
  // For people: "host" for that of pid 1 (our own where pid 1 may not be looked at), else
  // "netns of pid 812 (nginx)".
  std::string name;
  SocketSource* sockets = nullptr;
  CounterSource* counters = nullptr;  // with the settings, except where setns is refused
  std::string problem;  // empty, or what cannot be read: "setns (needs CAP_SYS_ADMIN): EPERM"
};

class Namespaces {
 public:
  struct Options {
    std::string proc_root = "/proc";
    // Where not empty, only these namespaces are opened (by inode): a drill watches its lab alone.
    absl::flat_hash_set<uint64_t> only_inodes = {};
    int max_namespaces = 1024;  // further ones are left out and counted
  };
  explicit Namespaces(Options options);
  ~Namespaces();

  // Looks for new and dead namespaces. Cheap: one readlink per process.
  // PermissionDenied or Unavailable: /proc itself cannot be read; what was open stays.
  absl::Status Refresh();

  const std::vector<ObservedNamespace>& current() const { return current_; }  // by inode, ascending
  int omitted() const { return omitted_; }
  // Processes whose namespace we may not look at (ptrace rights) and that is none of current(), as
  // far as can be told: theirs may be missing there.
  int processes_denied() const { return processes_denied_; }

 private:
  struct Open;
  Options options_;
  std::vector<ObservedNamespace> current_;
  std::vector<std::unique_ptr<Open>> open_;
  int omitted_ = 0;
  int processes_denied_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_NAMESPACES_H_
