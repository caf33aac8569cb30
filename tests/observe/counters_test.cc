#include "observe/counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "observe/proc_counters.h"

namespace tcpmedic {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(ParseNetstat, NamesAreThoseOfNstat) {
  CounterSample sample;
  const int malformed = ParseNetstat(
      "TcpExt: SyncookiesSent TCPOrigDataSent\n"
      "TcpExt: 41827 7\n"
      "IpExt: InOctets\n"
      "IpExt: 123456789012\n"
      "Tcp: RtoAlgorithm MaxConn RetransSegs\n"
      "Tcp: 1 -1 5\n",
      &sample);

  EXPECT_EQ(malformed, 0);
  EXPECT_THAT(
      sample.values(),
      UnorderedElementsAre(Pair("TcpExtSyncookiesSent", 41827), Pair("TcpExtTCPOrigDataSent", 7),
                           Pair("IpExtInOctets", 123456789012), Pair("TcpRtoAlgorithm", 1),
                           Pair("TcpMaxConn", -1), Pair("TcpRetransSegs", 5)));
}

TEST(ParseNetstat, PairsThatDoNotLineUpAreDroppedWholeAndTheNextIsRead) {
  CounterSample sample;
  const int malformed = ParseNetstat(
      "TcpExt: A B\n"
      "TcpExt: 1\n"  // one value short: which one is missing cannot be known
      "Ip: C\n"
      "Udp: 9\n"
      "no prefix\n"
      "Tcp: D E\n"
      "Tcp: 4 four\n"
      "Icmp: F",
      &sample);

  EXPECT_THAT(sample.values(), UnorderedElementsAre(Pair("TcpD", 4)));
  // Two lines each of TcpExt, and of Ip and Udp, then the bare line, the value "four", and the line
  // without values.
  EXPECT_EQ(malformed, 7);
}

TEST(ParseSnmp6, NamesAreTheKernelsOwn) {
  CounterSample sample;
  const int malformed = ParseSnmp6(
      "Ip6InReceives                   \t12\n"
      "Ip6Bad\n"
      "Ip6Extra 1 2\n"
      "Ip6OutRequests 34\n",
      &sample);

  EXPECT_EQ(malformed, 2);
  EXPECT_THAT(sample.values(),
              UnorderedElementsAre(Pair("Ip6InReceives", 12), Pair("Ip6OutRequests", 34)));
}

TEST(ParseSockstat, NamesAreMadeOfProtocolAndWord) {
  CounterSample sample;
  const int malformed = ParseSockstat(
      "sockets: used 220\n"
      "TCP: inuse 5 orphan 1 tw 2 alloc 6 mem 3\n"
      "TCP6: inuse 2\n"
      "FRAG: inuse 0 memory\n",
      &sample);

  EXPECT_EQ(malformed, 1);
  EXPECT_THAT(sample.values(),
              UnorderedElementsAre(Pair("SockstatSocketsUsed", 220), Pair("SockstatTcpInuse", 5),
                                   Pair("SockstatTcpOrphan", 1), Pair("SockstatTcpTw", 2),
                                   Pair("SockstatTcpAlloc", 6), Pair("SockstatTcpMem", 3),
                                   Pair("SockstatTcp6Inuse", 2)));
}

TEST(CounterParsers, HugeNamesAndNumbersAreMalformedNotMisread) {
  CounterSample sample;
  const std::string name(500, 'x');
  EXPECT_EQ(ParseNetstat("T: " + name + "\nT: 1\n", &sample), 1);
  EXPECT_EQ(ParseSnmp6("A 99999999999999999999\n", &sample), 1);
  EXPECT_EQ(sample.size(), 0u);
}

TEST(CounterSample, AMissingCounterIsUnknown) {
  CounterSample sample;
  sample.Set("TcpRetransSegs", 0);
  EXPECT_EQ(sample.Get("TcpRetransSegs"), 0);
  EXPECT_EQ(sample.Get("TcpExtSyncookiesSent"), std::nullopt);
}

TEST(ProcCounters, ReadsAllFilesOfAProcess) {
  const auto process = ProcDirectory::Open(TCPMEDIC_SOURCE_DIR "/tests/data/proc/812");
  ASSERT_TRUE(process.ok()) << process.status();
  const auto counters = ProcCounters::Open(*process);
  ASSERT_TRUE(counters.ok()) << counters.status();
  CounterSample sample;
  sample.Set("FromTheReadingBefore", 1);
  ASSERT_TRUE((*counters)->Read(&sample).ok());

  EXPECT_EQ(sample.malformed(), 0);
  EXPECT_EQ(sample.Get("FromTheReadingBefore"), std::nullopt);
  EXPECT_EQ(sample.Get("TcpExtSyncookiesSent"), 41827);
  EXPECT_EQ(sample.Get("IpExtInOctets"), 161728301);
  EXPECT_EQ(sample.Get("TcpRetransSegs"), 913);
  EXPECT_EQ(sample.Get("Ip6InReceives"), 77);
  EXPECT_EQ(sample.Get("SockstatTcpMem"), 3);
  // This process's tree has no sockstat6, as a kernel without IPv6.
  EXPECT_EQ(sample.Get("SockstatTcp6Inuse"), std::nullopt);
}

TEST(ProcCounters, AReadingReplacesTheOneBeforeAlsoWhereTheNamesAreTheSame) {
  const auto process = ProcDirectory::Open(TCPMEDIC_SOURCE_DIR "/tests/data/proc/812");
  ASSERT_TRUE(process.ok()) << process.status();
  const auto counters = ProcCounters::Open(*process);
  ASSERT_TRUE(counters.ok()) << counters.status();
  CounterSample sample;
  ASSERT_TRUE((*counters)->Read(&sample).ok());
  const auto first = sample.values();
  sample.Set("TcpRetransSegs", 1);
  sample.AddMalformed(5);
  ASSERT_TRUE((*counters)->Read(&sample).ok());

  EXPECT_EQ(sample.values(), first);
  EXPECT_EQ(sample.malformed(), 0);
}

TEST(ProcCounters, AProcessWithoutCountersIsNotFound) {
  const auto process = ProcDirectory::Open(TCPMEDIC_SOURCE_DIR "/tests/data/proc/4242");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(absl::IsNotFound(ProcCounters::Open(*process).status()));
}

}  // namespace
}  // namespace tcpmedic
