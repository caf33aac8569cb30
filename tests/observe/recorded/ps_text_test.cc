#include "observe/recorded/ps_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/observe/recorded/recorded_calls.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

// procps 4.0.2, all but the remark; RSS is in KiB: 8392000 × 1024 = 8593408000.
TEST(PsText, ColumnsAreTakenFromTheHeader) {
  EXPECT_THAT(CallsOf("$ ps -p 1234 -o pid,stat,rss,cmd\n"
                      "  PID STAT   RSS CMD\n"
                      " 1234 Ssl 8392000 /usr/bin/app-server   # RSS climbing every minute\n"),
              ElementsAre("1 command ps -p 1234 -o pid,stat,rss,cmd",
                          "3 process 1234 app-server rss=8593408000 \"/usr/bin/app-server\" # RSS "
                          "climbing every minute"));
  EXPECT_THAT(
      CallsOf(
          "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
          "root           3  8.3  0.0 609472 15932 ?        Sl   18:17   0:00 /bin/py srv.py -v\n"
          "root           7  0.0  0.0      0     0 ?        I<   18:17   0:00 [kworker/0:1]\n"),
      ElementsAre("2 process 3 py rss=16314368 \"/bin/py srv.py -v\"",
                  "3 process 7 kworker/0:1 rss=0 \"[kworker/0:1]\""));
  EXPECT_THAT(
      CallsOf("UID          PID    PPID  C STIME TTY          TIME CMD\n"
              "root           1       0  0 18:17 ?        00:00:00 nginx: master process\n"),
      ElementsAre("2 process 1 nginx \"nginx: master process\""));
}

TEST(PsText, WhereAGrepHasDroppedTheHeaderTheCommandNamesTheColumns) {
  EXPECT_THAT(CallsOf("# ps aux | grep app-server | grep -v grep\n"
                      "root        2274  3.9  0.1  38868 33664 ?        SN   18:40   0:00 "
                      "/usr/bin/app-server forget\n"
                      "# ps -ef | awk '/app/'\n"
                      "root        2274  1  0 18:40 ?  00:00:00 /usr/bin/app-server forget\n"),
              ElementsAre("1 command ps aux | grep app-server | grep -v grep",
                          "2 process 2274 app-server rss=34471936 \"/usr/bin/app-server forget\"",
                          "3 command ps -ef | awk '/app/'",
                          "4 unread not a line of ps: root        2274  1  0 18:40 ?  00:00:00 "
                          "/usr/bin/app-server forget"));
}

TEST(PsText, AHeaderThatIsThereIsBelievedBeforeTheCommand) {
  EXPECT_THAT(CallsOf("$ ps aux\nPID   USER     TIME  COMMAND\n   12 root      0:00 app -v\n"),
              ElementsAre("1 command ps aux", "3 process 12 app \"app -v\""));
}

TEST(PsText, WhatPsComplainsOfIsNoProcess) {
  EXPECT_THAT(CallsOf("$ ps aux\nerror: unsupported option (BSD syntax)\n"),
              ElementsAre("1 command ps aux",
                          "2 unread not a line of ps: error: unsupported option (BSD syntax)"));
}

TEST(PsText, ALineWithoutAPidIsNobodys) {
  EXPECT_THAT(CallsOf("$ ps -p 2274 -o comm\napp-server\n"),
              ElementsAre("1 command ps -p 2274 -o comm", "2 unread not a line of ps: app-server"));
}

TEST(PsText, WhatHasNoRssColumnHasNoRss) {
  EXPECT_THAT(CallsOf("    PID TTY          TIME CMD\n      1 ?        00:00:00 timeout\n"),
              ElementsAre("2 process 1 timeout \"timeout\""));
}

TEST(PsText, ADateOfSeveralWordsIsOneColumn) {
  EXPECT_THAT(
      CallsOf("    PID                  STARTED   RSS CMD\n"
              "      3 Thu Jan  1 00:00:00 2026 15932 app\n"
              "      4   Jan 05 15932 app\n"),
      ElementsAre("2 process 3 app rss=16314368 \"app\"", "3 process 4 app rss=16314368 \"app\""));
}

TEST(PsText, ANameBesideTheArgumentsIsTheName) {
  EXPECT_THAT(CallsOf("    PID    PPID COMMAND           RSS COMMAND\n"
                      "      3       1 python3         15932 /opt/app/bin/python3.11 srv.py\n"),
              ElementsAre("2 process 3 python3 rss=16314368 \"/opt/app/bin/python3.11 srv.py\""));
}

TEST(PsText, ANameWithABlankBeforeTheLastColumnIsListed) {
  EXPECT_THAT(
      CallsOf("    PID COMMAND           RSS\n"
              "      3 python3         15932\n"
              "      4 tmux: server     3200\n"),
      ElementsAre("2 process 3 python3 rss=16314368",
                  "3 unread not a line of ss, nstat, netstat, ps, sysctl or tcpdump: 4 tmux: "
                  "server     3200"));
}

}  // namespace
}  // namespace tcpmedic
