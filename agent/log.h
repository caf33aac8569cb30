// The agent's log: one line per event on standard error, as text for people or as JSON for
// collectors. Only shells log (the link, the scan loop, main); everything else returns its errors.
// Thread-safe after InitLog.
#ifndef TCPMEDIC_AGENT_LOG_H_
#define TCPMEDIC_AGENT_LOG_H_

#include <initializer_list>

#include "absl/strings/string_view.h"
#include "core/log_line.h"

namespace tcpmedic {

// Call once, before any thread starts. Until then, info and above go out as text.
void InitLog(LogFormat format, LogLevel least);

void Log(LogLevel level, absl::string_view sentence, std::initializer_list<LogField> fields = {});

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_LOG_H_
