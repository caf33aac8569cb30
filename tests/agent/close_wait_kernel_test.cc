// Programs that leak sockets, and programs that only seem to, all at once on a real kernel: in
// network namespaces of the test's own, watched as the agent watches a host.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/signatures.h"
#include "core/clock.h"
#include "observe/inet_diag_socket.h"
#include "observe/namespaces.h"
#include "scan/scanner.h"
#include "tests/diagnosis/leaking_host.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

void RaiseFdLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A server and its clients, both in one process.
class Service {
 public:
  struct Connection {
    int client = -1;
    int server = -1;
  };

  Service() {
    RaiseFdLimit();
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    const bool ready = bind(listener_, address(), size) == 0 && listen(listener_, 1024) == 0 &&
                       getsockname(listener_, address(), &size) == 0;
    if (!ready) _exit(1);
  }

  // A client that has asked and was answered.
  Connection Connect() {
    Connection connection;
    connection.client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection.client, address(), sizeof(address_)) != 0) _exit(1);
    connection.server = accept(listener_, nullptr, nullptr);
    Send(connection.client, connection.server);
    Send(connection.server, connection.client);
    return connection;
  }
  // What is left of one at the server once the client has closed.
  int ConnectAndLeave() {
    const Connection connection = Connect();
    close(connection.client);
    return connection.server;
  }
  void StopListening() { close(listener_); }

  static void Send(int from, int to) {
    char byte = 'x';
    if (write(from, &byte, 1) != 1 || read(to, &byte, 1) != 1) _exit(1);
  }
  static void ReadEof(int fd) {
    char byte = 0;
    if (read(fd, &byte, 1) != 0) _exit(1);
  }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&address_); }

  int listener_ = -1;
  sockaddr_in address_{};
};

constexpr int kTicksPerSecond = 10;

// A program by its name, in a namespace of its own or another's, which does something ten times a
// second.
class Program {
 public:
  using Tick = std::function<void(int tick)>;
  // `start` is called in the program, before the first tick.
  Program(const char* comm, const std::function<Tick()>& start, const NamespaceProcess* in,
          bool in_pid_namespace_of_its_own = false)
      : keeper_(
            [&] {
              if (in_pid_namespace_of_its_own && unshare(CLONE_NEWPID) != 0) return false;
              const pid_t pid = fork();
              if (pid == 0) Run(comm, start);
              return pid > 0;
            },
            in == nullptr ? 0 : in->pid()) {}
  const NamespaceProcess& keeper() const { return keeper_; }

 private:
  [[noreturn]] static void Run(const char* comm, const std::function<Tick()>& start) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, comm);
    const Tick tick = start();
    const absl::Time began = absl::Now();
    for (int i = 0; i < 60 * kTicksPerSecond; ++i) {
      tick(i);
      absl::SleepFor(began + (i + 1) * absl::Seconds(1) / kTicksPerSecond - absl::Now());
    }
    _exit(0);
  }

  NamespaceProcess keeper_;
};

// What leaks.

Program::Tick LeakAfterReadingEof() {
  auto service = std::make_shared<Service>();
  return [service](int) {
    for (int i = 0; i < 4; ++i) Service::ReadEof(service->ConnectAndLeave());
  };
}

Program::Tick LeakWithoutReading() {
  auto service = std::make_shared<Service>();
  return [service](int) {
    for (int i = 0; i < 4; ++i) service->ConnectAndLeave();
  };
}

// All of its descriptors are another process's too.
Program::Tick LeakShared() {
  Program::Tick leak = LeakAfterReadingEof();
  if (syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) pause();
  }
  return leak;
}

// What does not.

Program::Tick HalfCloseThatStillSends() {
  auto service = std::make_shared<Service>();
  auto connections = std::make_shared<std::vector<Service::Connection>>();
  return [service, connections](int) {
    for (int i = 0; i < 2; ++i) {
      connections->push_back(service->Connect());
      shutdown(connections->back().client, SHUT_WR);
      Service::ReadEof(connections->back().server);
    }
    for (const Service::Connection& each : *connections) Service::Send(each.server, each.client);
  };
}

Program::Tick FlatPool() {
  Service service;
  for (int i = 0; i < 300; ++i) service.ConnectAndLeave();
  return [](int) {};
}

