// What the running kernel answers, against what getsockopt, getsockname and fstat say of the same
// sockets.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "observe/inet_diag_socket.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

std::string AddressAndPort(const IpAddress& ip, int port) {
  return absl::StrCat(ip.ToString(), " ", port);
}

std::string AddressAndPort(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return AddressAndPort(IpAddress::FromV4(&v4.sin_addr), ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return AddressAndPort(IpAddress::FromV6(&v6.sin6_addr).Unmapped(), ntohs(v6.sin6_port));
}

template <typename T>
T Option(int fd, int level, int name) {
  T value{};
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0) << name;
  return value;
}

// One socket as its own process sees it.
std::pair<uint64_t, std::string> Expected(int fd, const char* state) {
  sockaddr_storage local{}, remote{};
  socklen_t size = sizeof(local);
  getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
  size = sizeof(remote);
  const bool connected = getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &size) == 0;
  if (!connected) remote.ss_family = local.ss_family;
  struct stat identity;
  fstat(fd, &identity);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(local);
  const bool mapped = local.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
  return {Option<uint64_t>(fd, SOL_SOCKET, SO_COOKIE),
          absl::StrCat(state, " ", AddressAndPort(local), " > ", AddressAndPort(remote),
                       mapped ? " mapped" : "", " inode ", identity.st_ino, " uid ", geteuid(),
                       " netns ", Option<uint64_t>(fd, SOL_SOCKET, SO_NETNS_COOKIE))};
}

// And as a dump shows it.
std::string Seen(const SocketSample& sample) {
  return absl::StrCat(std::string(Name(sample.state)), " ",
                      AddressAndPort(sample.local_ip, sample.local_port), " > ",
                      AddressAndPort(sample.remote_ip, sample.remote_port),
                      sample.v4_mapped ? " mapped" : "", " inode ", sample.inode, " uid ",
                      sample.uid, " netns ", sample.key.netns_cookie);
}

using Sockets = std::multimap<uint64_t, std::string>;  // a socket visited twice is there twice

Sockets DumpWith(InetDiagSocket& socket, TcpStateMask states = kAllTcpStates) {
  Sockets seen;
  const auto stats = socket.Dump({.states = states}, [&](const SocketSample& sample) {
    seen.emplace(sample.key.cookie, Seen(sample));
  });
  EXPECT_TRUE(stats.ok()) << stats.status();
  if (stats.ok()) {
    EXPECT_EQ(stats->sockets, static_cast<int64_t>(seen.size()));
    EXPECT_EQ(stats->malformed_messages, 0);
  }
  return seen;
}

Sockets Dump(TcpStateMask states = kAllTcpStates) {
  const auto socket = InetDiagSocket::Open();
  EXPECT_TRUE(socket.ok()) << socket.status();
  return socket.ok() ? DumpWith(**socket, states) : Sockets();
}

// The kernel's channel, observed: what was asked, with the old request refused on demand.
class WatchedChannel : public NetlinkChannel {
 public:
  WatchedChannel(std::vector<int>* asked, bool refuse_legacy)
      : kernel_(ConnectSockDiag().value()), asked_(asked), refuse_legacy_(refuse_legacy) {}

  uint64_t netns_cookie() const override { return kernel_->netns_cookie(); }
  absl::StatusOr<uint32_t> Send(nlmsghdr* message) override {
    asked_->push_back(message->nlmsg_type);
    // One past the last type that sock_diag knows (SOCK_DESTROY): it answers EINVAL.
    if (refuse_legacy_ && message->nlmsg_type == TCPDIAG_GETSOCK) message->nlmsg_type = 22;
    return kernel_->Send(message);
  }
  absl::StatusOr<absl::Span<char>> Receive() override { return kernel_->Receive(); }

 private:
  std::unique_ptr<NetlinkChannel> kernel_;
  std::vector<int>* asked_;
  bool refuse_legacy_;
};

