// The agent's log: one line per event on standard error, as text for people or as JSON for
// collectors. Only shells log (the link, the scan loop, main); everything else returns its errors.
// Thread-safe after InitLog.
#ifndef TCPMEDIC_AGENT_LOG_H_
#define TCPMEDIC_AGENT_LOG_H_

#include <initializer_list>
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

// Call once, before any thread starts. Until then, info and above go out as text.
void InitLog(LogFormat format, LogLevel least);

void Log(LogLevel level, absl::string_view sentence, std::initializer_list<LogField> fields = {});

// The two forms, without line end. Pure. JSON: {"time":…,"level":…,"message":…, then the fields};
// bytes that are not UTF-8 become U+FFFD, so that each line parses. Text: control characters are
// escaped.
std::string LogLineAsJson(absl::Time at, LogLevel level, absl::string_view sentence,
                          const std::vector<LogField>& fields);
std::string LogLineAsText(absl::Time at, LogLevel level, absl::string_view sentence,
                          const std::vector<LogField>& fields);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_LOG_H_
