// A directory under /proc, open. Names are looked up relative to the descriptor, so what is read
// through an open /proc/PID stays with the process that it was opened for: once that has exited,
// reads fail with NotFound, also after the pid has been given to another. Thread-compatible.
#ifndef TCPMEDIC_OBSERVE_PROC_DIRECTORY_H_
#define TCPMEDIC_OBSERVE_PROC_DIRECTORY_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/unique_fd.h"

namespace tcpmedic {

class ProcDirectory {
 public:
  // NotFound: no such directory, or the process has exited. PermissionDenied, Unavailable: as the
  // errno says.
  static absl::StatusOr<ProcDirectory> Open(const std::string& path);
  absl::StatusOr<ProcDirectory> OpenDirectory(const std::string& name) const;
  absl::StatusOr<UniqueFd> OpenFile(const std::string& name) const;

  // The whole file, or its first `max_bytes`.
  absl::StatusOr<std::string> ReadFile(const std::string& name, size_t max_bytes = 16 * 1024) const;
  absl::StatusOr<std::string> ReadLink(const std::string& name) const;

  // The number in a link such as "net:[4026531840]" (kind "net") or "socket:[812]". Returns 0 or an
  // errno; EINVAL: a link of another kind. No allocation: scans call it for every open file on the
  // host.
  int ReadInodeLink(const char* name, absl::string_view kind, uint64_t* inode) const;

  // The inode number of the file itself. Returns 0 or an errno. No allocation.
  int ReadInodeOf(const char* name, uint64_t* inode) const;

  // Calls `visit` with each entry whose name is a number (processes, descriptors) until it returns
  // false.
  absl::Status ForEachNumber(absl::FunctionRef<bool(int number, const char* name)> visit) const;

 private:
  ProcDirectory(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;  // for error texts
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_PROC_DIRECTORY_H_
