#include "lab/listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/listening_socket.h"
#include "lab/open_files.h"
#include "lab/real_time.h"

namespace tcpmedic::lab {
namespace {

constexpr absl::Duration kMaxDuration = absl::Hours(1);

// Whether the client has closed, or the connection is of no more use.
bool ReadToEnd(int socket) {
  for (;;) {
    // MSG_TRUNC: TCP counts the bytes as read without copying them (tcp(7)).
    const ssize_t length = recv(socket, nullptr, 1 << 20, MSG_TRUNC);
    if (length > 0) continue;
    return length == 0 || (errno != EAGAIN && errno != EINTR);
  }
}

}  // namespace

absl::Status Validate(const ListenOptions& options) {
  if (options.port == 0) return absl::InvalidArgumentError("port 0");
  if (options.backlog < 1 || options.backlog > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("a backlog of ", options.backlog, " is not from 1 to 65535"));
  }
  if (options.duration <= absl::ZeroDuration() || options.duration > kMaxDuration) {
    return absl::InvalidArgumentError(
        absl::StrCat("a duration of ", absl::FormatDuration(options.duration), " is not within ",
                     absl::FormatDuration(kMaxDuration)));
  }
  return absl::OkStatus();
}

absl::Status RunListener(const std::string& address, const ListenOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  if (absl::Status status = AllowManyOpenFiles(); !status.ok()) return status;
  // A burst fills the accept queue within a millisecond: a listener that waits for its turn behind
  // other programs would drop what the SYN queue has let through.
  KeepTimeUnderLoad();
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus("epoll_create1");
  const absl::StatusOr<UniqueFd> listener = ListenOn(address, options.port, options.backlog);
  if (!listener.ok()) return listener.status();
  epoll_event wanted{.events = EPOLLIN, .data = {.fd = listener->get()}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listener->get(), &wanted) != 0) {
    return ErrnoStatus("epoll_ctl");
  }

  absl::flat_hash_map<int, UniqueFd> connections;
  const auto accept_all = [&]() -> absl::Status {
    for (;;) {
      UniqueFd socket(accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.valid()) return absl::OkStatus();
      const int fd = socket.get();
      epoll_event readable{.events = EPOLLIN, .data = {.fd = fd}};
      if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &readable) != 0) {
        return ErrnoStatus("epoll_ctl");
      }
      connections[fd] = std::move(socket);
    }
  };
  std::array<epoll_event, 256> events{};
  const absl::Time end = absl::Now() + options.duration;
  for (absl::Time now; (now = absl::Now()) < end;) {
    const int wait_ms =
        static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(end - now, absl::Milliseconds(1))));
    const int ready = epoll_wait(epoll.get(), events.data(), events.size(), wait_ms);
    if (ready < 0 && errno != EINTR) return ErrnoStatus("epoll_wait");
    for (int i = 0; i < ready; ++i) {
      // New ones between any two others: a queue of 16 has filled up while 256 are being closed.
      if (absl::Status status = accept_all(); !status.ok()) return status;
      const auto connection = connections.find(events[i].data.fd);
      if (connection != connections.end() && ReadToEnd(connection->first)) {
        connections.erase(connection);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
