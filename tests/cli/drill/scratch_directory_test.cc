#include "cli/drill/scratch_directory.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;

TEST(ScratchDirectory, GoesWithItsOwner) {
  std::string path;
  {
    absl::StatusOr<ScratchDirectory> scratch = ScratchDirectory::Create();
    ASSERT_TRUE(scratch.ok()) << scratch.status();
    path = scratch->path();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    std::ofstream(path + "/file") << "x";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(ScratchDirectory, GoesEvenWhenItsOwnerIsKilled) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    absl::StatusOr<ScratchDirectory> scratch = ScratchDirectory::Create();
    if (!scratch.ok()) _exit(1);
    std::ofstream(scratch->path() + "/file") << "x";
    const std::string& path = scratch->path();
    if (write(fds[1], path.data(), path.size()) < 0) _exit(1);
    pause();
    _exit(0);
  }
  char buffer[256];
  const ssize_t size = read(fds[0], buffer, sizeof buffer);
  ASSERT_GT(size, 0);
  const std::string path(buffer, size);
  ASSERT_TRUE(fs::exists(path + "/file"));
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  const absl::Time deadline = absl::Now() + absl::Seconds(5);
  while (fs::exists(path) && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_FALSE(fs::exists(path));
  close(fds[0]);
  close(fds[1]);
}

TEST(ScratchDirectory, SaysWhereItCouldNotBeMade) {
  setenv("TMPDIR", "/nonexistent", 1);
  const absl::StatusOr<ScratchDirectory> scratch = ScratchDirectory::Create();
  unsetenv("TMPDIR");
  ASSERT_FALSE(scratch.ok());
  EXPECT_NE(std::string(scratch.status().message()).find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace tcpmedic::cli
