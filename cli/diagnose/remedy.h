// What the policy files propose against a finding, as one change to one host. Pure.
#ifndef TCPMEDIC_CLI_DIAGNOSE_REMEDY_H_
#define TCPMEDIC_CLI_DIAGNOSE_REMEDY_H_

#include <string>

#include "tcpmedic/v1/action.pb.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic::cli {

// The decision's change of a host. Null: it only notes, alerts, reads, or decides nothing. Points
// into `decision`.
const v1::Action* RemedyOf(const v1::Decision& decision);
// The decision's note: what to do, or to leave, by hand. Empty: none. Points into `decision`.
const std::string& NoteOf(const v1::Decision& decision);

// "move these sockets to BBR (setsockopt TCP_CONGESTION)", "net.ipv4.tcp_syncookies 0 → 1 in netns
// of pid 812 (nginx), nowhere else".
std::string RemedyWords(const v1::Finding& finding, const v1::Action& remedy);

// "set_congestion_control": the action's name in policy files and in JSON. Empty: it has no kind.
std::string ActionName(const v1::Action& action);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_REMEDY_H_
