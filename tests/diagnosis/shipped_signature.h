// The signatures as they are shipped in policies/, so that tests prove what runs.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_SHIPPED_SIGNATURE_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_SHIPPED_SIGNATURE_H_

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "controller/policy/policy_set.h"
#include "core/issue.h"
#include "diagnosis/signature.h"

namespace tcpmedic {

inline v1::Signature ShippedSignature(const std::string& name) {
  std::vector<Issue> issues;
  const auto set = LoadPolicyDirectory(TCPMEDIC_SOURCE_DIR "/policies", &issues);
  if (set.ok()) {
    for (const v1::Signature& signature : set->signatures.signatures()) {
      if (signature.name() == name) return signature;
    }
  }
  std::fprintf(stderr, "no signature %s: %s\n%s\n", name.c_str(), set.status().ToString().c_str(),
               Format(issues).c_str());
  std::abort();
}

inline std::shared_ptr<const CompiledSignature> MustCompile(const v1::Signature& signature) {
  std::vector<Issue> issues;
  auto compiled = CompileSignature(signature, &issues);
  if (compiled == nullptr) {
    std::fprintf(stderr, "%s\n", Format(issues).c_str());
    std::abort();
  }
  return compiled;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_SHIPPED_SIGNATURE_H_
