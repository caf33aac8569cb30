#include "core/log_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tcpmedic {
namespace {

absl::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

std::string Timestamp(absl::Time at) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", at, absl::UTCTimeZone());
}

// The length of the well-formed UTF-8 sequence that `text` begins with (RFC 3629); 0: none.
size_t Utf8SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                        : lead >= 0xe0 && lead <= 0xef ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool too_high = lead == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

void AppendJsonString(absl::string_view text, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const unsigned char c = text[0];
    if (length == 0) {
      out->append("\xef\xbf\xbd");
    } else if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(text[0]);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '\t') {
      out->append("\\t");
    } else if (c < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(out, "\\u%04x", c);
    } else {
      out->append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out->push_back('"');
}

// A log line must stay one line, and must not speak to the terminal.
void AppendPlain(absl::string_view text, std::string* out) {
  for (const char c : text) {
    const unsigned char byte = c;
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(out, "\\x%02x", byte);
    } else {
      out->push_back(c);
    }
  }
}

std::string AsJson(absl::Time at, LogLevel level, absl::string_view sentence,
                   const std::vector<LogField>& fields) {
  std::string line = absl::StrCat("{\"time\":\"", Timestamp(at), "\",\"level\":\"", Name(level),
                                  "\",\"message\":");
  AppendJsonString(sentence, &line);
  for (const LogField& field : fields) {
    line.push_back(',');
    AppendJsonString(field.name, &line);
    line.push_back(':');
    AppendJsonString(field.value, &line);
  }
  line.push_back('}');
  return line;
}

std::string AsText(absl::Time at, LogLevel level, absl::string_view sentence,
                   const std::vector<LogField>& fields) {
  std::string line = absl::StrCat(Timestamp(at), " ", Name(level), " ");
  AppendPlain(sentence, &line);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.name, "=");
    AppendPlain(field.value, &line);
  }
  return line;
}

}  // namespace

std::string LogLine(LogFormat format, absl::Time at, LogLevel level, absl::string_view sentence,
                    const std::vector<LogField>& fields) {
  return format == LogFormat::kJson ? AsJson(at, level, sentence, fields)
                                    : AsText(at, level, sentence, fields);
}

}  // namespace tcpmedic
