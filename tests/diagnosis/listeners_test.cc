#include "diagnosis/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/diagnosis/scripted_netns.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

NetnsPoint Settings(std::optional<int64_t> syncookies, std::optional<int64_t> max_syn_backlog) {
  CounterSample sample;
  if (syncookies.has_value()) sample.Set("net.ipv4.tcp_syncookies", *syncookies);
  if (max_syn_backlog.has_value()) sample.Set("net.ipv4.tcp_max_syn_backlog", *max_syn_backlog);
  return PointOf(sample, At(0));
}

ListenersSeen Count(const std::vector<SocketSample>& sockets, const NetnsPoint* settings) {
  Listeners listeners;
  for (const SocketSample& socket : sockets) listeners.Add(socket);
  return listeners.Count(settings);
}

// SYN-RECV ÷ the limit decides, so each case is the limit of one listener.
TEST(Listeners, LimitOfTheSynQueueIsWhatTheKernelCompares) {
  const struct {
    const char* name;
    std::optional<int64_t> syncookies;
    std::optional<int64_t> max_syn_backlog;
    uint32_t backlog;
    std::optional<int64_t> limit;
  } cases[] = {
      {"cookies off, the backlog is less", 0, 2'048, 128, 128},
      {"cookies off, ¾ of tcp_max_syn_backlog is less", 0, 2'048, 4'096, 1'536},
      {"cookies on, tcp_max_syn_backlog is not consulted", 1, 2'048, 4'096, 4'096},
      {"always cookies", 2, 2'048, 4'096, 4'096},
      {"a quarter that is no whole number", 0, 10, 100, 8},
      {"tcp_syncookies not known", std::nullopt, 2'048, 128, std::nullopt},
      {"cookies off, tcp_max_syn_backlog not known", 0, std::nullopt, 128, std::nullopt},
      {"cookies on, tcp_max_syn_backlog not known", 1, std::nullopt, 128, 128},
  };
  for (const auto& c : cases) {
    const NetnsPoint settings = Settings(c.syncookies, c.max_syn_backlog);
    const auto seen = Count({ListenerSample(1, "0.0.0.0", 443, c.backlog)}, &settings);
    ASSERT_TRUE(seen.most_pressed.has_value()) << c.name;
    EXPECT_EQ(seen.most_pressed->syn_queue_limit, c.limit) << c.name;
  }
  EXPECT_EQ(Count({ListenerSample(1, "::", 443, 128)}, nullptr).most_pressed->syn_queue_limit,
            std::nullopt);
}

TEST(Listeners, MostPressedIsRelativeToItsLimit) {
  ScriptedNetns netns;
  netns.Listen(80, 4'096);
  netns.Listen(443, 128, /*accept_queue=*/7);
  netns.Listen(22, 128);
  netns.HalfOpen(300, 80);
  netns.HalfOpen(100, 443);
  const NetnsPoint settings = Settings(1, 2'048);
  const ListenersSeen seen = Count(netns.sockets, &settings);
  EXPECT_EQ(seen.syn_recv_sockets, 400);
  ASSERT_TRUE(seen.most_pressed.has_value());
  const Listener& listener = *seen.most_pressed;
  EXPECT_EQ(listener.key, (SocketKey{443, 1}));
  EXPECT_EQ(listener.address, "0.0.0.0:443");
  EXPECT_EQ(listener.local_ip, *IpAddress::Parse("0.0.0.0"));
  EXPECT_EQ(listener.local_port, 443);
  EXPECT_THAT(listener.inodes, ElementsAre(9'443u));
  EXPECT_EQ(listener.backlog, 128);
  EXPECT_EQ(listener.accept_queue, 7);
  EXPECT_EQ(listener.syn_recv_sockets, 100);
  EXPECT_EQ(listener.syn_queue_limit, 128);
  EXPECT_EQ(listener.sources, 100);
}

TEST(Listeners, TopSourcesAreTheWidePrefixesThatMostComeFrom) {
  std::vector<SocketSample> sockets = {ListenerSample(1, "0.0.0.0", 443, 128)};
  const char* const sources[] = {"198.18.0.1",  "198.18.200.9", "198.18.0.1", "198.18.7.7",
                                 "198.18.3.3",  "198.19.0.1",   "198.19.0.2", "198.19.1.1",
                                 "203.0.113.9", "192.0.2.1"};
  uint64_t cookie = 10;
  for (const char* source : sources) {
    sockets.push_back(HalfOpenSample(cookie++, "10.0.0.5", 443, source));
  }
  const Listener listener = *Count(sockets, nullptr).most_pressed;
  EXPECT_EQ(listener.sources, 9);
  EXPECT_EQ(listener.top_sources, "198.18.0.0/16 50 %, 198.19.0.0/16 30 %, 192.0.0.0/16 10 %");
}

TEST(Listeners, ShareOfASourceIsAtLeastOnePercent) {
  std::vector<SocketSample> sockets = {ListenerSample(1, "::", 443, 4'096)};
  for (uint64_t i = 0; i < 999; ++i) {
    sockets.push_back(
        HalfOpenSample(10 + i, "2001:db8::5", 443, absl::StrCat("2001:2:0:", i % 50, "::", 1 + i)));
  }
  sockets.push_back(HalfOpenSample(2'000, "2001:db8::5", 443, "2a00:1450:4001::5"));
  const Listener listener = *Count(sockets, nullptr).most_pressed;
  EXPECT_EQ(listener.address, "[::]:443");
  EXPECT_EQ(listener.sources, 1'000);
  EXPECT_EQ(listener.top_sources, "2001:2::/32 100 %, 2a00:1450::/32 1 %");
}

TEST(Listeners, TheVeryAddressWinsOverTheWildcardAndIpv6TakesIpv4WhereNoOneElseDoes) {
  const std::vector<SocketSample> half_open = {
      HalfOpenSample(10, "10.0.0.5", 443, "198.18.0.1"),
      HalfOpenSample(11, "10.0.0.6", 443, "198.18.0.1"),
      HalfOpenSample(12, "10.0.0.6", 443, "198.18.0.2"),
      HalfOpenSample(13, "10.0.0.6", 8'443, "198.18.0.2"),  // nobody listens there any more
  };
  const struct {
    const char* name;
    std::vector<SocketSample> listeners;
    const char* address;
    int64_t syn_recv_sockets;
  } cases[] = {
      {"the very address",
       {ListenerSample(1, "10.0.0.5", 443, 1), ListenerSample(2, "0.0.0.0", 443, 100)},
       "10.0.0.5:443",
       1},
      {"the rest is the wildcard's",
       {ListenerSample(1, "10.0.0.5", 443, 100), ListenerSample(2, "0.0.0.0", 443, 1)},
       "0.0.0.0:443",
       2},
      {"IPv4's wildcard before IPv6's",
       {ListenerSample(1, "::", 443, 1), ListenerSample(2, "0.0.0.0", 443, 1)},
       "0.0.0.0:443",
       3},
      {"a dual-stack socket", {ListenerSample(1, "::", 443, 1)}, "[::]:443", 3},
  };
  for (const auto& c : cases) {
    std::vector<SocketSample> sockets = half_open;
    sockets.insert(sockets.end(), c.listeners.begin(), c.listeners.end());
    const ListenersSeen seen = Count(sockets, nullptr);
    EXPECT_EQ(seen.syn_recv_sockets, 4) << c.name;
    ASSERT_TRUE(seen.most_pressed.has_value()) << c.name;
    EXPECT_EQ(seen.most_pressed->address, c.address) << c.name;
    EXPECT_EQ(seen.most_pressed->syn_recv_sockets, c.syn_recv_sockets) << c.name;
  }
}

TEST(Listeners, SocketsThatShareAPortAreOneListener) {
  std::vector<SocketSample> sockets;
  for (const uint64_t cookie : {7, 5, 6}) {
    sockets.push_back(ListenerSample(cookie, "0.0.0.0", 443, 4'096, /*accept_queue=*/2));
  }
  sockets.push_back(HalfOpenSample(10, "10.0.0.5", 443, "198.18.0.1"));
  const NetnsPoint settings = Settings(0, 2'048);
  const Listener listener = *Count(sockets, &settings).most_pressed;
  EXPECT_EQ(listener.key.cookie, 5u);
  EXPECT_THAT(listener.inodes, ElementsAre(9'007u, 9'005u, 9'006u));
  EXPECT_EQ(listener.backlog, 3 * 4'096);
  EXPECT_EQ(listener.accept_queue, 6);
  EXPECT_EQ(listener.syn_queue_limit, 3 * 1'536);
}

TEST(Listeners, WithoutHalfOpenConnectionsOnlyASingleListenerIsNamed) {
  ScriptedNetns netns;
  EXPECT_FALSE(Count({}, nullptr).most_pressed.has_value());
  netns.Listen(443, 128);
  const Listener listener = *Count(netns.sockets, nullptr).most_pressed;
  EXPECT_EQ(listener.address, "0.0.0.0:443");
  EXPECT_EQ(listener.syn_recv_sockets, 0);
  EXPECT_EQ(listener.sources, 0);
  EXPECT_EQ(listener.top_sources, "");
  netns.Listen(80, 128);
  EXPECT_FALSE(Count(netns.sockets, nullptr).most_pressed.has_value());
}

TEST(Listeners, SocketThatADumpShowsTwiceCountsOnce) {
  ScriptedNetns netns;
  netns.Listen(443, 128, 3);
  netns.HalfOpen(5);
  std::vector<SocketSample> twice = netns.sockets;
  twice.insert(twice.end(), netns.sockets.begin(), netns.sockets.end());
  const ListenersSeen seen = Count(twice, nullptr);
  EXPECT_EQ(seen.syn_recv_sockets, 5);
  EXPECT_EQ(seen.most_pressed->syn_recv_sockets, 5);
  EXPECT_EQ(seen.most_pressed->backlog, 128);
}

TEST(Listeners, OtherSocketsAreIgnoredAndClearForgets) {
  ScriptedNetns netns;
  netns.Listen(443, 128);
  netns.HalfOpen(5);
  Listeners listeners;
  for (const SocketSample& socket : netns.sockets) listeners.Add(socket);
  listeners.Clear();
  SocketSample established = netns.sockets.back();
  established.state = TcpState::kEstablished;
  listeners.Add(established);
  EXPECT_EQ(listeners.Count(nullptr).syn_recv_sockets, 0);
  EXPECT_FALSE(listeners.Count(nullptr).most_pressed.has_value());
}

TEST(Listeners, HalfOpenConnectionsOverTheBoundAreStillCounted) {
  ScriptedNetns netns;
  netns.Listen(443, 128);
  Listeners listeners;
  listeners.Add(netns.sockets[0]);
  SocketSample half_open = HalfOpenSample(1'000, "10.0.0.5", 443, "198.18.0.1");
  const int64_t count = Listeners::kMaxHalfOpen + 10;
  for (int64_t i = 0; i < count; ++i, ++half_open.key.cookie) listeners.Add(half_open);
  EXPECT_EQ(listeners.Count(nullptr).syn_recv_sockets, count);
}

}  // namespace
}  // namespace tcpmedic
