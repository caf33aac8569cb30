#include "cli/drill/guard_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace tcpmedic::cli {
namespace {

class GuardFileTest : public ::testing::Test {
 protected:
  void SetUp() override { unlink(path_.c_str()); }
  void TearDown() override { unlink(path_.c_str()); }
  std::string Content() {
    std::stringstream content;
    content << std::ifstream(path_).rdbuf();
    return content.str();
  }

  const std::string path_ = absl::StrCat(::testing::TempDir(), "/guard-", getpid(), ".yaml");
};

TEST_F(GuardFileTest, AllowsTheActionInTheGivenNamespacesOnly) {
  ASSERT_TRUE(WriteGuardFile({{4097, 4098}, {"bbr", "reno"}}, path_).ok());
  EXPECT_EQ(Content(),
            "apiVersion: tcpmedic/v1\n"
            "kind: Guard\n"
            "actions: [set_congestion_control]\n"
            "algorithms: [bbr, reno]\n"
            "namespaces: [cookie:4097, cookie:4098]\n"
            "processes: [any]\n");
}

TEST_F(GuardFileTest, AllowsSettingsWithoutSockets) {
  EXPECT_EQ(GuardYaml({{4097}, {}, {"net.ipv4.tcp_syncookies", "net.core.somaxconn"}}),
            "apiVersion: tcpmedic/v1\n"
            "kind: Guard\n"
            "actions: [set_sysctl]\n"
            "sysctls: {net.ipv4.tcp_syncookies: {}, net.core.somaxconn: {}}\n"
            "namespaces: [cookie:4097]\n"
            "processes: [any]\n");
}

TEST_F(GuardFileTest, AllowsToSampleAndNothingElse) {
  EXPECT_EQ(GuardYaml({{4097}, {}, {}, true}),
            "apiVersion: tcpmedic/v1\n"
            "kind: Guard\n"
            "actions: [sample_call_sites]\n"
            "namespaces: [cookie:4097]\n"
            "processes: [any]\n");
}

TEST_F(GuardFileTest, ASysctlThatNoOrderMaySetIsNotWritten) {
  EXPECT_EQ(WriteGuardFile({{4097}, {}, {"net.ipv4.ip_forward"}}, path_).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(GuardFileTest, WithoutAnythingToAllowNothingIsWritten) {
  EXPECT_EQ(WriteGuardFile({{4097}, {}}, path_).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(GuardFileTest, NobodyElseCanReadOrWriteIt) {
  const mode_t before = umask(0);
  ASSERT_TRUE(WriteGuardFile({{4097}, {"bbr"}}, path_).ok());
  umask(before);
  struct stat status = {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(GuardFileTest, WithoutNamespacesNothingIsWritten) {
  EXPECT_EQ(WriteGuardFile({{}, {"bbr"}}, path_).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteGuardFile({{0}, {"bbr"}}, path_).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(GuardFileTest, AnAlgorithmCannotWidenIt) {
  for (const std::string algorithm : {"", "bbr]\nnamespaces: [any", "bbr, cubic", "[bbr", "*"}) {
    EXPECT_EQ(WriteGuardFile({{4097}, {algorithm}}, path_).code(),
              absl::StatusCode::kInvalidArgument)
        << algorithm;
  }
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(GuardFileTest, WhatIsThereIsLeftAsItIs) {
  std::ofstream(path_) << "mine";
  EXPECT_EQ(WriteGuardFile({{4097}, {"bbr"}}, path_),
            absl::AlreadyExistsError(absl::StrCat("open ", path_, ": EEXIST")));
  EXPECT_EQ(Content(), "mine");
}

}  // namespace
}  // namespace tcpmedic::cli
