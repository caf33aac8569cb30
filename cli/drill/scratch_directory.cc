#include "cli/drill/scratch_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;

// Programs that die with the owner may still be writing while they are killed.
constexpr int kAttempts = 50;
constexpr useconds_t kBetweenAttempts_us = 100'000;

bool RemoveAll(const std::string& path) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::error_code error;
    fs::remove_all(path, error);
    if (!error && !fs::exists(path, error)) return true;
    usleep(kBetweenAttempts_us);
  }
  return false;
}

// The keeper: holds no descriptor but the pipe, so that nobody waits for it, and no terminal, so
// that Ctrl-C does not reach it.
[[noreturn]] void Keep(const std::string& path, int owner_gone_fd) {
  setsid();
  dup2(owner_gone_fd, STDIN_FILENO);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0u, 0);
  if (chdir("/") != 0) _exit(1);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
  }
  _exit(RemoveAll(path) ? 0 : 1);
}

}  // namespace

absl::StatusOr<ScratchDirectory> ScratchDirectory::Create() {
  const char* base = std::getenv("TMPDIR");
  std::string path =
      absl::StrCat(base == nullptr || *base == '\0' ? "/tmp" : base, "/tcpmedic-drill-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return ErrnoStatus(absl::StrCat("mkdtemp ", path));
  }
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    const absl::Status status = ErrnoStatus("pipe2");
    RemoveAll(path);
    return status;
  }
  const pid_t keeper = fork();
  if (keeper == 0) {
    close(fds[1]);
    Keep(path, fds[0]);
  }
  close(fds[0]);
  if (keeper < 0) {
    const absl::Status status = ErrnoStatus("fork");
    close(fds[1]);
    RemoveAll(path);
    return status;
  }
  return ScratchDirectory(std::move(path), keeper, fds[1]);
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      keeper_(std::exchange(other.keeper_, -1)),
      owner_fd_(std::exchange(other.owner_fd_, -1)) {}

ScratchDirectory::~ScratchDirectory() { Remove(); }

bool ScratchDirectory::Remove() {
  if (keeper_ < 0) return true;
  close(std::exchange(owner_fd_, -1));
  int status = 0;
  while (waitpid(keeper_, &status, 0) < 0 && errno == EINTR) {
  }
  keeper_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace tcpmedic::cli
