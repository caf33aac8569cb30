#include "cli/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "core/clock.h"

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(20);

class ProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/tcpmedic-process-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Content(const std::string& name) const {
    std::ifstream file(Path(name));
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
  }
  ChildProcess Start(const std::string& script) {
    ChildOptions options;
    options.command = {"sh", "-c", script};
    options.output_path = Path("output");
    auto child = ChildProcess::Spawn(options);
    EXPECT_TRUE(child.ok()) << child.status();
    return *std::move(child);
  }
  // A shell that says "ready" once `setup` has run, and then stays until it is ended.
  ChildProcess StartReady(const std::string& setup) {
    const std::string fifo = Path("fifo");
    EXPECT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    ChildProcess child = Start(setup + "; echo ready > " + fifo + "; while :; do sleep 1; done");
    std::ifstream ready(fifo);
    std::string word;
    ready >> word;
    EXPECT_EQ(word, "ready");
    return child;
  }

 private:
  std::string directory_;
};

TEST_F(ProcessTest, TheExitCodeIsReported) {
  const std::optional<ChildExit> exit = Start("exit 3").Wait(kLong);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->ToString(), "exit code 3");
  EXPECT_FALSE(exit->ok());
}

TEST_F(ProcessTest, TheSignalThatKilledItIsNamed) {
  const std::optional<ChildExit> exit = Start("kill -SEGV $$").Wait(kLong);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->ToString(), "killed by SIGSEGV");
}

TEST_F(ProcessTest, OutputAndErrorsAreAppendedToTheFile) {
  Start("echo one").Wait(kLong);
  Start("echo two >&2").Wait(kLong);
  EXPECT_EQ(Content("output"), "one\ntwo\n");
}

TEST_F(ProcessTest, TheEnvironmentIsAddedToOurs) {
  setenv("TCPMEDIC_TEST_KEPT", "kept", 1);
  setenv("TCPMEDIC_TEST_REPLACED", "old", 1);
  ChildOptions options;
  options.command = {"sh", "-c", "echo $TCPMEDIC_TEST_KEPT $TCPMEDIC_TEST_REPLACED"};
  options.environment = {{"TCPMEDIC_TEST_REPLACED", "new"}};
  options.output_path = Path("output");
  auto child = ChildProcess::Spawn(options);
  ASSERT_TRUE(child.ok()) << child.status();
  child->Wait(kLong);
  EXPECT_EQ(Content("output"), "kept new\n");
}

TEST_F(ProcessTest, AMissingProgramIsNotFound) {
  ChildOptions options;
  options.command = {Path("no-such-program")};
  EXPECT_EQ(ChildProcess::Spawn(options).status(),
            absl::NotFoundError(absl::StrCat("execute ", Path("no-such-program"), ": ENOENT")));
}

TEST_F(ProcessTest, AFileThatMayNotBeExecutedIsPermissionDenied) {
  std::ofstream(Path("data")) << "not a program";
  ChildOptions options;
  options.command = {Path("data")};
  EXPECT_EQ(ChildProcess::Spawn(options).status(),
            absl::PermissionDeniedError(absl::StrCat("execute ", Path("data"), ": EACCES")));
}

TEST_F(ProcessTest, ARunningChildHasNotEnded) {
  ChildProcess child = StartReady(":");
  EXPECT_FALSE(child.Wait(absl::ZeroDuration()).has_value());
}

TEST_F(ProcessTest, TerminateAsksFirst) {
  ChildProcess child = StartReady("trap 'echo asked; exit 0' TERM");
  EXPECT_EQ(child.Terminate(kLong).ToString(), "exit code 0");
  EXPECT_THAT(Content("output"), HasSubstr("asked"));
}

TEST_F(ProcessTest, TerminateKillsWhatDoesNotListen) {
  ChildProcess child = StartReady("trap '' TERM");
  EXPECT_EQ(child.Terminate(absl::Milliseconds(50)).ToString(), "killed by SIGKILL");
}

TEST_F(ProcessTest, ADestroyedChildIsGone) {
  pid_t pid = 0;
  {
    ChildProcess child = StartReady(":");
    pid = child.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(ProcessTest, SignalsThatTheParentBlocksOrIgnoresReachTheChild) {
  sigset_t terminate;
  sigset_t before;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  sigprocmask(SIG_BLOCK, &terminate, &before);
  const auto handler = signal(SIGTERM, SIG_IGN);
  ChildProcess child = StartReady(":");
  signal(SIGTERM, handler);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(child.Terminate(kLong).ToString(), "killed by SIGTERM");
}

// The parent, killed with -9, is a fork of this test; the write end of a pipe tells when its child
// is gone too.
TEST_F(ProcessTest, AChildDiesWithAParentThatIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // inherited by both on purpose
  const pid_t parent = fork();
  if (parent == 0) {
    close(ends[0]);
    ChildOptions options;
    options.command = {"sh", "-c", absl::StrCat("echo x >&", ends[1], "; exec sleep 600")};
    auto child = ChildProcess::Spawn(options);
    if (!child.ok()) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  char started[2];
  ASSERT_EQ(read(ends[0], started, sizeof(started)), 2);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  pollfd closed = {ends[0], POLLIN, 0};
  ASSERT_EQ(poll(&closed, 1, static_cast<int>(absl::ToInt64Milliseconds(kLong))), 1);
  EXPECT_EQ(read(ends[0], started, sizeof(started)), 0) << "the child still holds the pipe";
  close(ends[0]);
}

TEST_F(ProcessTest, OutputOfReturnsWhatTheCommandWrote) {
  const auto output = OutputOf({"sh", "-c", "echo hidden >&2; echo shown"}, kLong);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(*output, "shown\n");
}

TEST_F(ProcessTest, OutputOfACommandThatFailsIsAborted) {
  EXPECT_EQ(OutputOf({"sh", "-c", "exit 4"}, kLong).status(),
            absl::AbortedError("sh: exit code 4"));
}

TEST_F(ProcessTest, OutputOfACommandThatHangsIsDeadlineExceeded) {
  EXPECT_EQ(OutputOf({"sleep", "600"}, absl::Milliseconds(50)).status(),
            absl::DeadlineExceededError("sleep did not end within 50ms"));
}

TEST_F(ProcessTest, OutputOfACommandThatWritesTooMuchIsResourceExhausted) {
  EXPECT_EQ(OutputOf({"yes"}, kLong, 1000).status(),
            absl::ResourceExhaustedError("yes wrote more than 1000 bytes"));
}

TEST(SiblingProgramTest, IsNextToThisOne) {
  EXPECT_EQ(
      SiblingProgram("tcpmedic-agent"),
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tcpmedic-agent").string());
}

}  // namespace
}  // namespace tcpmedic::cli
