// A signature as it is written in YAML. Pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_SIGNATURE_DOCUMENT_H_
#define TCPMEDIC_CONTROLLER_POLICY_SIGNATURE_DOCUMENT_H_

#include <vector>

#include "controller/policy/document.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

// Reads and compiles it. The result is good only if no Issue was appended.
v1::Signature ReadSignature(const YamlFile& file, const Document& document,
                            std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_SIGNATURE_DOCUMENT_H_
