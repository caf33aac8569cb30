// Servers that leak, and those that only look so, on the real kernel, as ss shows them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "lab/lab.h"
#include "observe/call_sites/call_site_sampler.h"
#include "tests/lab/lab_fixture.h"

namespace tcpmedic::lab {
namespace {

using ::testing::Each;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kSource[] = "lab/leaky_server.cc";
constexpr char kLabBinary[] = TCPMEDIC_BIN_DIR "/tcpmedic-lab";

// A socket in CLOSE-WAIT of some server.
struct Leaked {
  int64_t recv_q = -1;
  int fd = -1;
  uint64_t inode = 0;
  int64_t bytes_acked = 0;  // ss shows none where it is 0
};

// "leaky_server.cc:42" for the line that ends with "// site: NAME".
std::string SourceOfSite(const std::string& name) {
  std::ifstream source(absl::StrCat(TCPMEDIC_SOURCE_DIR, "/", kSource));
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    if (absl::EndsWith(line, absl::StrCat("// site: ", name))) {
      return absl::StrCat("leaky_server.cc:", number);
    }
  }
  ADD_FAILURE() << "no line is marked " << name;
  return "";
}

int64_t RssBytes(pid_t pid) {
  int64_t kb = -1;
  EXPECT_TRUE(RE2::PartialMatch(ReadFile(absl::StrCat("/proc/", pid, "/status")),
                                R"(VmRSS:\s+(\d+) kB)", &kb));
  return kb * 1024;
}

absl::Duration CpuTime(pid_t pid) {
  clockid_t clock;
  timespec used{};
  EXPECT_EQ(clock_getcpuclockid(pid, &clock), 0);
  EXPECT_EQ(clock_gettime(clock, &used), 0);
  return absl::DurationFromTimespec(used);
}

std::set<uint64_t> Inodes(const std::vector<Leaked>& leaked) {
  std::set<uint64_t> values;
  for (const Leaked& each : leaked) values.insert(each.inode);
  return values;
}

auto AtLeast(size_t count) {
  return [count](const std::vector<Leaked>& found) { return found.size() >= count; };
}
auto Exactly(size_t count) {
  return [count](const std::vector<Leaked>& found) { return found.size() == count; };
}
// What servers side by side have, by port.
const std::map<uint16_t, LeakBug> kBothBugs = {{8080, LeakBug::kReadEof},
                                               {8081, LeakBug::kNeverRead}};

// Of a socket that is leaked with that bug: a FIN that has not been read counts as a byte.
int64_t RecvQ(LeakBug bug) { return bug == LeakBug::kNeverRead ? 1 : 0; }

// What has just come stands in the accept queue, without an inode, or has not been read yet.
auto AtLeastAllWithRecvQ(size_t count, int64_t recv_q) {
  return [count, recv_q](const std::vector<Leaked>& found) {
    return found.size() >= count &&
           std::all_of(found.begin(), found.end(),
                       [&](const Leaked& each) { return each.recv_q == recv_q; });
  };
}

class LeakKernelTest : public LabFixture {
 protected:
  void StartQuickLab(bool ipv6 = false) {
    Start({.path = {.rtt = absl::Milliseconds(10), .loss_ratio = 0}, .ipv6 = ipv6});
  }

  pid_t RunServer(const LeakyServerOptions& options) {
    const absl::StatusOr<pid_t> pid = lab_->RunLeakyServer(options);
    EXPECT_TRUE(pid.ok()) << pid.status();
    return pid.value_or(0);
  }
  LeakClients RunClients(const LeakClientsOptions& options) {
    const absl::StatusOr<LeakClients> clients = lab_->RunLeakClients(options);
    EXPECT_TRUE(clients.ok()) << clients.status();
    return clients.value_or(LeakClients{});
  }
  void WaitForEnd(const LeakClients& clients) {
    const absl::StatusOr<ExitStatus> exit = lab_->WaitForExit(clients.pid, absl::Seconds(20));
    ASSERT_TRUE(exit.ok()) << exit.status();
    EXPECT_EQ(exit->code, 0);
  }