Program::Tick BurstThatDrains() {
  auto service = std::make_shared<Service>();
  auto left = std::make_shared<std::vector<int>>();
  return [service, left](int tick) {
    if (tick == 8 * kTicksPerSecond) {
      for (int i = 0; i < 400; ++i) left->push_back(service->ConnectAndLeave());
    }
    for (int i = 0; i < 3 && tick > 18 * kTicksPerSecond && !left->empty(); ++i) {
      close(left->back());
      left->pop_back();
    }
  };
}

// It reads no more, then listens no more, while its clients give up one after another; it exits
// long after that.
Program::Tick BeingShutDown() {
  auto service = std::make_shared<Service>();
  auto clients = std::make_shared<std::vector<int>>();
  for (int i = 0; i < 800; ++i) clients->push_back(service->Connect().client);
  return [service, clients](int tick) {
    if (tick == 6 * kTicksPerSecond) service->StopListening();
    if (tick == 28 * kTicksPerSecond) _exit(0);
    for (int i = 0; i < 3 && tick > 4 * kTicksPerSecond && !clients->empty(); ++i) {
      close(clients->back());
      clients->pop_back();
    }
  };
}

Program::Tick MemoryThatGrowsForOtherReasons() {
  FlatPool();
  auto memory = std::make_shared<std::vector<std::string>>();
  return [memory](int) { memory->emplace_back(1 << 20, 'x'); };
}

std::string CommOf(const v1::Finding& finding) {
  return finding.processes().empty() ? "nobody" : finding.processes(0).comm();
}
v1::Value ValueOf(const v1::Finding& finding, const std::string& name) {
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() == name) return evidence.value();
  }
  return {};
}

v1::SignatureSet LeakSignatures() {
  v1::SignatureSet set;
  set.set_revision("r1");
  set.set_digest("d1");
  *set.add_signatures() = LeakSignature();
  // As if nothing only seemed to leak: proves that the programs below do seem to.
  v1::Signature* const credulous = set.add_signatures();
  *credulous = LeakSignature();
  credulous->set_name("credulous");
  credulous->clear_unless();
  return set;
}

TEST(CloseWaitKernelTest, LeaksAreFoundAndWhatOnlySeemsToLeakIsNot) {
  const NamespaceProcess host([] { return true; });
  const Program eof("leak-eof", LeakAfterReadingEof, &host);
  const Program unread("leak-unread", LeakWithoutReading, &host);
  const Program shared("leak-shared", LeakShared, &host, /*in_pid_namespace_of_its_own=*/true);
  const Program elsewhere("leak-elsewhere", LeakWithoutReading, nullptr, true);
  const Program half_close("half-close", HalfCloseThatStillSends, &host);
  const Program flat("flat-pool", FlatPool, &host);
  const Program burst("burst", BurstThatDrains, &host);
  const Program leaving("shut-down", BeingShutDown, &host);
  const Program memory("memory", MemoryThatGrowsForOtherReasons, &host);

  Namespaces::Options only_ours;
  only_ours.only_inodes = {host.netns_inode(), elsewhere.keeper().netns_inode()};
  Namespaces namespaces(only_ours);
  Scanner scanner({});
  scanner.SetSignatures(*CompileSet(LeakSignatures()));

  const absl::Time began = absl::Now();
  std::set<std::string> found, seemed;
  std::map<std::string, double> seconds;  // until it was found
  std::map<std::string, v1::Finding> newest;
  for (int second = 0; second < 36; ++second) {
    absl::SleepFor(began + absl::Seconds(second) - absl::Now());
    ASSERT_TRUE(namespaces.Refresh().ok());
    const v1::Report report = scanner.Scan(namespaces.current(), Clock::Real()->Now(), {});
    EXPECT_THAT(report.stats().degraded(), ::testing::IsEmpty());
    for (const v1::Finding& finding : report.findings()) {
      const std::string comm = CommOf(finding);
      if (finding.signature() == "credulous") {
        seemed.insert(comm);
        continue;
      }
      if (found.insert(comm).second) seconds[comm] = absl::ToDoubleSeconds(absl::Now() - began);
      newest[comm] = finding;
    }
  }

  EXPECT_THAT(found,
              ::testing::ElementsAre("leak-elsewhere", "leak-eof", "leak-shared", "leak-unread"));
  EXPECT_THAT(seemed, ::testing::IsSupersetOf({"half-close", "shut-down", "leak-eof"}));
  EXPECT_EQ(seemed.count("flat-pool") + seemed.count("burst") + seemed.count("memory"), 0u);
  for (const auto& [comm, after] : seconds) {
    std::printf("%s was found after %.0f s\n", comm.c_str(), after);
    EXPECT_LE(after, 30) << comm;
  }
  if (HasFailure()) return;

  const v1::Finding& read = newest["leak-eof"];
  EXPECT_EQ(ValueOf(read, "process.unread_eof").int_value(), 0);
  EXPECT_EQ(ValueOf(read, "process.read_eof").int_value(), read.socket_count());
  EXPECT_EQ(ValueOf(read, "process.pid").int_value(), read.processes(0).pid());
  EXPECT_NEAR(ValueOf(read, "process.growth_per_min").double_value(), 2'400, 240);
  EXPECT_GT(ValueOf(read, "process.fd_limit_in").duration_value().seconds(), 60);
  EXPECT_EQ(read.netns().inode(), host.netns_inode());
  EXPECT_THAT(read.processes(0).fds(), ::testing::SizeIs(16));
  EXPECT_NEAR(read.processes(0).fd_growth_per_min(), 2'400, 240);

  const v1::Finding& not_read = newest["leak-unread"];
  EXPECT_EQ(ValueOf(not_read, "process.unread_eof").int_value(), not_read.socket_count());
  // The FIN of the oldest came when the program began.
  EXPECT_NEAR(static_cast<double>(ValueOf(not_read, "process.oldest").duration_value().seconds()),
              35, 3);

  ASSERT_EQ(newest["leak-shared"].processes_size(), 2);
  EXPECT_LT(newest["leak-shared"].processes(0).pid(), newest["leak-shared"].processes(1).pid());
  EXPECT_EQ(newest["leak-elsewhere"].netns().inode(), elsewhere.keeper().netns_inode());
}

absl::Duration CpuOf(const std::function<void()>& what) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return absl::DurationFromTimespec(time);
  };
  const absl::Duration before = now();
  what();
  return now() - before;
}

