// The agent's own scan of a real kernel, in a network namespace that the test makes for itself:
// real sockets, real holders, no fakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "agent/scan_loop.h"
#include "agent/signatures.h"
#include "core/clock.h"
#include "observe/namespaces.h"
#include "scan/scanner.h"
#include "tests/agent/own_namespace.h"

namespace tcpmedic {
namespace {

// A fork of this process that holds every fd it inherits but `closes`, until it is destroyed.
class Fork {
 public:
  explicit Fork(int closes) {
    int ready[2];
    if (pipe(ready) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(closes);
      if (write(ready[1], "r", 1) != 1) _exit(1);
      while (true) pause();
    }
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) ADD_FAILURE() << "the child did not start";
    close(ready[0]);
    close(ready[1]);
  }
  ~Fork() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  int pid() const { return pid_; }

 private:
  int pid_ = -1;
};

v1::SignatureSet EstablishedSignature() {
  v1::SignatureSet set;
  set.set_revision("r1");
  set.set_digest("d1");
  v1::Signature* signature = set.add_signatures();
  signature->set_name("any-established");
  signature->set_title("An established socket");
  signature->set_severity(v1::SEVERITY_WARNING);
  signature->set_subject(v1::SUBJECT_SOCKET);
  signature->set_sockets("socket.state == \"established\"");
  signature->add_group_by("netns");
  signature->mutable_window()->set_seconds(1);
  signature->set_verdict("it is established");
  return set;
}

TEST(ScannerKernelTest, SocketsSharedByForkAreAttributedToBothHolders) {
  const uint64_t inode = EnterNewNamespace();
  ASSERT_NE(inode, 0u) << strerrordesc_np(errno);
  const Connection connection = Connect();
  ASSERT_GE(connection.server, 0) << strerrordesc_np(errno);
  const Fork child(/*closes=*/connection.server);

  Namespaces::Options only_ours;
  only_ours.only_inodes = {inode};
  Namespaces namespaces(only_ours);
  Scanner scanner({});
  scanner.SetSignatures(*CompileSet(EstablishedSignature()));
  SimulatedClock clock(absl::Now());  // so that no window has to be waited for
  v1::Report report;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(namespaces.Refresh().ok());
    report = scanner.Scan(namespaces.current(), clock.Now(), {});
    clock.Advance(absl::Seconds(1));
  }

  ASSERT_EQ(report.findings_size(), 1) << report.DebugString();
  const v1::Finding& finding = report.findings(0);
  EXPECT_EQ(finding.socket_count(), 2);
  EXPECT_EQ(finding.netns().inode(), inode);
  ASSERT_EQ(finding.processes_size(), 2) << finding.DebugString();
  EXPECT_EQ(finding.processes(0).pid(), getpid());  // holds both ends
  EXPECT_THAT(finding.processes(0).fds(),
              ::testing::UnorderedElementsAre(connection.client, connection.server));
  EXPECT_EQ(finding.processes(1).pid(), child.pid());
  EXPECT_THAT(finding.processes(1).fds(), ::testing::ElementsAre(connection.client));
  EXPECT_EQ(finding.processes(0).comm(), finding.processes(1).comm());
  close(connection.client);
  close(connection.server);
}

void SetSysctl(const std::string& path, int value) {
  std::ofstream file("/proc/sys/net/" + path);
  file << value;
  ASSERT_TRUE(file.flush()) << path;
}

// A listener whose connections stay half-open, as if nobody ever answered its SYN-ACKs:
// TCP_DEFER_ACCEPT (tcp(7)) keeps the request until data comes (tcp_check_req()).
class HalfOpenListener {
 public:
  HalfOpenListener(int family, int backlog) {
    fd_ = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int seconds = 60;
    setsockopt(fd_, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
    listening_ = listen(fd_, backlog) == 0;
    sockaddr_in6 address{};  // the port is at the same place in both families
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin6_port);
  }
  ~HalfOpenListener() {
    for (const int client : clients_) close(client);
    close(fd_);
  }
  void ConnectFromIpv4(int count) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    for (int i = 0; i < count; ++i) {
      clients_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      connect(clients_.back(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
  }
  bool listening() const { return listening_; }
  uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  bool listening_ = false;
  uint16_t port_ = 0;
  std::vector<int> clients_;
};

v1::SignatureSet SynQueueFullSignature() {
  v1::SignatureSet set = EstablishedSignature();
  v1::Signature* const signature = set.mutable_signatures(0);
  signature->set_subject(v1::SUBJECT_NETNS);
  signature->clear_sockets();
  signature->set_when(
      "netns.tcp_syncookies == 0 && netns.syn_drops > 0 && "
      "double(listener.syn_recv_sockets) >= 0.7 * double(listener.syn_queue_limit)");
  signature->set_verdict(
      "{{ listener.address }} {{ listener.backlog }} {{ listener.syn_queue_limit }} "
      "{{ listener.sources }} {{ listener.top_sources }}");
  return set;
}

int64_t EvidenceOf(const v1::Finding& finding, const std::string& name) {
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() == name) return evidence.value().int_value();
  }
  return -1;
}

