// The vocabulary's values in words, the same on every screen. Pure; the words are not yet escaped
// for a terminal.
#ifndef TCPMEDIC_CLI_RENDER_WORDS_H_
#define TCPMEDIC_CLI_RENDER_WORDS_H_

#include <string>

#include "absl/time/time.h"
#include "cli/render/text.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/incident.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic::cli {

std::string SeverityWord(v1::Severity severity);
Paint SeverityPaint(v1::Severity severity);
std::string ConfidenceWord(v1::Confidence confidence);
std::string ProposalWord(v1::Proposal::State state);

// "open", "open, symptom gone", "closed: rejected".
std::string StateWords(const v1::Incident& incident);
// In a table's cell: "open", "open, gone", "rejected".
std::string StateWord(const v1::Incident& incident);

// "move at most 200 sockets to BBR (setsockopt TCP_CONGESTION)".
std::string ActionWords(const v1::Action& action, int targets_max);
// What `action` would change of what `finding` found: "net.ipv4.tcp_syncookies 0 → 1 in netns of
// pid 812 (nginx), nowhere else"; else as ActionWords.
std::string ChangeWords(const v1::Finding& finding, const v1::Action& action, int targets_max);
// Where an order that sets sysctls acts: "in netns of pid 812 (nginx), nowhere else".
std::string PlaceWords(const v1::NetworkNamespace& netns, const v1::SetSysctl& action);
// In a table's cell: "bbr", "tcp_syncookies=1".
std::string ActionWord(const v1::Action& action);

// "203.0.113.20:443", "[2001:db8::20]:443".
std::string EndpointText(const v1::Endpoint& endpoint);
// What a finding is about, in a table's cell. Of sockets their peer: the group's remote address,
// else the exemplar's. Of a network namespace its listener: "0.0.0.0:443", else its name.
// Of a process its listener, or "upstream 10.0.0.7:5432".
std::string SubjectText(const v1::Finding& finding);
// Of a network namespace in full: "netns of pid 812 (nginx), listener 0.0.0.0:443".
std::string NetnsText(const v1::Finding& finding);

// "backup.service", "container 4f5a6b7c8d9e", "" where neither is known.
std::string HomeText(const v1::Process& process);
// The command line as a shell would take it, arguments with spaces quoted; the comm where it is not
// known.
std::string CommandText(const v1::Process& process);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_WORDS_H_
