// Namespaces over a /proc that the test writes: what the kernel cannot be made to do on demand.
#include "observe/namespaces.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

// A /proc whose "namespaces" are files: setns(2) refuses them, but they can be opened and have an
// inode, which is all that finding and identifying them needs.
class WrittenProc : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / absl::StrCat("namespaces_test.", getpid());
    fs::remove_all(root_);
    fs::create_directories(root_ / "spaces");
  }
  void TearDown() override { fs::remove_all(root_); }

  uint64_t MakeNamespace(const std::string& name) {
    std::ofstream(root_ / "spaces" / name) << "";
    struct stat identity;
    EXPECT_EQ(stat((root_ / "spaces" / name).c_str(), &identity), 0);
    return identity.st_ino;
  }

  // The link says `claimed`, and leads to namespace `name`.
  void AddProcess(int pid, const std::string& comm, const std::string& name, uint64_t claimed) {
    const fs::path process = root_ / absl::StrCat(pid);
    fs::create_directories(process / "ns");
    fs::create_directories(process / "net");
    std::ofstream(process / "comm") << comm << "\n";
    std::ofstream(process / "net" / "sockstat") << "TCP: inuse " << pid << "\n";
    const std::string target = absl::StrCat("net:[", claimed, "]");
    fs::remove(process / "ns" / target);
    fs::remove(process / "ns" / "net");
    fs::create_hard_link(root_ / "spaces" / name, process / "ns" / target);
    fs::create_symlink(target, process / "ns" / "net");
  }
  void AddProcess(int pid, const std::string& comm, const std::string& name) {
    AddProcess(pid, comm, name, MakeNamespace(name));
  }
  void RemoveProcess(int pid) { fs::remove_all(root_ / absl::StrCat(pid)); }

  Namespaces::Options Options() const { return {.proc_root = root_.string()}; }

  static std::string Shown(const Namespaces& namespaces) {
    std::string text;
    for (const ObservedNamespace& seen : namespaces.current()) {
      CounterSample sample;
      if (seen.counters != nullptr) {
        EXPECT_TRUE(seen.counters->Read(&sample).ok());
      }
      absl::StrAppend(&text, "pid ", seen.pid, ", ", seen.name, ", inuse ",
                      sample.Get("SockstatTcpInuse").value_or(-1),
                      seen.sockets == nullptr ? "" : ", sockets", ", ", seen.problem, "\n");
    }
    return text;
  }

  fs::path root_;
};

TEST_F(WrittenProc, ANamespaceIsNamedAfterItsFirstProcessAndInitsIsTheHost) {
  AddProcess(1, "init", "host");
  AddProcess(900, "worker", "app");
  AddProcess(812, "nginx", "app");
  Namespaces namespaces(Options());
  ASSERT_TRUE(namespaces.Refresh().ok());

  const std::string all = Shown(namespaces);
  EXPECT_EQ(namespaces.current().size(), 2u) << all;
  EXPECT_NE(all.find("pid 1, host, inuse 1, setns: EINVAL\n"), std::string::npos) << all;
  EXPECT_NE(all.find("pid 812, netns of pid 812 (nginx), inuse 812, setns: EINVAL\n"),
            std::string::npos)
      << all;
}

TEST_F(WrittenProc, TheNameChangesOnlyWhenItsProcessHasGone) {
  AddProcess(812, "nginx", "app");
  Namespaces namespaces(Options());
  ASSERT_TRUE(namespaces.Refresh().ok());
  AddProcess(900, "worker", "app");
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Shown(namespaces), "pid 812, netns of pid 812 (nginx), inuse 812, setns: EINVAL\n");

  RemoveProcess(812);
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Shown(namespaces), "pid 900, netns of pid 900 (worker), inuse 900, setns: EINVAL\n");

  RemoveProcess(900);
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Shown(namespaces), "");
}

TEST_F(WrittenProc, AProcessThatHasChangedItsNamespaceSinceTheScanIsPassedOver) {
  const uint64_t seen = MakeNamespace("seen");
  MakeNamespace("other");
  AddProcess(10, "quick", "other", seen);  // its link said "seen"; opened, it is another
  AddProcess(20, "slow", "seen", seen);
  Namespaces namespaces(Options());
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Shown(namespaces), "pid 20, netns of pid 20 (slow), inuse 20, setns: EINVAL\n");

  RemoveProcess(20);
  Namespaces without_slow(Options());
  ASSERT_TRUE(without_slow.Refresh().ok());
  EXPECT_EQ(Shown(without_slow), "");
}

