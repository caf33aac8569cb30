// Owns a file descriptor and closes it. Thread-compatible. -1: owns none.
#ifndef TCPMEDIC_CORE_UNIQUE_FD_H_
#define TCPMEDIC_CORE_UNIQUE_FD_H_

#include <utility>

namespace tcpmedic {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_UNIQUE_FD_H_
