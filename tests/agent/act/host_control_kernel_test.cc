// Another process's sockets on the running kernel: reached, changed, and never mistaken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "agent/act/host_control.h"
#include "tests/agent/act/held_sockets.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

int OpenDescriptors() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<int>(std::distance(begin(fds), end(fds)));
}

class HostControlOnTheKernel : public ::testing::Test {
 protected:
  Whereabouts Located(HeldSockets& held, int i) {
    Whereabouts where = held.Where(held.client_cookie(i));
    const int pid = held.pid();
    EXPECT_TRUE(host->Locate({&where, 1}, {&pid, 1}));
    return where;
  }

  std::unique_ptr<HostControl> host = MakeHostControl();
};

TEST_F(HostControlOnTheKernel, MovesALiveSocketOfAnotherProcessAndBack) {
  HeldSockets held(1);
  const Whereabouts where = Located(held, 0);
  ASSERT_THAT(where.holders, SizeIs(1));
  EXPECT_EQ(where.holders[0].fd, held.client_fd(0));

  const auto facts = host->Read(where);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->state, TcpState::kEstablished);
  EXPECT_EQ(facts->congestion_control, "cubic");
  EXPECT_TRUE(facts->restorable);
  EXPECT_EQ(facts->netns_inode, held.process().netns_inode());
  EXPECT_EQ(facts->in_host_netns, false);

  const auto there = host->ExchangeCongestionControl(where, "cubic", "bbr");
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_TRUE(there->changed);
  EXPECT_EQ(there->now, "bbr");
  EXPECT_EQ(held.AlgorithmOf(where.key.cookie), "bbr");

  const auto back = host->ExchangeCongestionControl(where, "bbr", "cubic");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(held.AlgorithmOf(where.key.cookie), "cubic");
}

