#include "controller/notify/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SecretFile : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Read(const std::string& content, mode_t mode = 0600) {
    const std::string path = directory_.path() + "/token";
    std::ofstream(path) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return ReadSecretFile(path);
  }
  const TemporaryDirectory directory_;
};

TEST_F(SecretFile, ItsOneLineIsTheSecret) {
  EXPECT_EQ(*Read("s3cret\n"), "s3cret");
  EXPECT_EQ(*Read("  s3cret  ", 0640), "s3cret");
}

TEST_F(SecretFile, ANewOneCountsAtOnce) {
  EXPECT_EQ(*Read("one\n"), "one");
  EXPECT_EQ(*Read("two\n"), "two");
}

TEST_F(SecretFile, WhatOthersMayReadOrChangeIsRefused) {
  for (const mode_t mode : {0604, 0602, 0620, 0644}) {
    const auto secret = Read("s3cret\n", mode);
    EXPECT_EQ(secret.status().code(), absl::StatusCode::kPermissionDenied) << mode;
    EXPECT_THAT(std::string(secret.status().message()), HasSubstr("chmod 0600"));
  }
}

TEST_F(SecretFile, WhatCannotStandInAHeaderIsRefusedAndNotQuoted) {
  for (const std::string& content :
       {std::string(), std::string("  \n"), std::string("s3cret\r\nX-Evil: 1"),
        std::string("s3cret\0x", 8), std::string(20'000, 's')}) {
    const auto secret = Read(content);
    EXPECT_EQ(secret.status().code(), absl::StatusCode::kInvalidArgument) << content.size();
    EXPECT_THAT(std::string(secret.status().message()), Not(HasSubstr("s3cret")));
  }
}

TEST_F(SecretFile, AMissingOneIsNotFoundAndADirectoryIsNoSecret) {
  EXPECT_EQ(ReadSecretFile(directory_.path() + "/no").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadSecretFile(directory_.path()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SecretFile, AFifoDoesNotStopTheReader) {
  const std::string path = directory_.path() + "/fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(ReadSecretFile(path).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tcpmedic
