// The bugs are in HandleReadable and ServePooled, which look as such bugs do. This file is built
// with optimization and without frame pointers whatever the rest is built with (CMakeLists.txt),
// and those functions are neither inlined nor hidden: what looks for the place in the code finds
// here what it would find in a server in production. The tests find the calls by their "// site:"
// marks.
#include "lab/leaky_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/listening_socket.h"
#include "lab/open_files.h"

namespace tcpmedic::lab {
namespace {

constexpr int64_t kMaxHeapBytes = 1 << 20;
constexpr absl::Duration kMaxDuration = absl::Hours(1);
constexpr absl::Duration kStreamInterval = absl::Milliseconds(500);
constexpr int kBacklog = 1024;

constexpr absl::string_view kResponse =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";
// As server-sent events have it.
constexpr absl::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
constexpr absl::string_view kEvent = "data: still here\n\n";

}  // namespace

class LeakyServer {
 public:
  LeakyServer(const LeakyServerOptions& options, UniqueFd epoll, UniqueFd listener)
      : options_(options), epoll_(std::move(epoll)), listener_(std::move(listener)) {}

  absl::Status Serve();

 private:
  struct Connection {
    UniqueFd socket;
    std::string heap;
  };

  [[gnu::noinline]] void AcceptConnections();
  [[gnu::noinline]] void ServePooled(int fd);
  [[gnu::noinline]] void HandleReadable(int fd);
  absl::Status Wait(absl::Time until);
  bool Watch(int fd, uint32_t events);
  void Respond(int fd);
  void StreamToAll();
  void CloseAbandoned();
  void Close(int fd);

  const LeakyServerOptions options_;
  const UniqueFd epoll_;
  UniqueFd listener_;
  absl::flat_hash_map<int, Connection> connections_;  // by fd
  absl::flat_hash_set<int> streams_;                  // those whose clients send no more
  std::vector<std::string> kept_heap_;
};

absl::Status LeakyServer::Serve() {
  if (!Watch(listener_.get(), EPOLLIN | EPOLLET)) return ErrnoStatus("epoll_ctl");
  const auto after = [now = absl::Now()](absl::Duration wait) {
    return wait == absl::ZeroDuration() ? absl::InfiniteFuture() : now + wait;
  };
  const absl::Time shutdown = after(options_.shutdown_after);
  const absl::Time end = std::min(shutdown, after(options_.duration));
  absl::Time drain = after(options_.drain_every);
  absl::Time stream = options_.stream ? absl::Now() : absl::InfiniteFuture();
  for (absl::Time now; (now = absl::Now()) < end;) {
    if (now >= drain) {
      CloseAbandoned();
      AcceptConnections();  // what had to wait for a descriptor
      drain = now + options_.drain_every;
    }
    if (now >= stream) {
      StreamToAll();
      stream = now + kStreamInterval;
    }
    if (absl::Status status = Wait(std::min({end, drain, stream})); !status.ok()) return status;
  }
  if (end == shutdown) {
    listener_ = UniqueFd();
    absl::SleepFor(options_.shutdown_takes);
  }
  return absl::OkStatus();
}

absl::Status LeakyServer::Wait(absl::Time until) {
  std::array<epoll_event, 256> events{};
  const absl::Duration wait = std::max(until - absl::Now(), absl::ZeroDuration());
  const int ready = epoll_wait(
      epoll_.get(), events.data(), events.size(),
      static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)))));
  if (ready < 0 && errno != EINTR) return ErrnoStatus("epoll_wait");
  for (int i = 0; i < ready; ++i) {
    const int fd = events[i].data.fd;
    if (fd == listener_.get()) {
      AcceptConnections();
    } else if (options_.bug == LeakBug::kNeverRead) {
      ServePooled(fd);
    } else {
      HandleReadable(fd);
    }
  }
  return absl::OkStatus();
}

void LeakyServer::AcceptConnections() {
  // The bug of a pool: each connection is watched for one request, and not again.
  const uint32_t events =
      options_.bug == LeakBug::kNeverRead ? EPOLLIN | EPOLLONESHOT : EPOLLIN | EPOLLET;
  for (;;) {
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, flags));  // site: accept
    if (!socket.valid()) return;
    const int fd = socket.get();
    if (!Watch(fd, events)) continue;
    connections_[fd] = {std::move(socket), std::string(options_.heap_bytes_per_connection, 'x')};
  }
}

