#include "observe/recorded/count_command.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

// "close-wait with header", "no count", "unusable".
std::string Meaning(absl::string_view typed) {
  const std::optional<CountCommand> count = ParseCountCommand(ParseShellCommand(typed));
  if (!count.has_value()) return "no count";
  if (!count->unusable.empty()) return absl::StrCat("unusable: ", count->unusable);
  return absl::StrCat(Name(*count->state), count->counts_header ? " with header" : "",
                      count->only_some ? " of a part" : "");
}

TEST(ParseCountCommand, KnowsWhatIsCounted) {
  EXPECT_EQ(Meaning("ss -tan state close-wait | wc -l"), "close-wait with header");
  EXPECT_EQ(Meaning("ss -Htan state close-wait | wc -l"), "close-wait");
  EXPECT_EQ(Meaning("ss -tan state established | tail -n +2 | wc -l"), "established");
  EXPECT_EQ(Meaning("ss -tan | grep -c CLOSE-WAIT"), "close-wait");
  EXPECT_EQ(Meaning("ss -tan | grep -i close-wait | wc -l"), "close-wait");
  EXPECT_EQ(Meaning("ss -tan state time-wait | grep -v Recv-Q | wc -l"), "time-wait");
  EXPECT_EQ(Meaning("ss -tan state established | grep :443 | wc -l"), "established of a part");
  EXPECT_EQ(Meaning("ss -Htan state close-wait dst 192.0.2.5 | wc -l"), "close-wait of a part");
  EXPECT_EQ(Meaning("ss -Htan state close-wait '( sport = :80 )' | wc -l"), "close-wait of a part");
  EXPECT_EQ(Meaning("ss -tan state established | head -5 | wc -l"),
            "established with header of a part");
  EXPECT_EQ(Meaning("ss -tan state established | tail -5 | wc -l"), "established of a part");
  EXPECT_EQ(Meaning("ss -tan | grep -m 7 -c CLOSE-WAIT"), "close-wait of a part");
  EXPECT_EQ(Meaning("ss -tan state established | sort | wc -l"), "established with header");
  EXPECT_EQ(Meaning("netstat -ant | grep -c FIN_WAIT2"), "fin-wait-2");
  EXPECT_EQ(Meaning("ss -an state close-wait | wc -l"), "close-wait with header");
}

TEST(ParseCountCommand, SaysWhyANumberIsOfNoUse) {
  EXPECT_EQ(Meaning("ss -tan | wc -l"), "unusable: a count of sockets that are not of one state");
  EXPECT_EQ(Meaning("ss -an state established | wc -l"),
            "unusable: a count of sockets that are not only TCP's");
  EXPECT_EQ(Meaning("ss -tin state established | wc -l"),
            "unusable: a count of lines where ss prints several for each socket");
  EXPECT_EQ(Meaning("ss -tan state established | sort -u | wc -l"),
            "unusable: a count of lines that another command has changed");
  EXPECT_EQ(Meaning("netstat -tan | wc -l"),
            "unusable: a count that includes netstat's two lines of headers");
}

TEST(ParseCountCommand, OtherCommandsCountNoSockets) {
  EXPECT_EQ(Meaning("ss -tan state close-wait"), "no count");
  EXPECT_EQ(Meaning("ps aux | wc -l"), "no count");
  EXPECT_EQ(Meaning("ss -tan | head -20"), "no count");
}

}  // namespace
}  // namespace tcpmedic