absl::Duration Median(std::vector<absl::Duration> durations) {
  std::nth_element(durations.begin(), durations.begin() + durations.size() / 2, durations.end());
  return durations[durations.size() / 2];
}

TEST(CloseWaitKernelTest, ScanCostsAtMostAFifthOfAFullDumpAmong100000Connections) {
  const NamespaceProcess host([] {
    Service service;
    for (int i = 0; i < 50; ++i) service.ConnectAndLeave();
    return true;
  });
  std::vector<std::unique_ptr<NamespaceProcess>> holders;
  for (int i = 0; i < 6; ++i) {
    holders.push_back(std::make_unique<NamespaceProcess>(
        [] {
          Service service;
          for (int connection = 0; connection < 8'350; ++connection) service.Connect();
          return true;
        },
        host.pid()));
  }

  Namespaces::Options only_ours;
  only_ours.only_inodes = {host.netns_inode()};
  Namespaces namespaces(only_ours);
  ASSERT_TRUE(namespaces.Refresh().ok());
  v1::SignatureSet set = LeakSignatures();
  set.mutable_signatures()->RemoveLast();
  Scanner scanner({});
  scanner.SetSignatures(*CompileSet(set));
  const auto everything = InetDiagSocket::OpenInNamespace(host.OpenNetns().get());
  ASSERT_TRUE(everything.ok()) << everything.status();

  SimulatedClock clock(absl::Now());  // so that readings are made as often as on a host
  std::vector<absl::Duration> scans, dumps;
  int64_t suspects = 0;
  int64_t sockets = 0;
  for (int i = 0; i < 25; ++i) {
    scans.push_back(CpuOf([&] {
      suspects = scanner.Scan(namespaces.current(), clock.Now(), {}).stats().suspects();
    }));
    sockets = 0;
    dumps.push_back(CpuOf([&] {
      EXPECT_TRUE((*everything)->Dump({}, [&](const SocketSample&) { ++sockets; }).ok());
    }));
    clock.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(suspects, 50);
  EXPECT_GE(sockets, 100'000);
  const absl::Duration scan = Median(scans);
  const absl::Duration dump = Median(dumps);
  std::printf("%ld sockets: a full dump %s of CPU, this signature's scan %s (at most %s), 1/%.1f\n",
              sockets, absl::FormatDuration(dump).c_str(), absl::FormatDuration(scan).c_str(),
              absl::FormatDuration(*std::max_element(scans.begin(), scans.end())).c_str(),
              absl::FDivDuration(dump, scan));
  EXPECT_LE(5 * scan, dump);
}

}  // namespace
}  // namespace tcpmedic
