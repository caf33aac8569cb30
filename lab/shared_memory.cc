#include "lab/shared_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic::lab {

absl::StatusOr<std::unique_ptr<SharedBytes>> SharedBytes::Create(const char* name, size_t size) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return ErrnoStatus(absl::StrCat("memfd_create ", name));
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    const absl::Status status = ErrnoStatus(absl::StrCat("ftruncate ", name));
    close(fd);
    return status;
  }
  return Adopt(fd, size);
}

absl::StatusOr<std::unique_ptr<SharedBytes>> SharedBytes::Adopt(int fd, size_t size) {
  struct stat found {};
  if (fstat(fd, &found) != 0)
    return ErrnoStatus(absl::StrCat("fstat shared memory, descriptor ", fd));
  if (static_cast<size_t>(found.st_size) < size) {
    close(fd);
    return absl::InvalidArgumentError(absl::StrCat("shared memory of ", found.st_size,
                                                   " bytes, not ", size,
                                                   ": the programs are not of one build"));
  }
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    const absl::Status status = ErrnoStatus("mmap shared memory");
    close(fd);
    return status;
  }
  return std::unique_ptr<SharedBytes>(new SharedBytes(fd, data, size));
}

SharedBytes::~SharedBytes() {
  munmap(data_, size_);
  close(fd_);
}

}  // namespace tcpmedic::lab
