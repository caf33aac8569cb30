#include "lab/control_channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic::lab {
namespace {

constexpr size_t kMaxFds = 8;

// Room for descriptors and credentials, aligned as the kernel wants it.
union Ancillary {
  cmsghdr align;
  char bytes[CMSG_SPACE(kMaxFds * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
};

}  // namespace

absl::StatusOr<std::pair<ControlChannel, ControlChannel>> ControlChannel::CreatePair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return ErrnoStatus("socketpair");
  }
  std::pair<ControlChannel, ControlChannel> ends{ControlChannel{UniqueFd(fds[0])},
                                                 ControlChannel{UniqueFd(fds[1])}};
  for (const int fd : fds) {
    const int on = 1;
    const int buffer_bytes = 4 * kMaxMessageBytes;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
      return ErrnoStatus("setsockopt SO_PASSCRED");
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes)) != 0) {
      return ErrnoStatus("setsockopt SO_SNDBUF");
    }
  }
  return ends;
}

absl::Status ControlChannel::Send(const ControlMessage& message, absl::Span<const int> fds) const {
  std::string text = Encode(message);
  if (text.size() > kMaxMessageBytes || fds.size() > kMaxFds) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a message of ", text.size(), " bytes to the lab; at most ", kMaxMessageBytes));
  }
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  Ancillary ancillary{};
  if (!fds.empty()) {
    header.msg_control = ancillary.bytes;
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  if (sendmsg(socket_.get(), &header, MSG_NOSIGNAL) >= 0) return absl::OkStatus();
  if (errno == EPIPE || errno == ECONNRESET) return absl::UnavailableError("the lab has ended");
  return ErrnoStatus("send to the lab's control socket");
}

absl::StatusOr<std::optional<ReceivedMessage>> ControlChannel::Receive() const {
  std::string text(kMaxMessageBytes, '\0');
  iovec part{text.data(), text.size()};
  Ancillary ancillary{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary.bytes;
  header.msg_controllen = sizeof(ancillary.bytes);
  const ssize_t length = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (length == 0 || (length < 0 && errno == ECONNRESET)) {
    return absl::UnavailableError("the lab has ended");
  }
  if (length < 0) return ErrnoStatus("receive from the lab's control socket");
  ReceivedMessage received;
  for (cmsghdr* part_header = CMSG_FIRSTHDR(&header); part_header != nullptr;
       part_header = CMSG_NXTHDR(&header, part_header)) {
    if (part_header->cmsg_level != SOL_SOCKET) continue;
    if (part_header->cmsg_type == SCM_RIGHTS) {
      const size_t count = (part_header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part_header) + i * sizeof(int), sizeof(int));
        received.fds.emplace_back(fd);
      }
    } else if (part_header->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(part_header), sizeof(credentials));
      received.sender_pid = credentials.pid;
    }
  }
  absl::StatusOr<ControlMessage> message = Decode(absl::string_view(text.data(), length));
  if (!message.ok()) return message.status();
  received.message = *std::move(message);
  return received;
}

void ControlChannel::Shutdown() const { shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace tcpmedic::lab
