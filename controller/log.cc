#include "controller/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <vector>

#include "absl/time/clock.h"

namespace tcpmedic::controller_log {
namespace {

struct Log {
  std::shared_ptr<spdlog::logger> lines;
  Format format = Format::kText;
};

Log& Current() {
  static Log* const log = [] {
    auto* made = new Log;
    made->lines = std::make_shared<spdlog::logger>(
        "controller", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->lines->set_pattern("%v");
    made->lines->flush_on(spdlog::level::trace);
    return made;
  }();
  return *log;
}

spdlog::level::level_enum SpdlogLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void Init(Format format, Level least) {
  Current().format = format;
  Current().lines->set_level(SpdlogLevel(least));
}

void Write(Level level, absl::string_view sentence, Fields fields) {
  const Log& log = Current();
  if (!log.lines->should_log(SpdlogLevel(level))) return;
  log.lines->log(SpdlogLevel(level), "{}",
                 LogLine(log.format, absl::Now(), level, sentence, std::vector<LogField>(fields)));
}

}  // namespace tcpmedic::controller_log
