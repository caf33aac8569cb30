#include "controller/log.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

using controller_log::Format;
using controller_log::Level;
using controller_log::Line;

const absl::Time kAt = absl::FromUnixMillis(1'700'000'000'123);

TEST(ControllerLog, TextIsOneLineThatCannotSpeakToATerminal) {
  EXPECT_EQ(Line(Format::kText, kAt, Level::kWarning, "red \x1b[31m\nalert", {{"host", "a\tb"}}),
            "2023-11-14T22:13:20.123Z warning red \\x1b[31m\\x0aalert host=a\\x09b");
}

TEST(ControllerLog, JsonIsOneObject) {
  EXPECT_EQ(Line(Format::kJson, kAt, Level::kInfo, "says \"no\\yes\"\n", {{"who", "ann"}}),
            R"({"time":"2023-11-14T22:13:20.123Z","level":"info",)"
            R"("message":"says \"no\\yes\"\u000a","who":"ann"})");
}

}  // namespace
}  // namespace tcpmedic