TEST(ScannerKernelTest, FullSynQueueIsFoundAtTheLimitThatTheKernelReallyHas) {
  const struct {
    const char* name;
    int family;
    int backlog;
    int max_syn_backlog;
    int limit;
  } cases[] = {
      {"the backlog", AF_INET, 16, 2'048, 16},
      {"¾ of tcp_max_syn_backlog", AF_INET, 100, 32, 24},
      {"IPv4 on a dual-stack listener", AF_INET6, 16, 2'048, 16},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const uint64_t inode = EnterNewNamespace();
    ASSERT_NE(inode, 0u) << strerrordesc_np(errno);
    SetSysctl("ipv4/tcp_syncookies", 0);
    SetSysctl("ipv4/tcp_max_syn_backlog", c.max_syn_backlog);
    SetSysctl("ipv4/tcp_no_metrics_save", 1);  // so that no peer is known to be alive
    HalfOpenListener listener(c.family, c.backlog);
    ASSERT_TRUE(listener.listening());

    Namespaces::Options only_ours;
    only_ours.only_inodes = {inode};
    Namespaces namespaces(only_ours);
    Scanner scanner({});
    scanner.SetSignatures(*CompileSet(SynQueueFullSignature()));
    SimulatedClock clock(absl::Now());  // so that no window has to be waited for
    ASSERT_TRUE(namespaces.Refresh().ok());
    EXPECT_EQ(scanner.Scan(namespaces.current(), clock.Now(), {}).findings_size(), 0);
    clock.Advance(absl::Seconds(1));
    listener.ConnectFromIpv4(60);
    const v1::Report report = scanner.Scan(namespaces.current(), clock.Now(), {});

    ASSERT_EQ(report.findings_size(), 1) << report.DebugString();
    const v1::Finding& finding = report.findings(0);
    const std::string any = c.family == AF_INET ? "0.0.0.0" : "[::]";
    EXPECT_EQ(finding.verdict(), absl::StrCat(any, ":", listener.port(), " ", c.backlog, " ",
                                              c.limit, " 1 127.0.0.0/16 100 %"));
    // Both checks ask whether the queue is longer than the limit: it takes one more.
    EXPECT_EQ(EvidenceOf(finding, "listener.syn_recv_sockets"), c.limit + 1);
    EXPECT_EQ(EvidenceOf(finding, "netns.syn_drops"), 60 - (c.limit + 1));
    EXPECT_EQ(finding.netns().inode(), inode);
    EXPECT_EQ(finding.exemplar().local().port(), listener.port());
    ASSERT_EQ(finding.processes_size(), 1) << finding.DebugString();
    EXPECT_EQ(finding.processes(0).pid(), getpid());
  }
}

TEST(ScannerKernelTest, LoopScansPublishesAndStops) {
  const uint64_t inode = EnterNewNamespace();
  ASSERT_NE(inode, 0u) << strerrordesc_np(errno);
  StatusBoard board;
  SignatureInbox inbox(&board);
  ASSERT_TRUE(inbox.Offer(EstablishedSignature()).ok());
  board.SetProblem("test", "known before");

  ScanLoop::Options options;
  options.namespaces.only_inodes = {inode};
  options.budget.base_interval = absl::Milliseconds(100);
  absl::Mutex mutex;
  std::vector<std::shared_ptr<const v1::Report>> reports;
  OrderInbox wishes;
  ScanLoop loop(options, /*book=*/nullptr, Clock::Real(), &inbox, &wishes, &board,
                [&](std::shared_ptr<const v1::Report> report) {
                  absl::MutexLock lock(&mutex);
                  reports.push_back(std::move(report));
                });
  loop.Start();
  {
    absl::MutexLock lock(&mutex);
    const auto two_scans = [&] { return reports.size() >= 2; };
    ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&two_scans), absl::Seconds(20)));
  }
  EXPECT_TRUE(loop.Stop(absl::Seconds(10)));
  absl::MutexLock lock(&mutex);
  const v1::Report& first = *reports.front();
  EXPECT_EQ(first.sequence(), 1u);
  EXPECT_EQ(first.signatures_digest(), "d1");
  EXPECT_EQ(first.stats().namespaces(), 1);
  EXPECT_GT(first.stats().scan_cpu().nanos(), 0);
  EXPECT_THAT(first.stats().degraded(), ::testing::ElementsAre("known before"));
  EXPECT_EQ(board.Read().scans, static_cast<int64_t>(reports.size()));
}

}  // namespace
}  // namespace tcpmedic
