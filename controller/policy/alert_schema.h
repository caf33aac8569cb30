// What the texts of a raise_alert may name: {{ finding.title }} on {{ host.name }}.
// Immutable; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_POLICY_ALERT_SCHEMA_H_
#define TCPMEDIC_CONTROLLER_POLICY_ALERT_SCHEMA_H_

#include "absl/strings/string_view.h"
#include "core/expr/schema.h"

namespace tcpmedic {

// The slots of AlertSchema, in order.
enum class AlertSlot {
  kHostName,
  kHostLabels,
  kIncidentId,
  kFindingSignature,
  kFindingGroup,
  kFindingSeverity,
  kFindingConfidence,
  kFindingSocketCount,
  kFindingTitle,
  kFindingVerdict,
  kFindingAdvice,
  kFindingDisproof,
  kFindingEvidence,
  kProcessComm,
  kProcessPid,
  kProcessUnit,
};

const expr::Schema& AlertSchema();

// Whether a policy may give an alert a label of this name: a label name of Prometheus
// ([a-zA-Z_][a-zA-Z0-9_]*, not beginning with "__") that the alert does not have by itself.
bool IsFreeAlertLabel(absl::string_view name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_ALERT_SCHEMA_H_
