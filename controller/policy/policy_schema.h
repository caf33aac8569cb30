// What the expressions of a policy may ask: `when` about the host and the finding, `expect` about
// before and after. Immutable; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_POLICY_POLICY_SCHEMA_H_
#define TCPMEDIC_CONTROLLER_POLICY_POLICY_SCHEMA_H_

#include "core/expr/schema.h"

namespace tcpmedic {

// The slots of WhenSchema, in order.
enum class WhenSlot {
  kHostName,
  kHostLabels,
  kFindingSignature,
  kFindingGroup,
  kFindingSeverity,
  kFindingConfidence,
  kFindingSocketCount,
};

const expr::Schema& WhenSchema();
const expr::Schema& ExpectSchema();

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_POLICY_SCHEMA_H_
