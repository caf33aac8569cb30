// A signature compiled against the schemas of its subject: what the engine evaluates. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_SIGNATURE_H_
#define TCPMEDIC_DIAGNOSIS_SIGNATURE_H_

#include <memory>
#include <vector>

#include "core/issue.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

// Immutable and shared between threads. Its inside is the engine's business
// (diagnosis/compiled_signature.h).
class CompiledSignature;

// Type-checks and compiles. On failure returns null and appends every mistake found; Issue::file is
// left empty and positions are within the named field's text: Issue::message begins with the field
// ("unless.reordering: …").
std::shared_ptr<const CompiledSignature> CompileSignature(const v1::Signature& signature,
                                                          std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SIGNATURE_H_
