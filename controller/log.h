// The controller's log: one line per event on standard error, as text for people or as JSON for
// collectors. Only shells log (main, the services); everything else returns its errors. Thread-safe
// after InitLog.
#ifndef TCPMEDIC_CONTROLLER_LOG_H_
#define TCPMEDIC_CONTROLLER_LOG_H_

#include <initializer_list>

#include "absl/strings/string_view.h"
#include "core/log_line.h"

namespace tcpmedic::controller_log {

using Format = LogFormat;
using Level = LogLevel;
using Fields = std::initializer_list<LogField>;

// Call once, before any thread starts. Until then, info and above go out as text.
void Init(Format format, Level least);

void Write(Level level, absl::string_view sentence, Fields fields = {});

}  // namespace tcpmedic::controller_log

#endif  // TCPMEDIC_CONTROLLER_LOG_H_
