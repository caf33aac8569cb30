// Names for incidents and proposals that people type: "i-" or "p-" and eight characters of an
// alphabet without look-alikes (no l, o, 0, 1). 40 random bits; whoever makes one checks that it is
// new.
#ifndef TCPMEDIC_CONTROLLER_INCIDENT_IDS_H_
#define TCPMEDIC_CONTROLLER_INCIDENT_IDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

// `kind` is "i-" or "p-". Thread-safe.
std::string RandomId(absl::string_view kind);

// What an operator typed, as the beginning of an incident's id: "7K2" → "i-7k2". Empty where it
// cannot be one.
std::string IncidentIdPrefix(absl::string_view typed);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_INCIDENT_IDS_H_
