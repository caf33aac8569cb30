// A policy as it is written in YAML. Pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_POLICY_DOCUMENT_H_
#define TCPMEDIC_CONTROLLER_POLICY_POLICY_DOCUMENT_H_

#include <vector>

#include "controller/policy/document.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"
#include "tcpmedic/v1/action.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// Reads it and type-checks its expressions. The result is good only if no Issue was appended. Where
// the file is silent: order 100, manual approval by one operator within an hour that covers nothing
// later, one target per host, or as many as set_sysctl sets together.
v1::Policy ReadPolicy(const YamlFile& file, const Document& document, std::vector<Issue>* issues);

// Whether the action is done by an agent, and so needs a proposal and an order. The others are the
// controller's own.
bool IsDoneOnHost(const v1::Action& action);
// Whether it changes what it finds there, and so must be verified.
bool ChangesHost(const v1::Action& action);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_POLICY_DOCUMENT_H_
