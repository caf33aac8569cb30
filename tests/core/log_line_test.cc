#include "core/log_line.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

const absl::Time kAt = absl::FromUnixMillis(1'750'000'000'042);

TEST(LogLineTest, JsonLineHoldsTheEventAndItsFields) {
  EXPECT_EQ(LogLine(LogFormat::kJson, kAt, LogLevel::kWarning, "connection lost",
                    {{"controller", "unix:/run/a.sock"}, {"retry_in", "200ms"}}),
            R"({"time":"2025-06-15T15:06:40.042Z","level":"warning","message":"connection lost",)"
            R"("controller":"unix:/run/a.sock","retry_in":"200ms"})");
}

TEST(LogLineTest, JsonStringsAreEscaped) {
  const struct {
    const char* name;
    std::string text;
    std::string json;
  } cases[] = {
      {"quote and backslash", R"(a "b" \ c)", R"(a \"b\" \\ c)"},
      {"line ends and tabs", "a\nb\tc", R"(a\nb\tc)"},
      {"control characters", std::string("\x1b[2J\0", 5), R"(\u001b[2J\u0000)"},
      {"text outside ASCII stays", "10 → 20 µs 😀", "10 → 20 µs 😀"},
      {"a lone continuation byte", "a\x80z", "a\xef\xbf\xbdz"},
      {"a sequence cut short", "a\xe2\x86", "a\xef\xbf\xbd\xef\xbf\xbd"},
      {"an overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"a surrogate half", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"above U+10FFFF", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(LogLine(LogFormat::kJson, kAt, LogLevel::kInfo, c.text, {}),
              R"({"time":"2025-06-15T15:06:40.042Z","level":"info","message":")" + c.json + "\"}")
        << c.name;
  }
}

TEST(LogLineTest, TextLineStaysOneLineAndCannotDriveTheTerminal) {
  EXPECT_EQ(
      LogLine(LogFormat::kText, kAt, LogLevel::kError, "bad\nname", {{"comm", "\x1b[31mnginx"}}),
      R"(2025-06-15T15:06:40.042Z error bad\x0aname comm=\x1b[31mnginx)");
}

}  // namespace
}  // namespace tcpmedic
