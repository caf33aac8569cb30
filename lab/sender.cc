#include "lab/sender.h"

#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/byte_allowance.h"
#include "lab/endpoint.h"

namespace tcpmedic::lab {
namespace {

constexpr int64_t kChunkBytes = 128 * 1024;
// How often a program that keeps to a rate writes.
constexpr absl::Duration kPace = absl::Milliseconds(20);

// One flow: a connection, or one after another.
class Flow {
 public:
  Flow(const Endpoint& to, const TransferOptions& options, absl::Time now)
      : to_(to), options_(options), allowance_(options.app_rate_bps, now) {}

  absl::Status Connect() {
    socket_ = UniqueFd(socket(to_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_.valid()) return ErrnoStatus("open a TCP socket");
    const std::string& algorithm = options_.congestion_control;
    if (setsockopt(socket_.get(), IPPROTO_TCP, TCP_CONGESTION, algorithm.data(),
                   static_cast<socklen_t>(algorithm.size())) != 0) {
      return ErrnoStatus(absl::StrCat("set congestion control ", algorithm));
    }
    const int buffer_bytes = static_cast<int>(options_.send_buffer_bytes);
    if (buffer_bytes > 0 && setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
                                       sizeof(buffer_bytes)) != 0) {
      return ErrnoStatus("set SO_SNDBUF");
    }
    // Without it the tail of a small write waits for an ACK, and the kernel counts that as the
    // program's limit.
    const int no_delay = 1;
    if (options_.write_bytes > 0 &&
        setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay)) != 0) {
      return ErrnoStatus("set TCP_NODELAY");
    }
    sent_bytes_ = 0;
    closing_ = false;
    if (connect(socket_.get(), to_.address(), to_.length) != 0 && errno != EINPROGRESS) {
      return ErrnoStatus("connect");
    }
    return absl::OkStatus();
  }

  // What to wait for: 0 where the program has nothing to write yet.
  pollfd Wanted(absl::Time now) {
    if (closing_) return {socket_.get(), POLLIN, 0};
    const short events = allowance_.Available(now) > 0 ? POLLOUT : 0;
    return {socket_.get(), events, 0};
  }

  absl::Status Continue(short ready, absl::Time now) {
    if (closing_) return FinishClosing(ready);
    if ((ready & (POLLOUT | POLLERR | POLLHUP)) == 0) return absl::OkStatus();
    static const std::vector<char> payload(kChunkBytes, 'x');
    int64_t wanted = std::min(kChunkBytes, allowance_.Available(now));
    if (options_.write_bytes > 0) wanted = std::min(wanted, options_.write_bytes);
    if (options_.connection_bytes > 0) {
      wanted = std::min(wanted, options_.connection_bytes - sent_bytes_);
    }
    const ssize_t written =
        send(socket_.get(), payload.data(), static_cast<size_t>(wanted), MSG_NOSIGNAL);
    if (written < 0) {
      if (errno == EAGAIN || errno == EINTR || errno == ENOTCONN) return absl::OkStatus();
      return ErrnoStatus("send");
    }
    sent_bytes_ += written;
    allowance_.Spend(written);
    if (options_.connection_bytes > 0 && sent_bytes_ >= options_.connection_bytes) {
      closing_ = true;
      if (shutdown(socket_.get(), SHUT_WR) != 0) return ErrnoStatus("shutdown");
    }
    return absl::OkStatus();
  }

 private:
  // The other side closes once it has read everything; then comes the next connection.
  absl::Status FinishClosing(short ready) {
    if ((ready & (POLLIN | POLLERR | POLLHUP)) == 0) return absl::OkStatus();
    char byte;
    const ssize_t length = recv(socket_.get(), &byte, 1, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return absl::OkStatus();
    if (length < 0) return ErrnoStatus("wait for the other side to close");
    return Connect();
  }

  const Endpoint to_;
  const TransferOptions options_;
  ByteAllowance allowance_;
  UniqueFd socket_;
  int64_t sent_bytes_ = 0;
  bool closing_ = false;
};

}  // namespace

absl::Status RunSender(const std::string& address, const TransferOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  const absl::StatusOr<Endpoint> to = Endpoint::Of(address, options.port);
  if (!to.ok()) return to.status();
  absl::Time now = absl::Now();
  const absl::Time end = now + options.duration;
  std::vector<std::unique_ptr<Flow>> flows;
  for (int i = 0; i < options.flows; ++i) {
    flows.push_back(std::make_unique<Flow>(*to, options, now));
    if (absl::Status status = flows.back()->Connect(); !status.ok()) return status;
  }
  std::vector<pollfd> polled(flows.size());
  while ((now = absl::Now()) < end) {
    for (size_t i = 0; i < flows.size(); ++i) polled[i] = flows[i]->Wanted(now);
    const absl::Duration wait = options.app_rate_bps > 0 ? kPace : absl::Milliseconds(500);
    const int timeout_ms = static_cast<int>(absl::ToInt64Milliseconds(std::min(wait, end - now)));
    if (poll(polled.data(), polled.size(), timeout_ms) < 0 && errno != EINTR) {
      return ErrnoStatus("poll");
    }
    now = absl::Now();
    for (size_t i = 0; i < flows.size(); ++i) {
      if (absl::Status status = flows[i]->Continue(polled[i].revents, now); !status.ok()) {
        return status;
      }
    }
    // A socket that is always writable must not make a paced program write in crumbs.
    if (options.app_rate_bps > 0) absl::SleepFor(std::min(kPace, end - now));
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
