// A temporary directory that goes with its owner, even after kill -9: a child that holds nothing
// else waits for the owner's end and then removes it. Make it before any thread exists: the child
// is forked without exec.
#ifndef TCPMEDIC_CLI_DRILL_SCRATCH_DIRECTORY_H_
#define TCPMEDIC_CLI_DRILL_SCRATCH_DIRECTORY_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"

namespace tcpmedic::cli {

class ScratchDirectory {
 public:
  // 0700, under $TMPDIR or /tmp. Unavailable, ResourceExhausted: names the path and the errno.
  static absl::StatusOr<ScratchDirectory> Create();

  ScratchDirectory(ScratchDirectory&& other) noexcept;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();  // as Remove

  const std::string& path() const { return path_; }
  // Removes it and ends the child; true once nothing is left of either.
  bool Remove();

 private:
  ScratchDirectory(std::string path, pid_t keeper, int owner_fd)
      : path_(std::move(path)), keeper_(keeper), owner_fd_(owner_fd) {}

  std::string path_;
  pid_t keeper_ = -1;
  int owner_fd_ = -1;  // the write end of the pipe whose end the keeper waits for
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_SCRATCH_DIRECTORY_H_
