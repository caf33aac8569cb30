// What the expressions of a policy may ask: `when` about the host and the finding, `expect` about
// before and after of what the action changes. Immutable; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_POLICY_POLICY_SCHEMA_H_
#define TCPMEDIC_CONTROLLER_POLICY_POLICY_SCHEMA_H_

#include "core/expr/schema.h"
#include "tcpmedic/v1/action.pb.h"

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
// "before.NAME" and "after.NAME" of what an agent measures of the action's targets: of the
// namespace for set_sysctl, else of sockets.
const expr::Schema& ExpectSchema(const v1::Action& action);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_POLICY_SCHEMA_H_
