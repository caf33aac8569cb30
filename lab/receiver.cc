#include "lab/receiver.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/byte_allowance.h"
#include "lab/listening_socket.h"

namespace tcpmedic::lab {
namespace {

// After the sender's end: for what is still on its way.
constexpr absl::Duration kGrace = absl::Seconds(10);
constexpr size_t kMaxConnections = 1024;
constexpr int64_t kChunkBytes = 1 << 20;

struct Connection {
  UniqueFd socket;
  ByteAllowance allowance;
};

absl::Status Prepare(int listener, const TransferOptions& options) {
  const int buffer_bytes = static_cast<int>(options.receive_buffer_bytes);
  if (buffer_bytes > 0 &&
      setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes)) != 0) {
    return ErrnoStatus("set SO_RCVBUF");
  }
  // Both ends of a transfer run the same algorithm, whatever the machine's default is.
  const std::string& algorithm = options.congestion_control;
  if (setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, algorithm.data(),
                 static_cast<socklen_t>(algorithm.size())) != 0) {
    return ErrnoStatus(absl::StrCat("set congestion control ", algorithm));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunReceiver(const std::string& address, const TransferOptions& options,
                         TimelineRecord* record) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  absl::StatusOr<UniqueFd> listener =
      ListenOn(address, options.port, static_cast<int>(kMaxConnections),
               [&](int socket) { return Prepare(socket, options); });
  if (!listener.ok()) return listener.status();

  std::list<Connection> connections;
  std::vector<pollfd> polled;
  int64_t bytes_read = 0;
  absl::Time now = absl::Now();
  const absl::Time end = now + options.duration + kGrace;
  absl::Time sample_due = now;
  while (now < end) {
    if (now >= sample_due) {
      record->Append({absl::ToUnixNanos(now), bytes_read});
      sample_due = now + absl::Milliseconds(kTimelineIntervalMs);
    }
    polled.clear();
    polled.push_back({listener->get(),
                      static_cast<short>(connections.size() < kMaxConnections ? POLLIN : 0), 0});
    for (Connection& connection : connections) {
      // What a slow reader leaves in its socket stays there until the next sample is due.
      const bool may_read = connection.allowance.Available(now) > 0;
      polled.push_back({connection.socket.get(), static_cast<short>(may_read ? POLLIN : 0), 0});
    }
    const timespec wait = absl::ToTimespec(std::max(sample_due - now, absl::ZeroDuration()));
    if (ppoll(polled.data(), polled.size(), &wait, nullptr) < 0 && errno != EINTR) {
      return ErrnoStatus("ppoll");
    }
    now = absl::Now();
    size_t at = 0;
    for (auto connection = connections.begin(); connection != connections.end();) {
      const short ready = polled[++at].revents;
      bool ended = false;
      if (ready != 0) {
        const int64_t wanted = std::min(kChunkBytes, connection->allowance.Available(now));
        // MSG_TRUNC: TCP counts the bytes as read without copying them (tcp(7)); the copy would
        // only cost CPU.
        const ssize_t length = recv(connection->socket.get(), nullptr,
                                    static_cast<size_t>(std::max<int64_t>(wanted, 1)), MSG_TRUNC);
        if (length > 0) {
          bytes_read += length;
          connection->allowance.Spend(length);
        }
        ended = length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
      }
      connection = ended ? connections.erase(connection) : std::next(connection);
    }
    if (polled[0].revents & POLLIN) {
      UniqueFd socket(accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.valid()) {
        connections.push_back({std::move(socket), ByteAllowance(options.read_rate_bps, now)});
        record->connections.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
