#include "observe/netlink_channel.h"

#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

// The kernel fills a dump's datagrams up to what the reader offers, and to no more than this
// (af_netlink.c).
constexpr size_t kBufferBytes = 32 * 1024;
// A kernel that answers at all answers in milliseconds.
constexpr timeval kReceiveTimeout = {.tv_sec = 2, .tv_usec = 0};

class SockDiagChannel : public NetlinkChannel {
 public:
  SockDiagChannel() : socket_(nl_socket_alloc()) {}
  ~SockDiagChannel() override { nl_socket_free(socket_); }
  SockDiagChannel(const SockDiagChannel&) = delete;
  SockDiagChannel& operator=(const SockDiagChannel&) = delete;

  absl::Status Connect() {
    if (socket_ == nullptr) return absl::ResourceExhaustedError("nl_socket_alloc: ENOMEM");
    const int error = nl_connect(socket_, NETLINK_SOCK_DIAG);
    if (error < 0) {
      return absl::UnavailableError(absl::StrCat("connect sock_diag: ", nl_geterror(error)));
    }
    if (setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveTimeout, sizeof(kReceiveTimeout)) != 0) {
      return ErrnoStatus("setsockopt SO_RCVTIMEO", errno, absl::StatusCode::kUnavailable);
    }
    socklen_t size = sizeof(netns_cookie_);
    if (getsockopt(fd(), SOL_SOCKET, SO_NETNS_COOKIE, &netns_cookie_, &size) != 0) {
      return ErrnoStatus("getsockopt SO_NETNS_COOKIE (since Linux 5.14)", errno,
                         absl::StatusCode::kUnavailable);
    }
    return absl::OkStatus();
  }

  uint64_t netns_cookie() const override { return netns_cookie_; }

  absl::StatusOr<uint32_t> Send(nlmsghdr* message) override {
    message->nlmsg_seq = nl_socket_use_seq(socket_);
    const int sent = nl_sendto(socket_, message, message->nlmsg_len);
    if (sent < 0) {
      return absl::UnavailableError(absl::StrCat("send to sock_diag: ", nl_geterror(sent)));
    }
    return message->nlmsg_seq;
  }

  // Not nl_recv: it allocates for every datagram, and nl_recvmsgs for every message.
  absl::StatusOr<absl::Span<char>> Receive() override {
    while (true) {
      sockaddr_nl sender{};
      iovec piece = {.iov_base = buffer_.data(), .iov_len = buffer_.size()};
      msghdr header{};
      header.msg_name = &sender;
      header.msg_namelen = sizeof(sender);
      header.msg_iov = &piece;
      header.msg_iovlen = 1;
      const ssize_t received = recvmsg(fd(), &header, 0);
      if (received < 0 && errno == EINTR) continue;
      if (received < 0 && errno == EAGAIN) {
        return absl::UnavailableError(
            absl::StrCat("sock_diag did not answer in ", kReceiveTimeout.tv_sec, " s"));
      }
      if (received < 0)
        return ErrnoStatus("receive from sock_diag", errno, absl::StatusCode::kUnavailable);
      // Other processes may be able to send to our port; only the kernel's is 0.
      if (sender.nl_pid != 0) continue;
      if (header.msg_flags & MSG_TRUNC) {
        return absl::DataLossError(
            absl::StrCat("sock_diag sent more than ", buffer_.size(), " bytes at once"));
      }
      return absl::MakeSpan(buffer_.data(), received);
    }
  }

 private:
  int fd() const { return nl_socket_get_fd(socket_); }

  nl_sock* socket_;
  uint64_t netns_cookie_ = 0;
  alignas(nlmsghdr) std::array<char, kBufferBytes> buffer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<NetlinkChannel>> ConnectSockDiag() {
  auto channel = std::make_unique<SockDiagChannel>();
  const absl::Status status = channel->Connect();
  if (!status.ok()) return status;
  return channel;
}

bool ForEachMessage(
    absl::Span<char> datagram,
    absl::FunctionRef<bool(const nlmsghdr& header, absl::Span<const char> payload)> visit) {
  int remaining = static_cast<int>(datagram.size());
  auto* message = reinterpret_cast<nlmsghdr*>(datagram.data());
  for (; nlmsg_ok(message, remaining); message = nlmsg_next(message, &remaining)) {
    const auto* payload = static_cast<const char*>(nlmsg_data(message));
    if (!visit(*message, absl::MakeConstSpan(payload, nlmsg_datalen(message)))) return true;
  }
  return remaining <= 0;
}

}  // namespace tcpmedic
