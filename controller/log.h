// The controller's log: one line per event on standard error, as text for people or as JSON for
// collectors. Only shells log (main, the services); everything else returns its errors. Thread-safe
// after InitLog.
#ifndef TCPMEDIC_CONTROLLER_LOG_H_
#define TCPMEDIC_CONTROLLER_LOG_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tcpmedic::controller_log {

enum class Format { kText, kJson };
enum class Level { kDebug, kInfo, kWarning, kError };

// What an event is about, apart from its sentence: {"incident", "i-7k2mq3xa"}.
using Field = std::pair<absl::string_view, absl::string_view>;
using Fields = std::initializer_list<Field>;

// Call once, before any thread starts. Until then, info and above go out as text.
void Init(Format format, Level least);

void Write(Level level, absl::string_view sentence, Fields fields = {});

// One line, without its end. JSON: {"time":…,"level":…,"message":…, then the fields}. Control
// characters are escaped in both, so that one event is one line and cannot speak to a terminal.
// Pure.
std::string Line(Format format, absl::Time at, Level level, absl::string_view sentence,
                 Fields fields);

}  // namespace tcpmedic::controller_log

#endif  // TCPMEDIC_CONTROLLER_LOG_H_
