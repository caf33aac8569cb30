// Sysctls of one network namespace of the host, found by its cookie, read and changed from inside
// it. Nothing stays open between calls. Thread-compatible. Errors: as agent/act/host_control.h has
// them.
#ifndef TCPMEDIC_AGENT_ACT_NETNS_SYSCTLS_H_
#define TCPMEDIC_AGENT_ACT_NETNS_SYSCTLS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/act/host_control.h"

namespace tcpmedic {

class NetnsSysctls {
 public:
  explicit NetnsSysctls(std::string proc_root) : proc_root_(std::move(proc_root)) {}

  // The inode of the namespace that has this cookie now.
  absl::StatusOr<uint64_t> InodeOf(const NetnsRef& netns) const;

  absl::StatusOr<std::string> Read(const NetnsRef& netns, absl::string_view name) const;
  absl::StatusOr<HostControl::Exchange> Replace(const NetnsRef& netns, absl::string_view name,
                                                absl::string_view from, absl::string_view to) const;

 private:
  const std::string proc_root_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_NETNS_SYSCTLS_H_
