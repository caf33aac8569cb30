// Namespaces on the running kernel: found, read, and let go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "observe/namespaces.h"
#include "observe/proc_directory.h"
#include "tests/observe/nsenter.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

constexpr auto kNothing = [] { return true; };

const ObservedNamespace* Find(const Namespaces& namespaces, uint64_t inode) {
  for (const ObservedNamespace& seen : namespaces.current()) {
    if (seen.inode == inode) return &seen;
  }
  return nullptr;
}

uint64_t OwnInode() {
  uint64_t inode = 0;
  ProcDirectory::Open("/proc/thread-self")->ReadInodeLink("ns/net", "net", &inode);
  return inode;
}

int CountSockets(SocketSource& sockets) {
  int count = 0;
  const auto stats = sockets.Dump({}, [&](const SocketSample&) { ++count; });
  EXPECT_TRUE(stats.ok()) << stats.status();
  return count;
}

bool HasInterface(int pid, const std::string& name) {
  const auto devices = ProcDirectory::Open(absl::StrCat("/proc/", pid))->ReadFile("net/dev");
  EXPECT_TRUE(devices.ok()) << devices.status();
  return absl::StrContains(devices.value_or(""), absl::StrCat(name, ":"));
}

TEST(NamespacesOnTheKernel, AChildsNamespaceIsReadAndItsProcessNamed) {
  std::optional<Connection> connection;
  const NamespaceProcess child([&] {
    connection = Connect(AF_INET, AF_INET);
    return prctl(PR_SET_NAME, "odd (name)") == 0;
  });
  Namespaces namespaces(Namespaces::Options{});
  ASSERT_TRUE(namespaces.Refresh().ok());

  const ObservedNamespace* seen = Find(namespaces, child.netns_inode());
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->problem, "");
  EXPECT_EQ(seen->pid, child.pid());
  EXPECT_EQ(seen->name, absl::StrCat("netns of pid ", child.pid(), " (odd (name))"));
  ASSERT_NE(seen->sockets, nullptr);
  EXPECT_EQ(seen->cookie, seen->sockets->netns_cookie());
  EXPECT_EQ(CountSockets(*seen->sockets), 3);
  CounterSample counters;
  ASSERT_TRUE(seen->counters->Read(&counters).ok());
  EXPECT_EQ(counters.Get("TcpActiveOpens"), 1);
  EXPECT_EQ(counters.malformed(), 0);

  const ObservedNamespace* own = Find(namespaces, OwnInode());
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->problem, "");
  EXPECT_NE(own->cookie, seen->cookie);
}

TEST(NamespacesOnTheKernel, EachNamespacesSettingsAreReadWithItsCounters) {
  const NamespaceProcess first(kNothing);
  const NamespaceProcess second(kNothing);
  SetIn(first, "net.ipv4.tcp_syncookies", "2");
  SetIn(first, "net.ipv4.tcp_max_syn_backlog", "777");
  SetIn(first, "net.core.somaxconn", "333");
  SetIn(second, "net.ipv4.tcp_syncookies", "0");
  Namespaces namespaces({.only_inodes = {first.netns_inode(), second.netns_inode()}});
  ASSERT_TRUE(namespaces.Refresh().ok());
  const ObservedNamespace* const seen = Find(namespaces, first.netns_inode());
  const ObservedNamespace* const other = Find(namespaces, second.netns_inode());
  ASSERT_TRUE(seen != nullptr && other != nullptr);

  CounterSample sample;
  ASSERT_TRUE(seen->counters->Read(&sample).ok());
  EXPECT_EQ(sample.Get("net.ipv4.tcp_syncookies"), 2);
  EXPECT_EQ(sample.Get("net.ipv4.tcp_max_syn_backlog"), 777);
  EXPECT_EQ(sample.Get("net.core.somaxconn"), 333);
  EXPECT_EQ(sample.Get("TcpExtSyncookiesSent"), 0);
  ASSERT_TRUE(other->counters->Read(&sample).ok());
  EXPECT_EQ(sample.Get("net.ipv4.tcp_syncookies"), 0);

  // Someone else's write is in the next reading.
  SetIn(first, "net.ipv4.tcp_syncookies", "1");
  ASSERT_TRUE(seen->counters->Read(&sample).ok());
  EXPECT_EQ(sample.Get("net.ipv4.tcp_syncookies"), 1);
  ASSERT_TRUE(other->counters->Read(&sample).ok());
  EXPECT_EQ(sample.Get("net.ipv4.tcp_syncookies"), 0);
}

