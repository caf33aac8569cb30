// One log line, as text for people or as JSON for collectors: what both daemons write. Pure;
// thread-safe.
#ifndef TCPMEDIC_CORE_LOG_LINE_H_
#define TCPMEDIC_CORE_LOG_LINE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tcpmedic {

enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarning, kError };

// What an event is about, apart from its sentence: {"controller", "unix:/run/…"}.
struct LogField {
  std::string name;
  std::string value;
};

// Without line end. JSON: {"time":…,"level":…,"message":…, then the fields}; bytes that are not
// UTF-8 become U+FFFD, so that each line parses. Text: control characters are escaped, so that one
// event is one line and cannot speak to a terminal.
std::string LogLine(LogFormat format, absl::Time at, LogLevel level, absl::string_view sentence,
                    const std::vector<LogField>& fields);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_LOG_LINE_H_
