#include "controller/policy/policy_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PolicyFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/policy_files.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = path;
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& content) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << content;
  }

  fs::path root_;
};

TEST_F(PolicyFilesTest, ReadsYamlFilesByPathAndNothingElse) {
  Write("signatures/b.yaml", "b");
  Write("responses/deep/c.yaml", "c");
  Write("a.yaml", "a");
  Write("README.md", "no");
  Write(".git/d.yaml", "no");
  Write("signatures/.b.yaml", "no");

  const auto files = ReadPolicyFiles(root_.string());
  ASSERT_TRUE(files.ok()) << files.status();
  std::vector<std::string> read;
  for (const PolicyFile& file : *files) read.push_back(absl::StrCat(file.path, "=", file.content));
  EXPECT_THAT(read, ElementsAre("a.yaml=a", "responses/deep/c.yaml=c", "signatures/b.yaml=b"));
}

TEST_F(PolicyFilesTest, MissingDirectoryIsNotFoundAndNamed) {
  const auto files = ReadPolicyFiles((root_ / "absent").string());
  EXPECT_EQ(files.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(files.status().message()), HasSubstr("absent"));
}

TEST_F(PolicyFilesTest, FileOverTheBoundIsRefusedAndNamed) {
  Write("just.yaml", std::string(kMaxPolicyFileBytes, '#'));
  EXPECT_TRUE(ReadPolicyFiles(root_.string()).ok());
  Write("over.yaml", std::string(kMaxPolicyFileBytes + 1, '#'));
  const auto files = ReadPolicyFiles(root_.string());
  EXPECT_EQ(files.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(files.status().message()), HasSubstr("over.yaml"));
}

TEST_F(PolicyFilesTest, MoreFilesThanTheBoundAreRefused) {
  for (size_t i = 0; i < kMaxPolicyFiles; ++i) Write(absl::StrCat(i, ".yaml"), "");
  EXPECT_TRUE(ReadPolicyFiles(root_.string()).ok());
  Write("one-more.yaml", "");
  EXPECT_EQ(ReadPolicyFiles(root_.string()).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(PolicyFiles, CasesLieUnderCases) {
  EXPECT_TRUE(HoldsCases("cases/pinned-cwnd.yaml"));
  EXPECT_FALSE(HoldsCases("signatures/cases.yaml"));
  EXPECT_FALSE(HoldsCases("cases.yaml"));
}

}  // namespace
}  // namespace tcpmedic
