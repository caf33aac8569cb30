// The host as the order book acts on it: other processes' TCP sockets and network namespaces'
// settings, found, read and changed. The seam between orders and the kernel; a fake holds them in
// memory.
//
// A socket is reached through a duplicate of a holder's descriptor (pidfd_getfd(2)), which is
// closed before the call returns: while it is open, the holder's own close() would send no FIN. A
// namespace is entered on a short-lived thread and kept open no longer than the call.
// Thread-compatible.
#ifndef TCPMEDIC_AGENT_ACT_HOST_CONTROL_H_
#define TCPMEDIC_AGENT_ACT_HOST_CONTROL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "observe/processes.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// Where a socket was last seen. Only `key` is its identity: pids, descriptors and inodes are used
// again, so what they lead to counts only when its SO_COOKIE and SO_NETNS_COOKIE are these.
struct Whereabouts {
  SocketKey key;
  uint32_t inode = 0;
  std::vector<Holder> holders;
};

struct SocketFacts {
  TcpState state = TcpState::kClose;
  std::string congestion_control;
  // Whether this process may set `congestion_control` again once it was replaced.
  bool restorable = false;
  uint64_t netns_inode = 0;           // 0: not known
  std::optional<bool> in_host_netns;  // in the namespace named "host"; unset: not known
};

// Where a network namespace was last seen. Only `cookie` (SO_NETNS_COOKIE) is its identity, and it
// must be known: inodes are used again. Where `inode` is known, no namespace with another is
// entered.
struct NetnsRef {
  uint64_t cookie = 0;
  uint64_t inode = 0;  // 0: look everywhere
};

struct NetnsFacts {
  uint64_t cookie = 0;
  uint64_t inode = 0;
  std::optional<bool> in_host_netns;  // it is the namespace named "host"; unset: not known
};

class HostControl {
 public:
  virtual ~HostControl() = default;

  // Sets `holders` of every socket to the descriptors under which processes hold its inode: of
  // `pids`, or of every process where `pids` is empty. False: some processes could not be looked
  // at, so a socket without holders may have one all the same.
  virtual bool Locate(absl::Span<Whereabouts> sockets, absl::Span<const int> pids) = 0;

  // NotFound: none of `holders` has that socket (any more). PermissionDenied: names the capability.
  virtual absl::StatusOr<SocketFacts> Read(const Whereabouts& socket) = 0;

  // Sets TCP_CONGESTION to `to` where it is `from` at this moment. Errors: as Read, or the refusal
  // of `to`.
  struct Exchange {
    bool changed = false;
    std::string now;  // read back
  };
  virtual absl::StatusOr<Exchange> ExchangeCongestionControl(const Whereabouts& socket,
                                                             absl::string_view from,
                                                             absl::string_view to) = 0;

  // NotFound: it is certain that no process, no thread and no mount of pid 1's or our own (`ip
  // netns` makes such) has that namespace any more. PermissionDenied: some may, but cannot be
  // looked at, or the namespace cannot be entered (names the capability). Unavailable: /proc cannot
  // be read.
  virtual absl::StatusOr<NetnsFacts> FindNetns(const NetnsRef& netns) = 0;

  // Settings by sysctl(8)'s dotted names, only those of core/sysctl_catalogue.h; values are decimal
  // integers without the newline. Errors as FindNetns, and InvalidArgument: another name, or no
  // integer. FailedPrecondition: this namespace shows no such file, or the kernel refuses the
  // value. PermissionDenied also where /proc/sys is read-only.
  virtual absl::StatusOr<std::string> ReadSysctl(const NetnsRef& netns, absl::string_view name) = 0;

  // Writes `to` where the value is `from` at this moment, and reads it back. Bounds are not
  // checked: an undo writes what was found. The kernel has no compare-and-set for these files, so a
  // write of another's between the two system calls is lost. After an error other than NotFound,
  // InvalidArgument or FailedPrecondition the value may have been written all the same.
  virtual absl::StatusOr<Exchange> ExchangeSysctl(const NetnsRef& netns, absl::string_view name,
                                                  absl::string_view from, absl::string_view to) = 0;

  // NotFound: no such process (any more).
  virtual absl::StatusOr<v1::Process> Describe(int pid) = 0;
};

std::unique_ptr<HostControl> MakeHostControl(std::string proc_root = "/proc");

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_HOST_CONTROL_H_
