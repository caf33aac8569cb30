// The text of the policy files, as they lie in one directory: the only part of controller/policy
// that does I/O.
#ifndef TCPMEDIC_CONTROLLER_POLICY_POLICY_FILES_H_
#define TCPMEDIC_CONTROLLER_POLICY_POLICY_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

// Far above what people write; a bound against the wrong directory.
inline constexpr size_t kMaxPolicyFileBytes = 1 << 20;
inline constexpr size_t kMaxPolicyFiles = 1000;

struct PolicyFile {
  std::string path;  // relative to the directory: "signatures/pinned-cwnd.yaml"
  std::string content;
};

// Whether the file holds cases, which test the others and are not in force themselves: it lies
// under cases/.
bool HoldsCases(absl::string_view path);

// Reads every *.yaml below `directory`, by path; hidden entries are left out. NotFound: no such
// directory. PermissionDenied, Unavailable: it or a file in it cannot be read. ResourceExhausted:
// over a bound.
absl::StatusOr<std::vector<PolicyFile>> ReadPolicyFiles(const std::string& directory);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_POLICY_FILES_H_
