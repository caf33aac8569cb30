// What this host allows, whatever a controller orders; guard_file.h reads it. An empty list allows
// nothing. It bounds what is changed, never what is undone. Pure.
#ifndef TCPMEDIC_AGENT_ACT_GUARD_H_
#define TCPMEDIC_AGENT_ACT_GUARD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tcpmedic/v1/action.pb.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// What one sysctl may be set to, both included: never wider than core/sysctl_catalogue.h has it.
struct SysctlBounds {
  int64_t min = 0;
  int64_t max = 0;
};

struct Guard {
  bool observe_only = false;  // `mode: observe`: whatever else it says, nothing is allowed
  std::vector<std::string> actions;
  std::vector<std::string> algorithms;
  std::map<std::string, SysctlBounds> sysctls;
  std::vector<std::string> namespaces;
  std::vector<std::string> processes;
};

// As `actions` names them.
inline constexpr char kSetCongestionControl[] = "set_congestion_control";
inline constexpr char kSetSysctl[] = "set_sysctl";
inline constexpr char kSampleCallSites[] = "sample_call_sites";

// An item of `namespaces`, such as "cookie:12": as a "cookie" it names 12. NullOpt: it names none.
std::optional<uint64_t> NamespaceNumber(absl::string_view item, absl::string_view kind);

// Whether the action may be done at all: its kind, and its algorithm or its settings.
// PermissionDenied says what lacks what, here and below.
absl::Status AllowsAction(const Guard& guard, const v1::Action& action);

struct NetnsIdentity {
  uint64_t cookie = 0;
  uint64_t inode = 0;                // 0: not known
  std::optional<bool> is_the_hosts;  // unset: not known
};
// All that is asked of set_sysctl's target: a setting is everyone's in its namespace, so the list
// of processes says nothing about it.
absl::Status AllowsNamespace(const Guard& guard, const NetnsIdentity& netns);

// A socket that several processes hold is theirs in common: each must be allowed, and so must the
// namespace. sample_call_sites looks into one process, its only holder here.
absl::Status AllowsSocket(const Guard& guard, const NetnsIdentity& netns,
                          absl::Span<const v1::Process> holders);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_GUARD_H_