TEST_F(HostControlOnTheKernel, KeepsNoDescriptorOfTheOtherProcess) {
  HeldSockets held(1);
  const Whereabouts where = Located(held, 0);
  const int before = OpenDescriptors();
  ASSERT_TRUE(host->Read(where).ok());
  ASSERT_TRUE(host->ExchangeCongestionControl(where, "cubic", "bbr").ok());
  ASSERT_FALSE(host->ExchangeCongestionControl(where, "bbr", "nonesuch").ok());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(HostControlOnTheKernel, ChangesNothingWhereAnotherAlgorithmIsSet) {
  HeldSockets held(1);
  const Whereabouts where = Located(held, 0);
  const auto exchange = host->ExchangeCongestionControl(where, "reno", "bbr");
  ASSERT_TRUE(exchange.ok()) << exchange.status();
  EXPECT_FALSE(exchange->changed);
  EXPECT_EQ(exchange->now, "cubic");
  EXPECT_EQ(held.AlgorithmOf(where.key.cookie), "cubic");
}

TEST_F(HostControlOnTheKernel, AnAlgorithmThatTheKernelDoesNotHaveIsNotAMissingSocket) {
  HeldSockets held(1);
  const auto exchange = host->ExchangeCongestionControl(Located(held, 0), "cubic", "nonesuch");
  EXPECT_EQ(exchange.status().ToString(),
            "FAILED_PRECONDITION: setsockopt TCP_CONGESTION nonesuch: this kernel has no such "
            "algorithm");
}

TEST_F(HostControlOnTheKernel, ADescriptorThatIsUsedAgainIsNotTheSocket) {
  HeldSockets held(1, HeldSockets::kDescriptorReused);
  const std::vector<Candidate> now_there = held.Using("cubic");
  ASSERT_THAT(now_there, SizeIs(1));
  const uint64_t wrong = now_there[0].sample.key.cookie;
  ASSERT_NE(wrong, held.client_cookie(0));

  Whereabouts where = {.key = now_there[0].sample.key,
                       .inode = now_there[0].sample.inode,
                       .holders = {{.pid = held.pid(), .fd = held.client_fd(0)}}};
  ASSERT_TRUE(host->Read(where).ok()) << "the descriptor must lead to the wrong socket";
  where.key.cookie = held.client_cookie(0);
  EXPECT_TRUE(absl::IsNotFound(host->Read(where).status()));
  EXPECT_TRUE(absl::IsNotFound(host->ExchangeCongestionControl(where, "cubic", "bbr").status()));
  EXPECT_EQ(held.AlgorithmOf(wrong), "cubic");
}

TEST_F(HostControlOnTheKernel, TheSameCookieInAnotherNamespaceIsNotTheSocket) {
  HeldSockets held(1);
  Whereabouts where = Located(held, 0);
  ++where.key.netns_cookie;
  EXPECT_TRUE(absl::IsNotFound(host->ExchangeCongestionControl(where, "cubic", "bbr").status()));
  EXPECT_EQ(held.AlgorithmOf(where.key.cookie), "cubic");
}

TEST_F(HostControlOnTheKernel, AProcessThatHasEndedAndAPidThatIsAnothersHoldNothing) {
  HeldSockets held(1);
  HeldSockets other(1);
  Whereabouts where = Located(held, 0);
  const int pid = held.pid();
  held.Kill();
  EXPECT_TRUE(absl::IsNotFound(host->Read(where).status()));
  EXPECT_TRUE(host->Locate({&where, 1}, {&pid, 1}));
  EXPECT_THAT(where.holders, IsEmpty());

  // As if the pid were the other process's now: same descriptor, same kind of socket.
  where.holders = {{.pid = other.pid(), .fd = other.client_fd(0)}};
  EXPECT_TRUE(absl::IsNotFound(host->ExchangeCongestionControl(where, "cubic", "bbr").status()));
  EXPECT_EQ(other.AlgorithmOf(other.client_cookie(0)), "cubic");
}

TEST_F(HostControlOnTheKernel, EveryHolderIsFoundAmongAllProcesses) {
  HeldSockets held(1, HeldSockets::kSharedWithAFork);
  Whereabouts where = held.Where(held.client_cookie(0));
  EXPECT_TRUE(host->Locate({&where, 1}, {}));
  ASSERT_THAT(where.holders, SizeIs(2));
  // Any of them will do.
  std::ranges::sort(where.holders, {}, &Holder::pid);
  where.holders[0].fd = 4000;
  EXPECT_TRUE(host->Read(where).ok());
}

bool DropNetAdmin() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return false;
  data[0].effective &= ~(1u << CAP_NET_ADMIN);
  return syscall(SYS_capset, &header, data) == 0;
}

TEST_F(HostControlOnTheKernel, WithoutNetAdminOnlyAllowedAlgorithmsAreRestorable) {
  HeldSockets held(1);
  const Whereabouts client = Located(held, 0);
  std::ifstream file("/proc/sys/net/ipv4/tcp_allowed_congestion_control");
  std::string allowed;
  std::getline(file, allowed);
  // What the kernel does when asked is the truth that Read must know beforehand.
  const NamespaceProcess unprivileged([&] {
    if (!DropNetAdmin()) return false;
    const auto facts = host->Read(client);
    EXPECT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->restorable, absl::StrContains(allowed, "cubic"));
    EXPECT_EQ(facts->netns_inode, 0u);
    EXPECT_EQ(facts->in_host_netns, std::nullopt);
    EXPECT_TRUE(host->ExchangeCongestionControl(client, "cubic", "reno").ok());
    const auto reno = host->Read(client);
    EXPECT_TRUE(reno.ok() && reno->restorable);
    const auto back = host->ExchangeCongestionControl(client, "reno", "cubic");
    EXPECT_EQ(back.ok(), facts->restorable);
    if (!back.ok()) {
      EXPECT_EQ(back.status().ToString(),
                "PERMISSION_DENIED: setsockopt TCP_CONGESTION cubic (needs CAP_NET_ADMIN): EPERM");
    }
    return !::testing::Test::HasFailure();
  });
}

}  // namespace
}  // namespace tcpmedic