struct Stage {
  std::vector<Connection> connections;
  Sockets expected;

  void Add(Connection connection) {
    expected.insert(Expected(connection.listener.get(), "listening"));
    expected.insert(Expected(connection.client.get(), "established"));
    expected.insert(Expected(connection.server.get(), "established"));
    connections.push_back(std::move(connection));
  }
};

Stage EveryFamily() {
  Stage stage;
  stage.Add(Connect(AF_INET, AF_INET));
  stage.Add(Connect(AF_INET6, AF_INET6));
  stage.Add(Connect(AF_INET6, AF_INET));         // the server's end is v4-mapped
  stage.Add(Connect(AF_INET, AF_INET6));         // the client's end is
  stage.Add(Connect(AF_INET6, AF_INET6, true));  // both are
  return stage;
}

TEST(InetDiagOnTheKernel, EverySocketOfEveryFamilyIsVisitedOnce) {
  InThrowawayNamespace([] {
    const Stage stage = EveryFamily();
    EXPECT_EQ(Dump(), stage.expected);
  });
}

TEST(InetDiagOnTheKernel, OneRequestAnswersForAllFamilies) {
  InThrowawayNamespace([] {
    const Stage stage = EveryFamily();
    std::vector<int> asked;
    InetDiagSocket socket(std::make_unique<WatchedChannel>(&asked, false));
    EXPECT_EQ(DumpWith(socket), stage.expected);
    EXPECT_THAT(asked, ElementsAre(TCPDIAG_GETSOCK));
  });
}

TEST(InetDiagOnTheKernel, ADumpPerFamilyShowsTheSameWhereTheOldRequestIsRefused) {
  InThrowawayNamespace([] {
    const Stage stage = EveryFamily();
    std::vector<int> asked;
    InetDiagSocket socket(std::make_unique<WatchedChannel>(&asked, true));
    EXPECT_EQ(DumpWith(socket), stage.expected);
    EXPECT_EQ(asked.size(), 3u);
  });
}

TEST(InetDiagOnTheKernel, OnlyTheStatesAskedForAreShown) {
  InThrowawayNamespace([] {
    Connection open = Connect(AF_INET, AF_INET);
    Connection half_closed = Connect(AF_INET6, AF_INET6);
    ASSERT_EQ(shutdown(half_closed.client.get(), SHUT_WR), 0);

    EXPECT_EQ(Dump(MaskOf(TcpState::kListen)),
              Sockets({Expected(open.listener.get(), "listening"),
                       Expected(half_closed.listener.get(), "listening")}));
    EXPECT_EQ(Dump(MaskOf(TcpState::kEstablished)),
              Sockets({Expected(open.client.get(), "established"),
                       Expected(open.server.get(), "established")}));
    EXPECT_EQ(Dump(MaskOf(TcpState::kCloseWait)),
              Sockets({Expected(half_closed.server.get(), "close-wait")}));
    EXPECT_EQ(Dump(MaskOf(TcpState::kCloseWait) | MaskOf(TcpState::kEstablished)),
              Sockets({Expected(half_closed.server.get(), "close-wait"),
                       Expected(open.client.get(), "established"),
                       Expected(open.server.get(), "established")}));
    EXPECT_EQ(Dump(0), Sockets());
  });
}

