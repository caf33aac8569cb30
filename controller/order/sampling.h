// What sampling call sites has told about an incident, in words for its alert. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_ORDER_SAMPLING_H_
#define TCPMEDIC_CONTROLLER_ORDER_SAMPLING_H_

#include <string>

#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

// Lines: the call sites of the newest order that has found some, else why the newest that is over
// has none. Empty: no order has sampled, or none is over.
std::string SampledInWords(const v1::IncidentView& view);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_SAMPLING_H_
