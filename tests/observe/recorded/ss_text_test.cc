#include "observe/recorded/ss_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/observe/recorded/recorded_calls.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

// iproute2 6.1.0.
TEST(SsText, StatesAddressesAndQueuesOfEveryFamily) {
  EXPECT_THAT(
      CallsOf("State      Recv-Q Send-Q       Local Address:Port        Peer Address:Port Process\n"
              "LISTEN     0      16               127.0.0.1:8443             0.0.0.0:*           \n"
              "LISTEN     0      16                       *:443                    *:*           \n"
              "ESTAB      128096 0                127.0.0.1:8443           127.0.0.1:56230       \n"
              "FIN-WAIT-2 290    0                    [::1]:33704              [::1]:443         \n"
              "CLOSE-WAIT 0      7       [::ffff:127.0.0.1]:443   [::ffff:127.0.0.1]:44090       \n"
              "SYN-SENT   0      1      [fe80::1]%eth0:5000        [fe80::2]%eth0:22\n"),
      ElementsAre("2 socket listening 127.0.0.1:8443 0.0.0.0:0 wq=16",
                  "3 socket listening [::]:443 [::]:0 wq=16",
                  "4 socket established 127.0.0.1:8443 127.0.0.1:56230 rq=128096",
                  "5 socket fin-wait-2 [::1]:33704 [::1]:443 rq=290",
                  "6 socket close-wait 127.0.0.1:443 127.0.0.1:44090 mapped wq=7",
                  "7 socket syn-sent [fe80::1]:5000 [fe80::2]:22 wq=1"));
}

TEST(SsText, TheFilterOfTheCommandIsTheStateThatTheColumnsLack) {
  EXPECT_THAT(
      CallsOf("$ ss -tanp state close-wait\n"
              "Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
              "1      0      192.0.2.9:80      192.0.2.5:45392 "
              "users:((\"python3\",pid=1,fd=14))\n"
              "$ ss -tan\n"
              "1      0      192.0.2.9:80      192.0.2.5:45392\n"),
      ElementsAre("1 command ss -tanp state close-wait",
                  "3 socket close-wait 192.0.2.9:80 192.0.2.5:45392 rq=1 python3[1]:14",
                  "4 command ss -tan",
                  "5 unread a socket without its state: no command before says which one ss "
                  "was asked for: 1      0      192.0.2.9:80      192.0.2.5:45392"));
}

TEST(SsText, WordsMayStandOnLinesOfTheirOwnOrBehind) {
  EXPECT_THAT(
      CallsOf("ESTAB 0 0 10.0.0.5:1 10.0.0.6:2\n"
              "\t cubic cwnd:10\n"
              "   ssthresh:8\n"
              "ESTAB 0 0 10.0.0.5:3 10.0.0.6:2 timer:(keepalive,119min,0) cubic cwnd:11\n"
              "TIME-WAIT 0 0 10.0.0.5:4 10.0.0.6:2\n"
              "\t            \n"
              "ESTAB 0 0 10.0.0.5:5 10.0.0.6:2\n"
              "cubic cwnd:12\n"),
      ElementsAre("1 socket established 10.0.0.5:1 10.0.0.6:2 cubic tcpi_snd_ssthresh=8 "
                  "tcpi_snd_cwnd=10",
                  "4 socket established 10.0.0.5:3 10.0.0.6:2 timer=2/0 cubic tcpi_snd_cwnd=11",
                  "5 socket time-wait 10.0.0.5:4 10.0.0.6:2",
                  "7 socket established 10.0.0.5:5 10.0.0.6:2 cubic tcpi_snd_cwnd=12"));
}

TEST(SsText, PortNamesAreLookedUpAndOtherNamesAreListed) {
  EXPECT_THAT(
      CallsOf("ESTAB 0 0 10.0.0.5:https 10.0.0.6:40000\n"
              "ESTAB 0 0 10.0.0.5:our-app 10.0.0.6:40001\n"
              "ESTAB 0 0 db-1.example.org:https 10.0.0.6:40002\n"),
      ElementsAre("1 socket established 10.0.0.5:443 10.0.0.6:40000",
                  "2 socket established 10.0.0.5:0 10.0.0.6:40001",
                  "2 unread the port that \"our-app\" stands for: ESTAB 0 0 "
                  "10.0.0.5:our-app 10.0.0.6:40001",
                  "3 unread an address that is not in numbers (ss -r resolves them): ESTAB 0 "
                  "0 db-1.example.org:https 10.0.0.6:40002"));
}

TEST(SsText, SocketsOfOtherKindsAreOneUnread) {
  EXPECT_THAT(
      CallsOf("Netid State      Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
              "nl    UNCONN     0      0             0:0            *            \n"
              "u_str ESTAB      0      0             * 12345        * 12346\n"
              "udp   UNCONN     0      0      127.0.0.1:53    0.0.0.0:*\n"
              "tcp   LISTEN     0      16     127.0.0.1:8443  0.0.0.0:*           \n"),
      ElementsAre("2 unread not a TCP socket: nl    UNCONN     0      0             0:0       "
                  "     * (3 lines)",
                  "5 socket listening 127.0.0.1:8443 0.0.0.0:0 wq=16"));
}

