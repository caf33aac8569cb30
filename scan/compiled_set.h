// All signatures of one revision of the policy files, compiled: what one scan looks for. Taken
// whole or not at all. Pure; immutable once made.
#ifndef TCPMEDIC_SCAN_COMPILED_SET_H_
#define TCPMEDIC_SCAN_COMPILED_SET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "diagnosis/signature.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

struct CompiledSet {
  std::string revision;
  std::string digest;
  std::vector<std::shared_ptr<const CompiledSignature>> signatures;
};

inline constexpr int kMaxSignatures = 256;

// InvalidArgument: every mistake found, one per line. ResourceExhausted: over kMaxSignatures.
absl::StatusOr<CompiledSet> CompileSet(const v1::SignatureSet& set);

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_COMPILED_SET_H_
