#include "observe/recorded/text_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "observe/recorded/text_lines.h"
#include "tests/observe/recorded/recorded_calls.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ReadText, ASessionOfSeveralToolsIsReadCommandByCommand) {
  EXPECT_THAT(
      CallsOf("$ sudo tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn\n"
              "IP 203.0.113.7.40001 > 198.51.100.10.443: Flags [S],  seq 100, win 29200, length 0\n"
              "(thousands more SYNs from random sources)\n"
              "$ nstat -az | grep -i syncookies\n"
              "TcpExtSyncookiesSent            41827\n"
              "root@host:~# ss -tan state close-wait | wc -l\n"
              "9821\n"
              "$ ss -s\n"
              "TCP:   23552 (estab 12384, closed 8920, orphaned 2, timewait 1247)\n"),
      ElementsAre(
          "1 command tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn",
          "2 segment 203.0.113.7:40001 198.51.100.10:443",
          "3 unread not a line of tcpdump: (thousands more SYNs from random sources)",
          "4 command nstat -az | grep -i syncookies", "5 counter TcpExtSyncookiesSent 41827",
          "6 command ss -tan state close-wait | wc -l", "7 count close-wait 9821 with header",
          "8 command ss -s", "9 count total 23552", "9 count established 12384",
          "9 count closed 8920", "9 count orphaned 2", "9 count time-wait 1247"));
}

TEST(ReadText, OneToolsOutputNeedsNoCommand) {
  EXPECT_THAT(
      CallsOf("14:02:11.001 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [S],  seq 1000000, win "
              "64240, length 0\n"),
      ElementsAre("1 segment 10.0.0.5:51514 10.0.0.9:6379"));
}

TEST(ReadText, WhatAnotherCommandPrintsIsListedAsOne) {
  EXPECT_THAT(CallsOf("$ uptime\n 18:17:01 up 3 days\n load average\n\n```\n$ free\nMem: 1 2 3\n"),
              ElementsAre("1 command uptime",
                          "2 unread what uptime prints is not read: 18:17:01 up 3 days (2 lines)",
                          "6 command free", "7 unread what free prints is not read: Mem: 1 2 3"));
}

TEST(ReadText, WhatIsReadByContentNeedsNotComeFromItsTool) {
  EXPECT_THAT(CallsOf("$ cat ss.txt\nESTAB 0 0 10.0.0.5:1 10.0.0.6:2\n"),
              ElementsAre("1 command cat ss.txt", "2 socket established 10.0.0.5:1 10.0.0.6:2"));
}

TEST(ReadText, ACommandMayGoOnInTheNextLine) {
  EXPECT_THAT(CallsOf("$ ss -tan \\\n>   state close-wait\n1 0 10.0.0.5:1 10.0.0.6:2\n"),
              ElementsAre("1 command ss -tan state close-wait",
                          "3 socket close-wait 10.0.0.5:1 10.0.0.6:2 rq=1"));
}

TEST(ReadText, EmptyAndBinaryInputsGetASentence) {
  EXPECT_THAT(CallsOf(""), ElementsAre("0 unread it is empty"));
  EXPECT_THAT(CallsOf("\n\n"), IsEmpty());
  std::string binary;
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&binary, std::string("\0\1\2\n", 4));
  EXPECT_THAT(CallsOf(binary), ElementsAre("0 unread binary data: neither a text nor a capture"));
}

TEST(ReadText, OfAHugeLineTheStartIsReadAndTheRestIsListed) {
  const std::string row = "ESTAB 0 0 10.0.0.5:1 10.0.0.6:2";
  const std::vector<std::string> calls =
      CallsOf(absl::StrCat(row, std::string(2 * kMaxLineBytes, ' '), "x\n", row, "\n"));
  EXPECT_THAT(calls,
              ElementsAre(absl::StrCat("1 unread what follows the first 64 KiB of a line: ", row),
                          "1 socket established 10.0.0.5:1 10.0.0.6:2",
                          "2 socket established 10.0.0.5:1 10.0.0.6:2"));
}

TEST(ReadText, RiddlesWithoutEndAreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    absl::StrAppend(&text, "riddle\nESTAB 0 0 10.0.0.5:1 10.0.0.6:2\n");
  }
  const std::vector<std::string> calls = CallsOf(text);
  EXPECT_EQ(calls.size(), 5000u + 1000u);
  EXPECT_EQ(calls.back(), "1999 unread further lines, for various reasons: riddle (4001 lines)");
}

TEST(ReadText, AnErrorNamesTheInputAndProgressIsTold) {
  RecordedCalls calls;
  const int directory = open("/", O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(ReadText(directory, "", "incidents/", &calls, [](int64_t) {}).message(),
            "read incidents/: EISDIR");
  close(directory);

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[1]);
  int64_t told = 0;
  EXPECT_TRUE(ReadText(ends[0], "ESTAB 0 0 10.0.0.5:1 10.0.0.6:2", "-", &calls, [&](int64_t n) {
                told = n;
              }).ok());
  close(ends[0]);
  EXPECT_EQ(told, 31);
  EXPECT_THAT(calls.calls(), ElementsAre("1 socket established 10.0.0.5:1 10.0.0.6:2"));
}

}  // namespace
}  // namespace tcpmedic