TEST(InetDiagOnTheKernel, AHalfOpenConnectionIsSynRecv) {
  InThrowawayNamespace([] {
    Connection connection = Connect(AF_INET, AF_INET);
    // A listener that wants data first leaves a client that sends none in SYN-RECV.
    const int seconds = 5;
    ASSERT_EQ(setsockopt(connection.listener.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
                         sizeof(seconds)),
              0);
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    getsockname(connection.listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const UniqueFd silent(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(silent.get(), reinterpret_cast<sockaddr*>(&address), size), 0);

    const Sockets seen = Dump(MaskOf(TcpState::kSynRecv));
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_THAT(seen.begin()->second, ::testing::StartsWith("syn-recv 127.0.0.1 "));
  });
}

TEST(InetDiagOnTheKernel, TimeWaitHasNoInodeAndNoTcpInfo) {
  InThrowawayNamespace([] {
    Connection connection = Connect(AF_INET6, AF_INET, false);
    connection.client.reset();
    connection.server.reset();
    const auto socket = InetDiagSocket::Open();
    ASSERT_TRUE(socket.ok()) << socket.status();
    int visited = 0;
    const auto stats =
        (*socket)->Dump({.states = MaskOf(TcpState::kTimeWait)}, [&](const SocketSample& sample) {
          ++visited;
          EXPECT_EQ(sample.state, TcpState::kTimeWait);
          EXPECT_EQ(sample.inode, 0u);
          EXPECT_FALSE(sample.info.reported());
          EXPECT_EQ(sample.cc(), "");
          EXPECT_EQ(sample.local_ip, *IpAddress::Parse("127.0.0.1"));
        });
    EXPECT_TRUE(stats.ok()) << stats.status();
    EXPECT_EQ(visited, 1);
  });
}

TEST(InetDiagOnTheKernel, TcpInfoIsTheSocketsOwn) {
  InThrowawayNamespace([] {
    Connection connection = Connect(AF_INET, AF_INET);
    ASSERT_EQ(send(connection.client.get(), "0123456789", 10, 0), 10);
    const uint64_t cookie = Option<uint64_t>(connection.client.get(), SOL_SOCKET, SO_COOKIE);
    const tcp_info own = Option<tcp_info>(connection.client.get(), IPPROTO_TCP, TCP_INFO);
    const auto algorithm =
        Option<std::array<char, 16>>(connection.client.get(), IPPROTO_TCP, TCP_CONGESTION);
    bool found = false;
    const auto socket = InetDiagSocket::Open();
    ASSERT_TRUE(socket.ok()) << socket.status();
    const auto stats = (*socket)->Dump({}, [&](const SocketSample& sample) {
      if (sample.key.cookie != cookie) return;
      found = true;
      EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_snd_cwnd), own.tcpi_snd_cwnd);
      EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_snd_mss), own.tcpi_snd_mss);
      EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_bytes_sent), 10u);
      EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_snd_wnd), own.tcpi_snd_wnd);
      EXPECT_TRUE(sample.info.delivery_rate_app_limited().has_value());
      EXPECT_EQ(sample.cc(), algorithm.data());
      EXPECT_TRUE(sample.cgroup_id.has_value());
    });
    EXPECT_TRUE(stats.ok()) << stats.status();
    EXPECT_TRUE(found);
  });
}

TEST(InetDiagOnTheKernel, ASocketOfAnotherNamespaceSpeaksForThatOneAndTheCallerStays) {
  Connection held;
  const NamespaceProcess child([&] {
    held = Connect(AF_INET, AF_INET6);
    return true;
  });
  struct stat before, after;
  ASSERT_EQ(stat("/proc/thread-self/ns/net", &before), 0);
  const auto socket = InetDiagSocket::OpenInNamespace(child.OpenNetns().get());
  ASSERT_EQ(stat("/proc/thread-self/ns/net", &after), 0);
  ASSERT_TRUE(socket.ok()) << socket.status();

  const UniqueFd own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE((*socket)->netns_cookie(), Option<uint64_t>(own.get(), SOL_SOCKET, SO_NETNS_COOKIE));
  EXPECT_EQ(DumpWith(**socket).size(), 3u);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST(InetDiagOnTheKernel, WhatIsNoNamespaceIsRefusedByName) {
  const UniqueFd not_a_namespace(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(InetDiagSocket::OpenInNamespace(not_a_namespace.get()).status(),
            absl::UnavailableError("setns: EINVAL"));
}

}  // namespace
}  // namespace tcpmedic
