// The policy files: all signatures and policies of one directory, taken whole or not at all.
// ParsePolicyFiles is pure; LoadPolicyDirectory is the thin shell that reads the files for it.
// Thread-safe: plain values.
#ifndef TCPMEDIC_CONTROLLER_POLICY_POLICY_SET_H_
#define TCPMEDIC_CONTROLLER_POLICY_POLICY_SET_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/policy/policy_files.h"
#include "core/issue.h"
#include "tcpmedic/v1/policy.pb.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

struct PolicySet {
  std::string revision;              // "digest:" and the first 12 digits of the digest
  std::string digest;                // sha256 over the sorted paths and contents, hex
  v1::SignatureSet signatures;       // by name; every one compiles
  std::vector<v1::Policy> policies;  // by name; every expression compiles, every signature exists
};

// Reads every document of every file, except those that hold cases. With a single mistake anywhere,
// returns nullopt and appends all mistakes to `issues`, by file and line. The order of `files` does
// not matter.
std::optional<PolicySet> ParsePolicyFiles(std::vector<PolicyFile> files,
                                          std::vector<Issue>* issues);

// Reads and parses one directory. InvalidArgument: there are mistakes; all are in `issues`.
// Otherwise as ReadPolicyFiles.
absl::StatusOr<PolicySet> LoadPolicyDirectory(const std::string& directory,
                                              std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_POLICY_SET_H_