  // Where a server with that bug last used 20 connections that it leaks.
  CallSite SampleLeak(LeakBug bug, uint16_t port) {
    const pid_t server = RunServer({.bug = bug, .port = port});
    // One window, which this ends.
    const auto sampler = CallSiteSampler::Start({.pid = server, .on = absl::Seconds(10)});
    EXPECT_TRUE(sampler.ok()) << sampler.status();
    if (!sampler.ok()) return {};
    WaitForEnd(RunClients(
        {.rate_per_s = 0, .burst = 20, .port = port, .duration = absl::Milliseconds(100)}));
    std::vector<LeakedFd> leaked;
    for (const Leaked& each : WaitForCloseWait(port, AtLeastAllWithRecvQ(20, RecvQ(bug)))) {
      leaked.push_back({each.fd, each.inode, each.recv_q == 0});
    }
    EXPECT_THAT(leaked, SizeIs(20));
    absl::SleepFor(absl::Milliseconds(20));  // the read shows before its call returns
    const CallSiteReport report = (*sampler)->Finish(leaked);
    EXPECT_THAT(report.degraded, IsEmpty());
    EXPECT_EQ(report.seen_fds, 20);
    EXPECT_THAT(report.sites, SizeIs(1));
    if (report.sites.empty()) return {};
    EXPECT_EQ(report.sites[0].fds, 20);
    return report.sites[0];
  }

