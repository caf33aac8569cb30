// The agent's own scan of a real kernel, in a network namespace that the test makes for itself:
// real sockets, real holders, no fakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "agent/scan_loop.h"
#include "agent/scanner.h"
#include "agent/signatures.h"
#include "core/clock.h"
#include "observe/namespaces.h"
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
