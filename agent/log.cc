#include "agent/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/time/clock.h"

namespace tcpmedic {
namespace {

std::atomic<LogFormat> format_in_force{LogFormat::kText};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Standard error, line by line, with nothing added: the line is complete.
spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger>& logger = *new std::shared_ptr<spdlog::logger>([] {
    auto made = std::make_shared<spdlog::logger>("agent",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }());
  return *logger;
}

}  // namespace

void InitLog(LogFormat format, LogLevel least) {
  format_in_force = format;
  Logger().set_level(SpdlogLevel(least));
}

void Log(LogLevel level, absl::string_view sentence, std::initializer_list<LogField> fields) {
  if (!Logger().should_log(SpdlogLevel(level))) return;
  Logger().log(
      SpdlogLevel(level), "{}",
      LogLine(format_in_force, absl::Now(), level, sentence, std::vector<LogField>(fields)));
}

}  // namespace tcpmedic
