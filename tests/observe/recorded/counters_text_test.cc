#include "observe/recorded/counters_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/observe/recorded/recorded_calls.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

TEST(CountersText, NstatIsTotalsWithDashAAndIncreasesWithout) {
  EXPECT_THAT(
      CallsOf("$ nstat -az | grep -i syncookies\n"
              "TcpExtSyncookiesSent            41827\n"
              "TcpExtSyncookiesRecv            312                0.0\n"
              "$ nstat\n"
              "#kernel\n"
              "TcpRetransSegs                  2                  0.0\n"
              "$ nstat -s\n"
              "TcpRetransSegs                  3                  0.0\n"),
      ElementsAre("1 command nstat -az | grep -i syncookies",
                  "2 counter TcpExtSyncookiesSent 41827", "3 counter TcpExtSyncookiesRecv 312",
                  "4 command nstat", "6 counter TcpRetransSegs 2 increase", "7 command nstat -s",
                  "8 counter TcpRetransSegs 3 increase"));
}

TEST(CountersText, WithoutACommandNstatIsTakenForTotals) {
  EXPECT_THAT(
      CallsOf("#kernel\nTcpMaxConn -1 0.0\nTcpInSegs 99999999999999999999 0.0\n"),
      ElementsAre("2 counter TcpMaxConn -1",
                  "3 unread a number that is too large: TcpInSegs 99999999999999999999 0.0"));
}

TEST(CountersText, NstatsJsonIsReadAndItsCutEndListed) {
  EXPECT_THAT(CallsOf("$ nstat -aj\n{\"kernel\":{\"IpInReceives\":161,\"TcpActiveOpens\":8}}\n"),
              ElementsAre("1 command nstat -aj", "2 counter IpInReceives 161",
                          "2 counter TcpActiveOpens 8"));
  EXPECT_THAT(
      CallsOf("{\"kernel\":{\"IpInReceives\":161,\"TcpActi\n"),
      ElementsAre("1 counter IpInReceives 161", "1 unread the rest of nstat's JSON: TcpActi"));
}

// net-tools 2.10.
TEST(CountersText, NetstatsSentencesAreNamedAsNstatDoes) {
  EXPECT_THAT(
      CallsOf("Ip:\n"
              "    161 total packets received\n"
              "Tcp:\n"
              "    8 active connection openings\n"
              "    2 segments retransmitted\n"
              "Udp:\n"
              "    0 packets to unknown port received\n"
              "TcpExt:\n"
              "    41827 SYN cookies sent\n"
              "    312 SYN cookies received\n"
              "    Quick ack mode was activated 2 times\n"
              "    TCPOrigDataSent: 216\n"
              "    7 things that nobody knows\n"),
      ElementsAre("2 counter IpInReceives 161", "4 counter TcpActiveOpens 8",
                  "5 counter TcpRetransSegs 2", "7 counter UdpNoPorts 0",
                  "9 counter TcpExtSyncookiesSent 41827", "10 counter TcpExtSyncookiesRecv 312",
                  "11 counter TcpExtDelayedACKLost 2", "12 counter TcpExtTCPOrigDataSent 216",
                  "13 unread a sentence of netstat -s that is not known: 7 things that "
                  "nobody knows"));
}

// Worked out by giving net-tools 2.10 a /proc of counters that were all different.
TEST(CountersText, NetstatTellsWhatCameInAndWhatWentOutInTheSameWords) {
  EXPECT_THAT(CallsOf("Icmp:\n"
                      "    1020 ICMP messages received\n"
                      "    ICMP input histogram:\n"
                      "        destination unreachable: 1023\n"
                      "    1033 ICMP messages sent\n"
                      "    ICMP output histogram:\n"
                      "        destination unreachable: 1037\n"
                      "        carrier pigeons: 7\n"
                      "        lost pigeons: 8\n"
                      "IcmpMsg:\n"
                      "        InType3: 1049\n"
                      "Ip6:\n"
                      "    1090 forwarded\n"
                      "    Ip6OutTransmits: 1112\n"),
              ElementsAre("2 counter IcmpInMsgs 1020", "4 counter IcmpInDestUnreachs 1023",
                          "5 counter IcmpOutMsgs 1033", "7 counter IcmpOutDestUnreachs 1037",
                          "8 unread a sentence of netstat -s that is not known: carrier pigeons: 7 "
                          "(2 lines)",
                          "11 counter IcmpMsgInType3 1049", "13 counter Ip6OutForwDatagrams 1090",
                          "14 counter Ip6OutTransmits 1112"));
}

TEST(CountersText, ASentenceWithoutItsSectionIsReadWhereOnlyOneSaysIt) {
  EXPECT_THAT(
      CallsOf("# netstat -s | grep -e cookies -e received -i -e tcp\n"
              "    312 SYN cookies received\n"
              "    TCPOrigDataSent: 216\n"
              "    7 packets received\n"
              "    TcpTimeoutRehash: 7\n"),
      ElementsAre("1 command netstat -s | grep -e cookies -e received -i -e tcp",
                  "2 counter TcpExtSyncookiesRecv 312", "3 counter TcpExtTCPOrigDataSent 216",
                  "4 unread a sentence of netstat -s that is not known: 7 packets received "
                  "(2 lines)"));
}

TEST(CountersText, CopiesOfProcAreReadInPairs) {
  EXPECT_THAT(CallsOf("TcpExt: SyncookiesSent SyncookiesRecv\n"
                      "TcpExt: 5 6\n"
                      "Tcp: RtoAlgorithm RetransSegs\n"
                      "Tcp: 1\n"
                      "IpExt: InOctets\n"
                      "TCP: inuse 5 orphan 0 tw 1 alloc 17 mem 1321\n"),
              ElementsAre("2 counter TcpExtSyncookiesRecv 6", "2 counter TcpExtSyncookiesSent 5",
                          "4 unread counters whose names and values do not line up: Tcp: 1",
                          "6 counter SockstatTcpAlloc 17", "6 counter SockstatTcpInuse 5",
                          "6 counter SockstatTcpMem 1321", "6 counter SockstatTcpOrphan 0",
                          "6 counter SockstatTcpTw 1",
                          "5 unread names of counters without the line of their values: IpExt: "
                          "InOctets"));
}

TEST(CountersText, SettingsAreCountersUnderTheirDottedName) {
  EXPECT_THAT(
      CallsOf("$ sysctl net.ipv4.tcp_syncookies\n"
              "net.ipv4.tcp_syncookies = 1\n"
              "net.ipv4.tcp_rmem = 4096 131072 6291456\n"
              "$ sysctl -n net.core.somaxconn\n"
              "4096\n"
              "$ cat /proc/sys/net/ipv4/tcp_max_syn_backlog\n"
              "512\n"),
      ElementsAre("1 command sysctl net.ipv4.tcp_syncookies", "2 counter net.ipv4.tcp_syncookies 1",
                  "3 unread a setting that is not one number: net.ipv4.tcp_rmem = 4096 131072 "
                  "6291456",
                  "4 command sysctl -n net.core.somaxconn", "5 counter net.core.somaxconn 4096",
                  "6 command cat /proc/sys/net/ipv4/tcp_max_syn_backlog",
                  "7 counter net.ipv4.tcp_max_syn_backlog 512"));
}

}  // namespace
}  // namespace tcpmedic
