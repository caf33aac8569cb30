#include "controller/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

struct LevelName {
  absl::string_view word;
  spdlog::level::level_enum spdlog;
};
LevelName NameOf(Level level) {
  switch (level) {
    case Level::kDebug:
      return {"debug", spdlog::level::debug};
    case Level::kInfo:
      return {"info", spdlog::level::info};
    case Level::kWarning:
      return {"warning", spdlog::level::warn};
    case Level::kError:
      break;
  }
  return {"error", spdlog::level::err};
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void AppendText(std::string* line, absl::string_view text) {
  for (const char c : text) {
    if (IsControl(c)) {
      absl::StrAppendFormat(line, "\\x%02x", c);
    } else {
      line->push_back(c);
    }
  }
}

void AppendJson(std::string* line, absl::string_view text) {
  line->push_back('"');
  for (const char c : text) {
    if (IsControl(c)) {
      absl::StrAppendFormat(line, "\\u%04x", c);
    } else {
      if (c == '"' || c == '\\') line->push_back('\\');
      line->push_back(c);
    }
  }
  line->push_back('"');
}

}  // namespace

void Init(Format format, Level least) {
  Current().format = format;
  Current().lines->set_level(NameOf(least).spdlog);
}

void Write(Level level, absl::string_view sentence, Fields fields) {
  const Log& log = Current();
  if (!log.lines->should_log(NameOf(level).spdlog)) return;
  log.lines->log(NameOf(level).spdlog, "{}",
                 Line(log.format, absl::Now(), level, sentence, fields));
}

std::string Line(Format format, absl::Time at, Level level, absl::string_view sentence,
                 Fields fields) {
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", at, absl::UTCTimeZone());
  if (format == Format::kText) {
    std::string line = absl::StrCat(time, " ", NameOf(level).word, " ");
    AppendText(&line, sentence);
    for (const auto& [name, value] : fields) {
      absl::StrAppend(&line, " ", name, "=");
      AppendText(&line, value);
    }
    return line;
  }
  std::string line =
      absl::StrCat("{\"time\":\"", time, "\",\"level\":\"", NameOf(level).word, "\",\"message\":");
  AppendJson(&line, sentence);
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&line, ",\"", name, "\":");
    AppendJson(&line, value);
  }
  line.push_back('}');
  return line;
}

}  // namespace tcpmedic::controller_log