// The summary of iproute2 6.1.0, and written after misc/ss.c of 4.x.
TEST(SsText, ACountBelowZeroIsListedAndNoCount) {
  EXPECT_THAT(CallsOf("TCP:   18 (estab 12, closed -3, orphaned 0, timewait 1)\n"),
              ElementsAre("1 count total 18", "1 count established 12", "1 count orphaned 0",
                          "1 count time-wait 1",
                          "1 unread a number of sockets that cannot be, in closed: TCP:   18 "
                          "(estab 12, closed -3, orphaned 0, timewait 1)"));
  EXPECT_THAT(CallsOf("TCP:   -18 (estab 12)\n"), ElementsAre(testing::StartsWith("1 unread")));
}

TEST(SsText, SummaryGivesACountForEachNumber) {
  EXPECT_THAT(CallsOf("Total: 17\n"
                      "TCP:   18 (estab 12, closed 3, orphaned 0, timewait 1)\n"
                      "\n"
                      "Transport Total     IP        IPv6\n"
                      "RAW\t  0         0         0        \n"
                      "TCP\t  15        5         10       \n"),
              ElementsAre("2 count total 18", "2 count established 12", "2 count closed 3",
                          "2 count orphaned 0", "2 count time-wait 1"));
  EXPECT_THAT(
      CallsOf("Total: 214 (kernel 0)\n"
              "TCP:   30 (estab 5, closed 11, orphaned 0, synrecv 2, timewait 9/0), ports 0\n"
              "Transport Total     IP        IPv6\n"
              "*\t  0         -         -        \n"),
      ElementsAre("2 count total 30", "2 count established 5", "2 count closed 11",
                  "2 count orphaned 0", "2 count syn-recv 2", "2 count time-wait 9"));
}

TEST(SsText, CountsThroughUniqAreRead) {
  EXPECT_THAT(CallsOf("$ ss -tan | awk '{print $1}' | sort | uniq -c\n"
                      "   9821 CLOSE-WAIT\n"
                      "  12384 ESTAB\n"
                      "      1 State\n"),
              ElementsAre("1 command ss -tan | awk '{print $1}' | sort | uniq -c",
                          "2 count close-wait 9821", "3 count established 12384"));
}

// net-tools 2.10.
TEST(SsText, NetstatsSocketsAreReadToo) {
  EXPECT_THAT(
      CallsOf("Active Internet connections (servers and established)\n"
              "Proto Recv-Q Send-Q Local Address   Foreign Address  State       PID/Program name\n"
              "tcp        0      0 127.0.0.1:8443  0.0.0.0:*        LISTEN      3/python3\n"
              "tcp6       3      0 ::1:443         ::1:33708        ESTABLISHED 3/python3  "
              "keepalive (7199.50/0/0)\n"
              "tcp6       0      0 127.0.0.1:44090 127.0.0.1:443    FIN_WAIT2   -\n"),
      ElementsAre("3 socket listening 127.0.0.1:8443 0.0.0.0:0 python3[3]:",
                  "4 socket established [::1]:443 [::1]:33708 rq=3 python3[3]:",
                  "5 socket fin-wait-2 127.0.0.1:44090 127.0.0.1:443"));
}

TEST(SsText, APidThatThereIsNotNamesNoProcess) {
  EXPECT_THAT(CallsOf("tcp        0      0 127.0.0.1:8443  0.0.0.0:*        LISTEN      0/python3\n"
                      "tcp        0      0 127.0.0.1:8444  0.0.0.0:*        LISTEN      -7/x\n"),
              ElementsAre("1 socket listening 127.0.0.1:8443 0.0.0.0:0",
                          "2 socket listening 127.0.0.1:8444 0.0.0.0:0"));
}

TEST(SsText, AWordThatIsNotKnownIsListedOnce) {
  EXPECT_THAT(CallsOf("ESTAB 0 0 10.0.0.5:1 10.0.0.6:2 cubic novelty:1\n"
                      "ESTAB 0 0 10.0.0.5:3 10.0.0.6:2 cubic novelty:2\n"),
              ElementsAre("1 socket established 10.0.0.5:1 10.0.0.6:2 cubic",
                          "1 unread \"novelty:1\" of an ss line (listed once): cubic novelty:1",
                          "2 socket established 10.0.0.5:3 10.0.0.6:2 cubic"));
}

TEST(SsText, WordsWithoutTheirSocketAreListed) {
  EXPECT_THAT(
      CallsOf("$ ss -tin | grep cwnd\n\t cubic cwnd:10\n"),
      ElementsAre("1 command ss -tin | grep cwnd",
                  "2 unread what ss says of a socket, without the line that names it: cubic "
                  "cwnd:10"));
}

}  // namespace
}  // namespace tcpmedic
