#include "controller/service/runtime_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

class RuntimeDirectoryTest : public ::testing::Test {
 protected:
  std::string Path() const { return temporary_.path() + "/run"; }
  const TemporaryDirectory temporary_;
};

TEST_F(RuntimeDirectoryTest, IsMadeForItsUserAlone) {
  auto directory = RuntimeDirectory::Claim(Path() + "/deeper");
  ASSERT_TRUE(directory.ok()) << directory.status();
  struct stat info {};
  ASSERT_EQ(stat((Path() + "/deeper").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ((*directory)->agents_socket(), Path() + "/deeper/agents.sock");
}

TEST_F(RuntimeDirectoryTest, IsHeldByOneAtATime) {
  auto first = RuntimeDirectory::Claim(Path());
  ASSERT_TRUE(first.ok());
  std::ofstream((*first)->agents_socket()) << "in use";
  auto second = RuntimeDirectory::Claim(Path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("another controller is running at " + Path() + " (pid " +
                        std::to_string(getpid()) + ")"));
  EXPECT_TRUE(std::filesystem::exists((*first)->agents_socket()));
  first->reset();
  EXPECT_TRUE(RuntimeDirectory::Claim(Path()).ok());
}

TEST_F(RuntimeDirectoryTest, ADeadControllersSocketsAreRemoved) {
  std::filesystem::create_directory(Path());
  std::filesystem::permissions(Path(), std::filesystem::perms::owner_all);
  std::ofstream(Path() + "/agents.sock") << "stale";
  std::ofstream(Path() + "/controller.lock") << "12345";
  ASSERT_TRUE(RuntimeDirectory::Claim(Path()).ok());
  EXPECT_FALSE(std::filesystem::exists(Path() + "/agents.sock"));
}

TEST_F(RuntimeDirectoryTest, ADirectoryThatOthersMayEnterIsRefused) {
  std::filesystem::create_directory(Path());
  std::filesystem::permissions(Path(), std::filesystem::perms(0755));
  auto directory = RuntimeDirectory::Claim(Path());
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(directory.status().message()), HasSubstr("chmod 700"));
}

TEST_F(RuntimeDirectoryTest, ASymbolicLinkOrAFileIsRefused) {
  std::filesystem::create_directory_symlink(temporary_.path(), Path());
  EXPECT_EQ(RuntimeDirectory::Claim(Path()).status().code(), absl::StatusCode::kFailedPrecondition);
  std::filesystem::remove(Path());
  std::ofstream(Path()) << "a file";
  EXPECT_EQ(RuntimeDirectory::Claim(Path()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RuntimeDirectoryTest, APathThatTheKernelCannotTakeIsExplained) {
  auto directory = RuntimeDirectory::Claim(temporary_.path() + "/" + std::string(100, 'x'));
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(directory.status().message()), HasSubstr("shorter --runtime-dir"));
}

}  // namespace
}  // namespace tcpmedic