void LeakyServer::ServePooled(int fd) {
  char request[4096];
  const ssize_t size = read(fd, request, sizeof(request));  // site: never-read
  if (size <= 0) return Close(fd);
  Respond(fd);
}

void LeakyServer::HandleReadable(int fd) {
  char request[4096];
  for (;;) {
    const ssize_t size = read(fd, request, sizeof(request));  // site: read-eof
    if (size > 0) {
      Respond(fd);
      continue;
    }
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size == 0 && options_.stream) {
      streams_.insert(fd);
      return;
    }
    // The bug of an early return: the client has closed, and nobody closes its socket.
    if (size == 0 && options_.bug == LeakBug::kReadEof) return;
    return Close(fd);
  }
}

bool LeakyServer::Watch(int fd, uint32_t events) {
  epoll_event wanted{.events = events, .data = {.fd = fd}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &wanted) == 0;
}

void LeakyServer::Respond(int fd) {
  const absl::string_view response = options_.stream ? kStreamHead : kResponse;
  (void)send(fd, response.data(), response.size(), MSG_NOSIGNAL);
}

void LeakyServer::StreamToAll() {
  std::vector<int> gone;
  for (const int fd : streams_) {
    if (send(fd, kEvent.data(), kEvent.size(), MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
      gone.push_back(fd);
    }
  }
  for (const int fd : gone) Close(fd);
}

void LeakyServer::CloseAbandoned() {
  std::vector<int> abandoned;
  for (const auto& [fd, connection] : connections_) {
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_state == TCP_CLOSE_WAIT) {
      abandoned.push_back(fd);
    }
  }
  for (const int fd : abandoned) Close(fd);
}

void LeakyServer::Close(int fd) {
  const auto connection = connections_.find(fd);
  if (connection == connections_.end()) return;
  if (options_.keep_heap) kept_heap_.push_back(std::move(connection->second.heap));
  streams_.erase(fd);
  connections_.erase(connection);
}

absl::string_view LeakBugName(LeakBug bug) {
  switch (bug) {
    case LeakBug::kNone:
      return "none";
    case LeakBug::kReadEof:
      return "read-eof";
    case LeakBug::kNeverRead:
      return "never-read";
  }
  return "none";
}

std::optional<LeakBug> LeakBugNamed(absl::string_view name) {
  for (const LeakBug bug : {LeakBug::kNone, LeakBug::kReadEof, LeakBug::kNeverRead}) {
    if (LeakBugName(bug) == name) return bug;
  }
  return std::nullopt;
}

absl::Status Validate(const LeakyServerOptions& options) {
  if (options.port == 0) return absl::InvalidArgumentError("port 0");
  if (options.heap_bytes_per_connection < 0 || options.heap_bytes_per_connection > kMaxHeapBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a heap of ", options.heap_bytes_per_connection,
                                                   " bytes a connection is not from 0 to ",
                                                   kMaxHeapBytes));
  }
  if (options.duration <= absl::ZeroDuration() || options.duration > kMaxDuration) {
    return absl::InvalidArgumentError(
        absl::StrCat("a duration of ", absl::FormatDuration(options.duration), " is not within ",
                     absl::FormatDuration(kMaxDuration)));
  }
  if (options.stream && options.bug != LeakBug::kNone) {
    return absl::InvalidArgumentError(
        absl::StrCat("a server with the bug ", LeakBugName(options.bug), " does not stream"));
  }
  for (const absl::Duration time :
       {options.drain_every, options.shutdown_after, options.shutdown_takes}) {
    if (time < absl::ZeroDuration() || time > kMaxDuration) {
      return absl::InvalidArgumentError(absl::StrCat("draining or shutting down in ",
                                                     absl::FormatDuration(time), " is not within ",
                                                     absl::FormatDuration(kMaxDuration)));
    }
  }
  return absl::OkStatus();
}

absl::Status RunLeakyServer(const std::string& address, const LeakyServerOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  if (absl::Status status = AllowManyOpenFiles(); !status.ok()) return status;
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus("epoll_create1");
  absl::StatusOr<UniqueFd> listener = ListenOn(address, options.port, kBacklog);
  if (!listener.ok()) return listener.status();
  return LeakyServer(options, std::move(epoll), *std::move(listener)).Serve();
}

}  // namespace tcpmedic::lab
