// How an incident stands: what may be asked of it between two events. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_INCIDENT_STANDING_H_
#define TCPMEDIC_CONTROLLER_INCIDENT_STANDING_H_

#include "absl/time/time.h"
#include "tcpmedic/v1/incident.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// The agent has outlived gaps of its own by keep_firing_for; what returns this soon after is the
// same trouble.
inline constexpr absl::Duration kFlapWindow = absl::Seconds(60);

bool IsOpen(const v1::Incident& incident);
bool IsPending(const v1::Incident& incident);  // a proposal of it waits for an answer
// Only the world took the last proposal away, or there was none: nobody has answered, so policies
// may be asked again.
bool IsUnanswered(const v1::Incident& incident);
bool IsRejectedAndPresent(const v1::Incident& incident);
bool HasFailed(const v1::Incident& incident);   // closed so
bool IsRemedied(const v1::Incident& incident);  // likewise

// Whether a report of the finding with this incident's key belongs to it; if not, it opens a new
// one. Once false for a closed incident, it stays false, unless its change is taken back later.
bool Claims(const v1::Incident& incident, absl::Time now);

// Its newest order waits for something. At most one order of an incident does.
bool HasOrderUnderWay(const v1::Incident& incident);

// What the policy wants beyond remembering it.
bool WantsMoreThanNotes(const v1::Decision& decision);
// The policy alerts people and changes nothing on the host; it may have the host read more.
bool OnlyAlerts(const v1::Decision& decision);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_INCIDENT_STANDING_H_
