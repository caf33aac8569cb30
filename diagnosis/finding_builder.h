// What findings have in common, whatever their subject. What is particular to sockets and to
// namespaces: socket_finding.h and netns_finding.h. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_FINDING_BUILDER_H_
#define TCPMEDIC_DIAGNOSIS_FINDING_BUILDER_H_

#include <string>
#include <vector>

#include "core/clock.h"
#include "core/expr/expression.h"
#include "core/expr/schema.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_life.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// A group's key as one line: "netns=1 socket.remote_ip=203.0.113.20". `values` has one per
// component of group_by.
std::string GroupLine(const CompiledSignature& signature, const std::vector<std::string>& values);

// All that comes from the signature, the group's key and the finding's life.
v1::Finding BeginFinding(const CompiledSignature& signature, const std::vector<std::string>& values,
                         const FindingLife& life, Moment now);

// Lists a look-alike that could not be ruled out, with what was missing there. `schema` is what it
// is over.
void AddNotShown(const LookAlike& look_alike, const expr::Schema& schema,
                 const expr::Activation& activation, v1::Finding* finding);
// Certain, unless a look-alike is listed.
void SetConfidence(v1::Finding* finding);

// Says in every basis that the evidence is of the last match, not of the newest sample. Idempotent.
void MarkAsOfLastMatch(v1::Finding* finding);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_FINDING_BUILDER_H_
