// Call sites as they cross the wire: one to one. Pure.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_MESSAGE_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_MESSAGE_H_

#include "observe/call_sites/call_sites.h"
#include "tcpmedic/v1/call_sites.pb.h"

namespace tcpmedic {

v1::CallSites ToProto(const CallSiteReport& report);

// A site of a kind that is newer than this program is left out.
CallSiteReport FromProto(const v1::CallSites& message);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_MESSAGE_H_
