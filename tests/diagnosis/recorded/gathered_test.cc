#include "diagnosis/recorded/gathered.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

TEST(Gathered, LineThatSaysLessTakesNothingBack) {
  RecordedSocket full = Socket(TcpState::kEstablished, 1, 2, 3);
  full.sample.info.Set(&tcp_info::tcpi_snd_cwnd, 11u);
  RecordedSocket bare = Socket(TcpState::kCloseWait, 1, 2, 9);
  bare.sample.rqueue = 1;
  Gathered gathered;
  gathered.Add(full);
  gathered.Add(bare);
  ASSERT_EQ(gathered.sockets().size(), 1u);
  const RecordedSocket& socket = gathered.sockets()[0];
  EXPECT_EQ(socket.sample.info.Field(&tcp_info::tcpi_snd_cwnd), 11u);
  EXPECT_EQ(socket.sample.state, TcpState::kCloseWait);
  EXPECT_EQ(socket.sample.rqueue, 1u);
}

TEST(Gathered, ListenersThatShareAPortAreSeveral) {
  Gathered gathered;
  for (int command = 0; command < 2; ++command) {
    gathered.Add(RecordedCommand{At(command), "ss -tln"});
    gathered.Add(Socket(TcpState::kListen, 443, 0, 1));
    gathered.Add(Socket(TcpState::kListen, 443, 0, 2));
  }
  EXPECT_EQ(gathered.sockets().size(), 3u);
}

TEST(Gathered, KeysAreKeptApartFromCookiesThatWereRead) {
  RecordedSocket known = Socket(TcpState::kEstablished, 1, 2, 3);
  known.sample.key.cookie = 0x1a2b;
  Gathered gathered;
  gathered.Add(known);
  gathered.Add(Socket(TcpState::kEstablished, 5, 6, 4));
  EXPECT_FALSE(Gathered::IsMadeUp(gathered.sockets()[0].sample.key));
  EXPECT_TRUE(Gathered::IsMadeUp(gathered.sockets()[1].sample.key));
}

TEST(Gathered, NewestReadingOfACounterCounts) {
  Gathered gathered;
  gathered.Add(Counter("TcpExtSyncookiesSent", 1, 1));
  gathered.Add(Counter("TcpExtSyncookiesSent", 2, 5));
  gathered.Add(Counter("TcpExtSyncookiesSent", 9, 7, /*is_increase=*/true));
  EXPECT_EQ(gathered.CounterOf("TcpExtSyncookiesSent", false)->value, 2);
  EXPECT_EQ(gathered.CounterOf("TcpExtSyncookiesSent", true)->value, 9);
  EXPECT_EQ(gathered.CounterOf("TcpExtListenDrops", false), nullptr);
}

TEST(Gathered, AProcessThatIsListedTwiceHasItsArgumentsOnce) {
  Gathered gathered;
  for (int line = 1; line <= 2; ++line) {
    RecordedProcess process{At(line), {}, ""};
    process.process.set_pid(991);
    process.process.add_cmdline("java");
    process.process.add_cmdline("-Xmx2g");
    gathered.Add(process);
  }
  ASSERT_EQ(gathered.processes().size(), 1u);
  EXPECT_EQ(gathered.processes()[0].process.cmdline_size(), 2);
}

}  // namespace
}  // namespace tcpmedic
