// A service manager's end of sd_notify(3): a datagram socket in a directory of the test's own. Not
// thread-safe.
#ifndef TCPMEDIC_TESTS_DAEMON_NOTIFY_SOCKET_H_
#define TCPMEDIC_TESTS_DAEMON_NOTIFY_SOCKET_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tcpmedic::test {

class NotifySocket {
 public:
  NotifySocket() {
    char directory[] = "/tmp/tcpmedic-notify-XXXXXX";
    directory_ = mkdtemp(directory);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path().c_str());
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
        << strerrordesc_np(errno);
  }
  ~NotifySocket() {
    close(fd_);
    std::filesystem::remove_all(directory_);
  }

  std::string path() const { return directory_ + "/notify"; }
  const std::string& directory() const { return directory_; }  // for what else a test needs

  // The next message, which is a line for each assignment; nullopt: none came in time.
  std::optional<std::string> Receive(absl::Duration patience) {
    pollfd waiting = {fd_, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) <= 0) {
      return std::nullopt;
    }
    char message[4096];
    const ssize_t size = recv(fd_, message, sizeof(message), 0);
    return std::string(message, size < 0 ? 0 : size);
  }
  // The first message with this assignment, whatever comes before it.
  std::optional<std::string> ReceiveWith(const std::string& assignment, absl::Duration patience) {
    const absl::Time until = absl::Now() + patience;
    while (const auto message = Receive(until - absl::Now())) {
      if (("\n" + *message).find("\n" + assignment + "\n") != std::string::npos) return message;
    }
    return std::nullopt;
  }
  // Throws away what has come so far.
  void Drain() {
    while (Receive(absl::ZeroDuration())) {
    }
  }

 private:
  std::string directory_;
  int fd_ = -1;
};

}  // namespace tcpmedic::test

#endif  // TCPMEDIC_TESTS_DAEMON_NOTIFY_SOCKET_H_
