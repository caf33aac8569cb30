#include "observe/recorded/ss_command.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

// What is known of the sockets that the command shows: "all", "a part", …
std::string Shown(absl::string_view typed) {
  const SsOutput output = ParseSsOutput(ParseShellCommand(typed));
  return absl::StrCat(
      output.only_state.has_value() ? Name(*output.only_state) : "all states",
      output.only_some ? ", a part" : "", output.counts_only_some ? ", counts of a part" : "",
      output.hides_states ? ", states hidden" : "", output.holders ? ", holders" : "");
}

TEST(ParseSsOutput, WithoutAPipeItIsAllOfTheStatesThatWereAskedFor) {
  EXPECT_EQ(Shown("ss -tan"), "all states");
  EXPECT_EQ(Shown("ss -tanp state close-wait"), "close-wait, holders");
  EXPECT_EQ(Shown("netstat -tanp"), "all states, holders");
  EXPECT_EQ(Shown("ps aux | head -3"), "all states");
  EXPECT_EQ(Shown(""), "all states");
}

TEST(ParseSsOutput, HeadTailAndAFilterByAddressLeaveSomeOut) {
  EXPECT_EQ(Shown("ss -tan state close-wait | head -6"), "close-wait, a part, counts of a part");
  EXPECT_EQ(Shown("ss -tan | tail -2"), "all states, a part, counts of a part");
  EXPECT_EQ(Shown("ss -tan dst 192.0.2.5"), "all states, a part, counts of a part");
  EXPECT_EQ(Shown("ss -tan | grep :443"), "all states, a part, counts of a part");
  EXPECT_EQ(Shown("netstat -tan | grep :443"), "all states, a part, counts of a part");
}

TEST(ParseSsOutput, AStateOrTheHeaderMayBeGreppedWithoutLoss) {
  EXPECT_EQ(Shown("ss -tan | grep CLOSE-WAIT"), "all states, states hidden");
  EXPECT_EQ(Shown("ss -tan | grep -v LISTEN"), "all states, states hidden");
  EXPECT_EQ(Shown("ss -tan state close-wait | tail -n +2"), "close-wait");
  EXPECT_EQ(Shown("ss -tan state close-wait | grep -v State | sort | less"), "close-wait");
}

TEST(ParseSsOutput, WhatIsCutAfterItWasCountedIsCountedInFull) {
  EXPECT_EQ(Shown("ss -tan | awk '{print $1}' | sort | uniq -c | head -3"), "all states, a part");
  EXPECT_EQ(Shown("ss -tan | head -500 | awk '{print $1}' | sort | uniq -c"),
            "all states, a part, counts of a part");
}

}  // namespace
}  // namespace tcpmedic
