// One incident on one screen, for a person woken at 3 a.m.: what is wrong and by what arithmetic,
// which program and peer, the evidence, what is proposed and how it would be undone, and what to
// type next. Pure.
#ifndef TCPMEDIC_CLI_RENDER_INCIDENT_SCREEN_H_
#define TCPMEDIC_CLI_RENDER_INCIDENT_SCREEN_H_

#include <string>

#include "absl/time/time.h"
#include "cli/render/text.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

// However much an incident holds, it takes no more lines: evidence and timeline give way first, and
// say so.
constexpr int kScreenLines = 40;
// Longer lines are hard to read, however wide the terminal is.
constexpr int kScreenColumns = 100;

// `style` with lines no longer than that.
Style ReadableStyle(const Style& style);

std::string RenderIncident(const v1::IncidentView& view, absl::Time now, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_INCIDENT_SCREEN_H_
