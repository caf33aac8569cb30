#include "scan/compiled_set.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/issue.h"

namespace tcpmedic {

absl::StatusOr<CompiledSet> CompileSet(const v1::SignatureSet& set) {
  if (set.signatures_size() > kMaxSignatures) {
    return absl::ResourceExhaustedError(absl::StrCat("signatures ", set.revision(), ": ",
                                                     set.signatures_size(), " are more than ",
                                                     kMaxSignatures));
  }
  CompiledSet compiled{set.revision(), set.digest(), {}};
  std::vector<Issue> issues;
  for (const v1::Signature& signature : set.signatures()) {
    std::vector<Issue> mistakes;
    compiled.signatures.push_back(CompileSignature(signature, &mistakes));
    for (Issue& mistake : mistakes) {
      mistake.message = absl::StrCat(signature.name(), ": ", mistake.message);
      issues.push_back(std::move(mistake));
    }
  }
  if (!issues.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("signatures ", set.revision(), ":\n", Format(issues)));
  }
  return compiled;
}

}  // namespace tcpmedic