  // The server's sockets in CLOSE-WAIT on that port.
  std::vector<Leaked> CloseWait(uint16_t port) {
    const std::string output =
        Output(HostRole::kServer, absl::StrCat("ss -OHtinpe state close-wait sport = :", port));
    std::vector<Leaked> sockets;
    for (const absl::string_view line : absl::StrSplit(output, '\n', absl::SkipEmpty())) {
      Leaked socket;
      const std::string text(line);
      EXPECT_TRUE(RE2::PartialMatch(text, R"(^(\d+)\s)", &socket.recv_q)) << text;
      RE2::PartialMatch(text, R"(fd=(\d+))", &socket.fd);
      RE2::PartialMatch(text, R"(ino:(\d+))", &socket.inode);
      RE2::PartialMatch(text, R"(bytes_acked:(\d+))", &socket.bytes_acked);
      sockets.push_back(socket);
    }
    return sockets;
  }
  // Waits until they are as `enough` says.
  std::vector<Leaked> WaitForCloseWait(
      uint16_t port, const std::function<bool(const std::vector<Leaked>&)>& enough) {
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    for (;;) {
      std::vector<Leaked> sockets = CloseWait(port);
      if (enough(sockets)) return sockets;
      if (absl::Now() > deadline) {
        ADD_FAILURE() << sockets.size() << " in CLOSE-WAIT on port " << port << " after 10 s";
        return sockets;
      }
      absl::SleepFor(absl::Milliseconds(50));
    }
  }
};

TEST_F(LeakKernelTest, BothBugsKeepEverySocketAndTheReceiveQueueTellsThemApart) {
  StartQuickLab();
  constexpr int64_t kHeap = 64 << 10;
  std::map<uint16_t, pid_t> servers;
  std::map<uint16_t, int64_t> rss_before;
  std::map<uint16_t, LeakClients> clients;
  for (const auto& [port, bug] : kBothBugs) {
    servers[port] = RunServer({.bug = bug, .heap_bytes_per_connection = kHeap, .port = port});
    rss_before[port] = RssBytes(servers[port]);
    clients[port] = RunClients({.rate_per_s = 100, .port = port, .duration = absl::Seconds(2)});
  }
  std::map<uint16_t, std::set<uint64_t>> early;
  for (const auto& [port, bug] : kBothBugs) {
    early[port] = Inodes(WaitForCloseWait(port, AtLeastAllWithRecvQ(20, RecvQ(bug))));
    EXPECT_LT(early[port].size(), 150u);  // a leak, not a pile that was there at once
  }
  for (const auto& [port, bug] : kBothBugs) {
    SCOPED_TRACE(std::string(LeakBugName(bug)));
    WaitForEnd(clients[port]);
    const LeakClientCounts counts = clients[port].counts();
    EXPECT_GE(counts.begun, 195);  // 2 s at 100/s
    EXPECT_LE(counts.begun, 201);
    EXPECT_EQ(counts.failed, 0);
    EXPECT_EQ(counts.closed, counts.begun);
    const std::vector<Leaked> leaked =
        WaitForCloseWait(port, AtLeastAllWithRecvQ(counts.begun, RecvQ(bug)));
    EXPECT_THAT(leaked, SizeIs(counts.begun));
    // None of those that were there has gone.
    const std::set<uint64_t> late = Inodes(leaked);
    EXPECT_TRUE(std::includes(late.begin(), late.end(), early[port].begin(), early[port].end()));
    const int64_t growth = RssBytes(servers[port]) - rss_before[port];
    EXPECT_GE(growth, counts.begun * kHeap);
    EXPECT_LE(growth, 2 * counts.begun * kHeap);
  }
}

TEST_F(LeakKernelTest, AServerInOrderLeavesNoSocketAndItsMemoryMayGrowAllTheSame) {
  StartQuickLab();
  constexpr int64_t kHeap = 256 << 10;
  const pid_t tidy =
      RunServer({.bug = LeakBug::kNone, .heap_bytes_per_connection = kHeap, .port = 8080});
  const pid_t hoarder = RunServer(
      {.bug = LeakBug::kNone, .heap_bytes_per_connection = kHeap, .port = 8081, .keep_heap = true});
  const int64_t tidy_rss = RssBytes(tidy);
  const int64_t hoarder_rss = RssBytes(hoarder);
  const LeakClients of_tidy =
      RunClients({.rate_per_s = 100, .port = 8080, .duration = absl::Seconds(1)});
  const LeakClients of_hoarder =
      RunClients({.rate_per_s = 100, .port = 8081, .duration = absl::Seconds(1)});
  WaitForEnd(of_tidy);
  WaitForEnd(of_hoarder);
  EXPECT_GE(of_tidy.counts().closed, 95);
  EXPECT_GE(of_hoarder.counts().closed, 95);
  WaitForCloseWait(8080, Exactly(0));
  WaitForCloseWait(8081, Exactly(0));
  EXPECT_LT(RssBytes(tidy) - tidy_rss, 50 * kHeap);
  EXPECT_GE(RssBytes(hoarder) - hoarder_rss, of_hoarder.counts().closed * kHeap);
  EXPECT_THAT(Output(HostRole::kServer, "ss -Htn state established"), IsEmpty());
}

TEST_F(LeakKernelTest, AHalfCloseInUseGoesOnSendingAndEndsWithItsClients) {
  StartQuickLab();
  const pid_t server = RunServer({.bug = LeakBug::kNone, .stream = true});
  const LeakClients clients =
      RunClients({.rate_per_s = 25, .burst = 50, .half_close = true, .duration = absl::Seconds(5)});
  std::map<uint64_t, int64_t> acked_before;
  for (const Leaked& each : WaitForCloseWait(8080, AtLeastAllWithRecvQ(50, 0))) {
    acked_before[each.inode] = each.bytes_acked;
  }
  absl::SleepFor(absl::Milliseconds(1200));  // it sends twice a second
  const std::vector<Leaked> later = CloseWait(8080);
  EXPECT_GT(later.size(), acked_before.size());
  std::vector<int64_t> sent;
  for (const Leaked& each : later) {
    if (const auto before = acked_before.find(each.inode); before != acked_before.end()) {
      sent.push_back(each.bytes_acked - before->second);
      EXPECT_EQ(each.recv_q, 0);  // as with the bug
    }
  }
  EXPECT_THAT(sent, SizeIs(acked_before.size()));
  EXPECT_THAT(sent, Each(Gt(0)));
  WaitForEnd(clients);
  EXPECT_EQ(clients.counts().answered, clients.counts().begun);
  EXPECT_EQ(clients.counts().ended_by_server, 0);
  WaitForCloseWait(8080, Exactly(0));
  EXPECT_FALSE(lab_->Exited(server)->has_value());
}

TEST_F(LeakKernelTest, AFlatPoolStaysAsItIsWithEitherBug) {
  StartQuickLab();
  for (const auto& [port, bug] : kBothBugs) RunServer({.bug = bug, .port = port});
  for (const auto& [port, bug] : kBothBugs) {
    WaitForEnd(RunClients(
        {.rate_per_s = 0, .burst = 200, .port = port, .duration = absl::Milliseconds(100)}));
  }
  for (const auto& [port, bug] : kBothBugs) {
    const std::set<uint64_t> pool =
        Inodes(WaitForCloseWait(port, AtLeastAllWithRecvQ(200, RecvQ(bug))));
    EXPECT_THAT(pool, SizeIs(200));
    absl::SleepFor(absl::Seconds(1));
    EXPECT_EQ(Inodes(CloseWait(port)), pool);
  }
}

TEST_F(LeakKernelTest, ABurstRisesAndDrains) {
  StartQuickLab();
  std::map<uint16_t, pid_t> servers;
  std::vector<LeakClients> clients;
  for (const auto& [port, bug] : kBothBugs) {
    servers[port] = RunServer({.bug = bug, .port = port, .drain_every = absl::Seconds(3)});
    clients.push_back(
        RunClients({.rate_per_s = 100, .port = port, .duration = absl::Milliseconds(1500)}));
  }
  for (const auto& [port, bug] : kBothBugs) WaitForCloseWait(port, AtLeast(120));
  for (const auto& [port, bug] : kBothBugs) WaitForCloseWait(port, Exactly(0));
  for (const LeakClients& each : clients) EXPECT_EQ(each.counts().failed, 0);
  for (const auto& [port, pid] : servers) EXPECT_FALSE(lab_->Exited(pid)->has_value());
}

TEST_F(LeakKernelTest, AServerBeingShutDownAcceptsNoMoreWhileSocketsPileUpAndEnds) {
  StartQuickLab();
  const pid_t server = RunServer({.bug = LeakBug::kNone,
                                  .shutdown_after = absl::Milliseconds(1500),
                                  .shutdown_takes = absl::Seconds(3)});
  const LeakClients clients = RunClients(
      {.rate_per_s = 100, .idle = absl::Milliseconds(1200), .duration = absl::Seconds(3)});
  EXPECT_THAT(CloseWait(8080), IsEmpty());
  const size_t few = WaitForCloseWait(8080, AtLeast(20)).size();
  EXPECT_THAT(Output(HostRole::kServer, "ss -Htln"), IsEmpty());
  WaitForCloseWait(8080, AtLeast(few + 20));
  const absl::StatusOr<ExitStatus> exit = lab_->WaitForExit(server, absl::Seconds(6));
  ASSERT_TRUE(exit.ok()) << exit.status();
  EXPECT_EQ(exit->code, 0);
  EXPECT_THAT(CloseWait(8080), IsEmpty());
  EXPECT_GT(clients.counts().failed, 0);  // refused
}

TEST_F(LeakKernelTest, AtItsDescriptorLimitAServerLeaksNoMoreAndDoesNotSpin) {
  StartQuickLab();
  const pid_t server = RunServer({});
  const rlimit limit{60, 60};
  ASSERT_EQ(prlimit(server, RLIMIT_NOFILE, &limit, nullptr), 0);
  const LeakClients clients = RunClients(
      {.rate_per_s = 100, .timeout = absl::Milliseconds(500), .duration = absl::Seconds(1)});
  WaitForEnd(clients);
  EXPECT_GT(clients.counts().failed, 20);
  EXPECT_LT(clients.counts().answered, 60);
  size_t held = 0;
  for (const Leaked& each : CloseWait(8080)) held += each.fd >= 0;
  EXPECT_EQ(held, clients.counts().answered);
  const absl::Duration before = CpuTime(server);
  absl::SleepFor(absl::Milliseconds(500));
  EXPECT_LT(CpuTime(server) - before, absl::Milliseconds(50));
}

TEST_F(LeakKernelTest, OverIpv6ItLeaksAsWell) {
  StartQuickLab(true);
  RunServer({});
  const LeakClients clients =
      RunClients({.rate_per_s = 0, .burst = 20, .duration = absl::Milliseconds(100)});
  WaitForEnd(clients);
  EXPECT_EQ(clients.counts().closed, 20);
  WaitForCloseWait(8080, Exactly(20));
}

TEST_F(LeakKernelTest, ClientsOfNoServerFail) {
  StartQuickLab();
  const LeakClients clients =
      RunClients({.rate_per_s = 0, .burst = 20, .duration = absl::Milliseconds(100)});
  WaitForEnd(clients);
  EXPECT_EQ(clients.counts().begun, 20);
  EXPECT_EQ(clients.counts().failed, 20);
  EXPECT_EQ(clients.counts().closed, 0);
}

TEST_F(LeakKernelTest, ServersOfOtherLanguagesLeakAsTheLabsOwnDoes) {
  StartQuickLab();
  const std::map<uint16_t, std::pair<std::string, std::string>> programs = {
      {8080, {"python3", "leaky.py"}}, {8081, {"node", "leaky.js"}}};
  for (const auto& [port, program] : programs) {
    const auto& [interpreter, file] = program;
    SCOPED_TRACE(file);
    const std::string output = absl::StrCat(directory_, "/", file, ".output");
    const absl::StatusOr<pid_t> pid =
        lab_->RunCommand(HostRole::kServer,
                         absl::StrCat("exec ", interpreter,
                                      " " TCPMEDIC_SOURCE_DIR "/tests/data/leaky_servers/", file),
                         port, output);
    ASSERT_TRUE(pid.ok()) << pid.status();
    const absl::Status listening =
        lab_->WaitUntilListening(HostRole::kServer, port, absl::Seconds(10), *pid);
    ASSERT_TRUE(listening.ok()) << listening << "\n" << ReadFile(output);
    const LeakClients clients =
        RunClients({.rate_per_s = 100, .port = port, .duration = absl::Seconds(1)});
    WaitForEnd(clients);
    EXPECT_GE(clients.counts().begun, 95);
    EXPECT_EQ(clients.counts().closed, clients.counts().begun);
    const std::vector<Leaked> leaked =
        WaitForCloseWait(port, AtLeastAllWithRecvQ(clients.counts().begun, 0));
    EXPECT_THAT(leaked, SizeIs(clients.counts().begun));
    EXPECT_EQ(ReadFile(output), "");
  }
}

struct ExpectedSite {
  CallKind kind;
  std::string function;
};
ExpectedSite SiteOf(LeakBug bug) {
  return bug == LeakBug::kReadEof
             ? ExpectedSite{CallKind::kReadEof, "tcpmedic::lab::LeakyServer::HandleReadable"}
             : ExpectedSite{CallKind::kRead, "tcpmedic::lab::LeakyServer::ServePooled"};
}

TEST_F(LeakKernelTest, TheCallSitesOfBothBugsAreNamedWithTheirLines) {
  StartQuickLab();
  for (const auto& [port, bug] : kBothBugs) {
    SCOPED_TRACE(std::string(LeakBugName(bug)));
    const ExpectedSite expected = SiteOf(bug);
    const CallSite site = SampleLeak(bug, port);
    EXPECT_EQ(site.kind, expected.kind);
    ASSERT_NE(site.where(), nullptr);
    std::printf("  %s: %s\n", std::string(CallKindName(site.kind)).c_str(),
                DescribeFrame(*site.where()).c_str());
    EXPECT_THAT(site.where()->function, StartsWith(expected.function));
    EXPECT_EQ(site.where()->source, SourceOfSite(std::string(LeakBugName(bug))));
    EXPECT_EQ(site.where()->module, kLabBinary);
  }
}

TEST_F(LeakKernelTest, TheStrippedProgramsCallSitesAreWhatAddr2lineResolvesInItsTwin) {
  const std::string stripped = directory_ + "/tcpmedic-lab";
  ASSERT_EQ(system(absl::StrCat("strip -s -o ", stripped, " ", kLabBinary).c_str()), 0);
  absl::StatusOr<std::unique_ptr<Lab>> lab = Lab::Start(
      {.path = {.rtt = absl::Milliseconds(10), .loss_ratio = 0}, .lab_binary = stripped});
  ASSERT_TRUE(lab.ok()) << lab.status();
  lab_ = *std::move(lab);
  for (const auto& [port, bug] : kBothBugs) {
    SCOPED_TRACE(std::string(LeakBugName(bug)));
    const ExpectedSite expected = SiteOf(bug);
    const CallSite site = SampleLeak(bug, port);
    EXPECT_EQ(site.kind, expected.kind);
    ASSERT_NE(site.where(), nullptr);
    EXPECT_EQ(site.where()->function, "");
    EXPECT_EQ(site.where()->source, "");
    EXPECT_EQ(site.where()->module, stripped);
    const std::string resolved = Output(
        HostRole::kServer,
        absl::StrCat("addr2line -s -C -f -e ", kLabBinary, " 0x", absl::Hex(site.where()->offset)));
    EXPECT_THAT(resolved, StartsWith(expected.function));
    EXPECT_THAT(resolved, HasSubstr(SourceOfSite(std::string(LeakBugName(bug)))));
  }
}

}  // namespace
}  // namespace tcpmedic::lab
