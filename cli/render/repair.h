// What an order has done, as rows of a screen: how it stands, its targets, before and after as
// bars, the course of the goodput with the moment of the change, the lease, the sockets held back.
// Pure.
#ifndef TCPMEDIC_CLI_RENDER_REPAIR_H_
#define TCPMEDIC_CLI_RENDER_REPAIR_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/render/text.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

// However much an order holds, it takes no more lines.
constexpr int kRepairLines = 12;

// Each line with its margin; at most the style's width.
// `order` is one of the view's.
std::vector<std::string> RepairLines(const v1::IncidentView& view, const v1::Order& order,
                                     absl::Time now, const Style& style);

// Goodput, retransmits, cwnd and rtt of sockets; SYN drops, cookies, half-open connections and
// cookies that came back of a namespace: each before and after on one scale; two side by side where
// the width allows it, else the two that decide.
std::vector<std::string> BeforeAndAfterLines(const v1::Measurement& before,
                                             const v1::Measurement& after, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_REPAIR_H_