TEST_F(WrittenProc, HostileNamesAreMadePrintable) {
  AddProcess(5, "a\x1b[2J\xff", "app");
  Namespaces namespaces(Options());
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Shown(namespaces), "pid 5, netns of pid 5 (a?[2J?), inuse 5, setns: EINVAL\n");
}

TEST_F(WrittenProc, OnlyTheNamespacesAskedForAreOpened) {
  AddProcess(1, "init", "host");
  AddProcess(812, "nginx", "app");
  Namespaces::Options options = Options();
  options.only_inodes = {MakeNamespace("app")};
  Namespaces namespaces(options);
  ASSERT_TRUE(namespaces.Refresh().ok());
  EXPECT_EQ(Shown(namespaces), "pid 812, netns of pid 812 (nginx), inuse 812, setns: EINVAL\n");
  EXPECT_EQ(namespaces.omitted(), 0);
}

// As the kernel has it: the namespace's own inode number, also where its link may not be read.
void MarkProcess(const fs::path& process, const fs::path& mark) {
  if (!fs::exists(mark)) std::ofstream(mark) << "TcpExt: SyncookiesSent\nTcpExt: 0\n";
  fs::create_hard_link(mark, process / "net" / "netstat");
}

TEST_F(WrittenProc, AProcessThatMayNotBeLookedAtIsMissedOnlyWhereNothingElseShowsItsNamespace) {
  AddProcess(1, "init", "host");
  AddProcess(20, "of another in the same", "host");
  AddProcess(30, "of another", "app");
  AddProcess(40, "of another, of what is not known", "app");
  MarkProcess(root_ / "1", root_ / "spaces" / "host.mark");
  MarkProcess(root_ / "20", root_ / "spaces" / "host.mark");
  MarkProcess(root_ / "30", root_ / "spaces" / "app.mark");
  for (const char* const denied : {"20", "30", "40"}) fs::permissions(root_ / denied / "ns", {});
  const uint64_t host = MakeNamespace("host");

  Namespaces namespaces(Options());
  Namespaces::Options options = Options();
  options.only_inodes = {host};
  Namespaces only_host(options);
  // Root may look at everything.
  const bool root = geteuid() == 0;
  ASSERT_EQ(root ? seteuid(65534) : 0, 0);
  const absl::Status refreshed = namespaces.Refresh();
  const absl::Status only_refreshed = only_host.Refresh();
  ASSERT_EQ(root ? seteuid(0) : 0, 0);
  for (const char* const denied : {"20", "30", "40"}) {
    fs::permissions(root_ / denied / "ns", fs::perms::owner_all);
  }

  ASSERT_TRUE(refreshed.ok()) << refreshed;
  EXPECT_EQ(namespaces.current().size(), 1u);
  EXPECT_EQ(namespaces.processes_denied(), 2);
  ASSERT_TRUE(only_refreshed.ok()) << only_refreshed;
  EXPECT_EQ(only_host.processes_denied(), 0);
}

TEST_F(WrittenProc, ThoseBeyondTheLimitAreCountedAndOurOwnIsNeverAmongThem) {
  AddProcess(1, "init", "host");
  AddProcess(2, "one", "one");
  AddProcess(3, "two", "two");
  fs::create_directory_symlink("3", root_ / "thread-self");
  Namespaces::Options options = Options();
  options.max_namespaces = 1;
  Namespaces namespaces(options);
  ASSERT_TRUE(namespaces.Refresh().ok());
  ASSERT_EQ(namespaces.current().size(), 1u);
  EXPECT_EQ(namespaces.current()[0].pid, 3);
  EXPECT_EQ(namespaces.omitted(), 2);
}

TEST_F(WrittenProc, WithoutProcWhatWasOpenStays) {
  AddProcess(812, "nginx", "app");
  Namespaces namespaces(Options());
  ASSERT_TRUE(namespaces.Refresh().ok());
  fs::rename(root_, root_.string() + ".away");
  EXPECT_TRUE(absl::IsUnavailable(namespaces.Refresh()));
  EXPECT_EQ(Shown(namespaces), "pid 812, netns of pid 812 (nginx), inuse 812, setns: EINVAL\n");
  fs::rename(root_.string() + ".away", root_);
}

}  // namespace
}  // namespace tcpmedic
