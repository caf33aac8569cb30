// What a dump of 20,000 real sockets costs: allocations, libnl's and libc's own counted, and time.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "observe/inet_diag_socket.h"
#include "tests/observe/throwaway_namespace.h"
#include "tests/support/allocation_count.h"

namespace tcpmedic {
namespace {

// Both ends of `count` connections, left open.
bool HoldConnections(int count) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, any, size) != 0 || listen(listener, 128) != 0) return false;
  if (getsockname(listener, any, &size) != 0) return false;
  for (int i = 0; i < count; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || connect(client, any, size) != 0) return false;
    if (accept(listener, nullptr, nullptr) < 0) return false;
  }
  return true;
}

struct Cost {
  int64_t sockets = 0;
  int64_t allocations = 0;
  absl::Duration time;
};

Cost Measure(InetDiagSocket& socket) {
  int64_t visited = 0;
  const int64_t before = AllocationCount();
  const absl::Time start = absl::Now();
  const auto stats = socket.Dump({}, [&](const SocketSample&) { ++visited; });
  const Cost cost = {visited, AllocationCount() - before, absl::Now() - start};
  EXPECT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->malformed_messages, 0);
  return cost;
}

TEST(DumpCost, AllocationsDoNotGrowWithTheNumberOfSockets) {
  const NamespaceProcess first([] { return HoldConnections(50); });
  const auto socket = InetDiagSocket::OpenInNamespace(first.OpenNetns().get());
  ASSERT_TRUE(socket.ok()) << socket.status();
  Measure(**socket);  // whatever is set up once
  const Cost few = Measure(**socket);

  // One process holds 20,000 descriptors at most.
  const auto hold_5000 = [] { return HoldConnections(5000); };
  const NamespaceProcess second(hold_5000, first.pid());
  const NamespaceProcess third(hold_5000, first.pid());
  Cost many = Measure(**socket);
  for (int i = 0; i < 4; ++i) {
    const Cost again = Measure(**socket);
    EXPECT_EQ(again.allocations, many.allocations);
    many.time = std::min(many.time, again.time);
  }

  EXPECT_EQ(few.sockets, 101);
  EXPECT_EQ(many.sockets, 20'103);
  EXPECT_EQ(many.allocations, few.allocations);
  EXPECT_LE(many.allocations, 64);
  const double us_per_socket = absl::ToDoubleMicroseconds(many.time) / many.sockets;
  std::printf("%ld sockets: %ld allocations, %.1f ms, %.2f us per socket\n", many.sockets,
              many.allocations, absl::ToDoubleMilliseconds(many.time), us_per_socket);
  ::testing::Test::RecordProperty("us_per_socket", std::to_string(us_per_socket));
}

TEST(DumpCost, TheCountSeesWhatLibrariesAllocate) {
  const int64_t before = AllocationCount();
  ASSERT_TRUE(ConnectSockDiag().ok());  // libnl mallocs the socket, we new the channel
  EXPECT_GE(AllocationCount() - before, 2);
}

}  // namespace
}  // namespace tcpmedic
