#include "cli/private_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

class PrivateDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/tcpmedic-dir-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string root_;
};

TEST_F(PrivateDirectoryTest, ANewOneIsPrivateWithWhatIsMissingAboveIt) {
  const std::string path = root_ + "/a/b/c";
  ASSERT_TRUE(MakeDirectory(path).ok());
  EXPECT_TRUE(MakeDirectory(path).ok()) << "a second time";
  EXPECT_TRUE(CheckPrivate(path).ok()) << CheckPrivate(path);
}

TEST_F(PrivateDirectoryTest, OneThatOthersMayEnterIsRefusedAndLeftAsItIs) {
  ASSERT_EQ(chmod(root_.c_str(), 0755), 0);
  const absl::Status status = CheckPrivate(root_);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("chmod 700 " + root_));
  struct stat now = {};
  ASSERT_EQ(stat(root_.c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0755u);
}

TEST_F(PrivateDirectoryTest, ASymbolicLinkIsRefused) {
  ASSERT_EQ(symlink(root_.c_str(), (root_ + "/link").c_str()), 0);
  EXPECT_EQ(CheckPrivate(root_ + "/link").code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(PrivateDirectoryTest, OneHolderAtATime) {
  {
    const auto first = DirectoryLock::Take(root_);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(DirectoryLock::Take(root_).status(),
              absl::AlreadyExistsError(absl::StrCat("pid ", getpid())));
  }
  EXPECT_TRUE(DirectoryLock::Take(root_).ok()) << "free again";
}

}  // namespace
}  // namespace tcpmedic::cli
