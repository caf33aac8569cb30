// The lists: hosts, incidents, the audit log, the policies in force. An empty list says what that
// means and what to do next. Pure.
#ifndef TCPMEDIC_CLI_RENDER_LISTS_H_
#define TCPMEDIC_CLI_RENDER_LISTS_H_

#include <string>

#include "absl/time/time.h"
#include "cli/render/text.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

std::string RenderHosts(const v1::ListHostsResponse& hosts, absl::Time now, const Style& style);

// `request` is what was asked, for the words of an empty list.
std::string RenderIncidents(const v1::ListIncidentsResponse& incidents,
                            const v1::ListIncidentsRequest& request, absl::Time now,
                            const Style& style);

// One incident on one line, for a watch whose output is appended: the newest thing that happened to
// it.
std::string RenderIncidentLine(const v1::IncidentView& view, absl::Time now, const Style& style);

std::string RenderAudit(const v1::ListAuditResponse& audit, absl::Time now, const Style& style);
std::string RenderPolicyStatus(const v1::PolicyStatus& status, absl::Time now, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_LISTS_H_
