// One plain struct in memory that several processes of a lab see (memfd). The struct must be valid
// when all its bytes are zero, and guards itself (atomics). Unmapped and closed with its last
// owner.
#ifndef TCPMEDIC_LAB_SHARED_MEMORY_H_
#define TCPMEDIC_LAB_SHARED_MEMORY_H_

#include <cstddef>
#include <memory>
#include <type_traits>

#include "absl/status/statusor.h"

namespace tcpmedic::lab {

class SharedBytes {
 public:
  // Zeroed memory. `name` shows in /proc/PID/maps.
  static absl::StatusOr<std::unique_ptr<SharedBytes>> Create(const char* name, size_t size);
  // Maps what another process made, and owns `fd` from now on. InvalidArgument: the memory is
  // smaller than `size`.
  static absl::StatusOr<std::unique_ptr<SharedBytes>> Adopt(int fd, size_t size);
  ~SharedBytes();
  SharedBytes(const SharedBytes&) = delete;
  SharedBytes& operator=(const SharedBytes&) = delete;

  int fd() const { return fd_; }  // close-on-exec
  void* data() const { return data_; }

 private:
  SharedBytes(int fd, void* data, size_t size) : fd_(fd), data_(data), size_(size) {}
  int fd_;
  void* data_;
  size_t size_;
};

template <typename T>
class SharedMemory {
  static_assert(std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T>);

 public:
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Create(const char* name) {
    return Wrap(SharedBytes::Create(name, sizeof(T)));
  }
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Adopt(int fd) {
    return Wrap(SharedBytes::Adopt(fd, sizeof(T)));
  }
  int fd() const { return bytes_->fd(); }
  T* operator->() const { return static_cast<T*>(bytes_->data()); }
  T& operator*() const { return *static_cast<T*>(bytes_->data()); }

 private:
  explicit SharedMemory(std::unique_ptr<SharedBytes> bytes) : bytes_(std::move(bytes)) {}
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Wrap(
      absl::StatusOr<std::unique_ptr<SharedBytes>> bytes) {
    if (!bytes.ok()) return bytes.status();
    return std::unique_ptr<SharedMemory>(new SharedMemory(*std::move(bytes)));
  }
  std::unique_ptr<SharedBytes> bytes_;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_SHARED_MEMORY_H_