TEST(NamespacesOnTheKernel, AKilledNamespaceIsLetGoWithItsVethPeer) {
  const NamespaceProcess witness(kNothing);
  NamespaceProcess victim([&] {
    return std::system(
               absl::StrCat("ip link add here type veth peer name there netns ", witness.pid())
                   .c_str()) == 0;
  });
  const uint64_t victims_inode = victim.netns_inode();
  Namespaces namespaces({.only_inodes = {victims_inode, witness.netns_inode()}});
  ASSERT_TRUE(namespaces.Refresh().ok());
  ASSERT_EQ(namespaces.current().size(), 2u);
  ASSERT_TRUE(HasInterface(witness.pid(), "there"));

  victim.Kill();
  absl::SleepFor(absl::Milliseconds(300));
  // What we hold open keeps it alive, or the test below would prove nothing.
  ASSERT_TRUE(HasInterface(witness.pid(), "there"));
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Find(namespaces, victims_inode), nullptr);

  // The kernel takes namespaces apart in the background.
  const absl::Time deadline = absl::Now() + absl::Seconds(5);
  while (HasInterface(witness.pid(), "there") && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_FALSE(HasInterface(witness.pid(), "there"));
  EXPECT_NE(Find(namespaces, witness.netns_inode()), nullptr);
}

TEST(NamespacesOnTheKernel, RefreshesOpenNothingTwice) {
  const NamespaceProcess child(kNothing);
  Namespaces namespaces({.only_inodes = {child.netns_inode()}});
  ASSERT_TRUE(namespaces.Refresh().ok());
  SocketSource* const sockets = namespaces.current().at(0).sockets;
  CounterSource* const counters = namespaces.current().at(0).counters;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(namespaces.current().at(0).sockets, sockets);
  EXPECT_EQ(namespaces.current().at(0).counters, counters);
}

constexpr uid_t kNobody = 65534;

TEST(NamespacesOnTheKernel, WithoutPrivilegeOurOwnIsReadAndOthersSayWhatIsMissing) {
  const NamespaceProcess others_process(kNothing);
  const NamespaceProcess same_users_process([] {
    // Dumpable, so that a process of the same user may look at it.
    return setresuid(kNobody, kNobody, kNobody) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
  });
  const uint64_t others = others_process.netns_inode();
  const uint64_t same_users = same_users_process.netns_inode();
  const NamespaceProcess unprivileged([&] {
    if (setresuid(kNobody, kNobody, kNobody) != 0) return false;
    Namespaces namespaces(Namespaces::Options{});
    EXPECT_TRUE(namespaces.Refresh().ok());
    EXPECT_EQ(Find(namespaces, others), nullptr);
    EXPECT_GT(namespaces.processes_denied(), 0);

    const ObservedNamespace* own = Find(namespaces, OwnInode());
    if (own == nullptr || own->sockets == nullptr || own->counters == nullptr) return false;
    EXPECT_EQ(own->problem, "");
    EXPECT_EQ(CountSockets(*own->sockets), 0);
    CounterSample owns;
    EXPECT_TRUE(own->counters->Read(&owns).ok());
    EXPECT_NE(owns.Get("net.ipv4.tcp_syncookies"), std::nullopt);

    const ObservedNamespace* seen = Find(namespaces, same_users);
    if (seen == nullptr || seen->counters == nullptr) return false;
    EXPECT_EQ(seen->sockets, nullptr);
    EXPECT_EQ(seen->problem, "setns (needs CAP_SYS_ADMIN): EPERM");
    CounterSample counters;
    EXPECT_TRUE(seen->counters->Read(&counters).ok());
    EXPECT_EQ(counters.Get("TcpActiveOpens"), 0);
    EXPECT_EQ(counters.Get("net.ipv4.tcp_syncookies"), std::nullopt);
    return !::testing::Test::HasFailure();
  });
}

}  // namespace
}  // namespace tcpmedic
