#include "core/errno_status.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(ErrnoStatus, NamesWhatWasTriedAndTheErrno) {
  EXPECT_EQ(ErrnoStatus("open /x", EACCES), absl::PermissionDeniedError("open /x: EACCES"));
  EXPECT_EQ(ErrnoStatus("stat /x", ENOENT), absl::NotFoundError("stat /x: ENOENT"));
  EXPECT_EQ(ErrnoStatus("setns", EINVAL), absl::InvalidArgumentError("setns: EINVAL"));
  EXPECT_EQ(ErrnoText("setns", 4711), "setns: errno 4711");
}

TEST(ErrnoStatus, ErrnoIsTheDefault) {
  errno = ESRCH;
  EXPECT_EQ(ErrnoStatus("kill"), absl::NotFoundError("kill: ESRCH"));
}

TEST(ErrnoStatus, TheRestHasTheCodeThatTheCallerPromises) {
  const auto status = [](int error) {
    return ErrnoStatus("setns", error, absl::StatusCode::kUnavailable);
  };
  EXPECT_EQ(status(EINVAL), absl::UnavailableError("setns: EINVAL"));
  EXPECT_EQ(status(EPERM), absl::PermissionDeniedError("setns: EPERM"));
  EXPECT_EQ(status(ESRCH), absl::NotFoundError("setns: ESRCH"));
}

}  // namespace
}  // namespace tcpmedic
