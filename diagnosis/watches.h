// The signatures at work, one watch each. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_WATCHES_H_
#define TCPMEDIC_DIAGNOSIS_WATCHES_H_

#include <memory>
#include <utility>
#include <vector>

#include "diagnosis/compiled_signature.h"

namespace tcpmedic {

// One watch per signature, in their order. The watch of a signature whose text is unchanged goes on
// with all that it remembers; the others of `present` end.
template <typename Watch>
std::vector<std::unique_ptr<Watch>> WatchesOf(
    const std::vector<std::shared_ptr<const CompiledSignature>>& signatures,
    std::vector<std::unique_ptr<Watch>> present) {
  std::vector<std::unique_ptr<Watch>> watches;
  for (const auto& signature : signatures) {
    const std::string text = signature->definition.SerializeAsString();
    std::unique_ptr<Watch> watch;
    for (auto& candidate : present) {
      if (candidate == nullptr) continue;
      if (candidate->signature().definition.SerializeAsString() != text) continue;
      watch = std::move(candidate);
      break;
    }
    if (watch == nullptr) watch = std::make_unique<Watch>(signature);
    watches.push_back(std::move(watch));
  }
  return watches;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_WATCHES_H_
