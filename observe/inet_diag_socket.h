// TCP sockets of one network namespace, read with inet_diag over netlink. A dump allocates nothing,
// however many sockets there are: datagrams arrive in one reused buffer and are decoded in place.
//
// A socket speaks for the namespace in which it was opened, from any thread, and keeps that
// namespace alive until it is closed. Not thread-safe. See sock_diag(7).
#ifndef TCPMEDIC_OBSERVE_INET_DIAG_SOCKET_H_
#define TCPMEDIC_OBSERVE_INET_DIAG_SOCKET_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "observe/netlink_channel.h"
#include "observe/socket_source.h"

namespace tcpmedic {

class InetDiagSocket : public SocketSource {
 public:
  // In the calling thread's namespace; needs no privilege.
  static absl::StatusOr<std::unique_ptr<InetDiagSocket>> Open();

  // In the namespace that `netns_fd` (an open /proc/PID/ns/net) refers to, from a short-lived
  // thread: the caller stays where it is. PermissionDenied: setns(2) needs CAP_SYS_ADMIN over that
  // namespace.
  static absl::StatusOr<std::unique_ptr<InetDiagSocket>> OpenInNamespace(int netns_fd);

  explicit InetDiagSocket(std::unique_ptr<NetlinkChannel> channel);

  uint64_t netns_cookie() const override { return channel_->netns_cookie(); }
  absl::StatusOr<DumpStats> Dump(const DumpRequest& request,
                                 absl::FunctionRef<void(const SocketSample&)> visit) override;

 private:
  // What a dump's answer said apart from its sockets.
  struct Answer {
    int error = 0;  // errno with which the kernel refused or ended the dump
    bool interrupted = false;
    int64_t malformed_messages = 0;
  };
  using OnSocket = absl::FunctionRef<void(absl::Span<const char> payload)>;

  absl::StatusOr<Answer> DumpBothFamilies(TcpStateMask states, OnSocket on_socket);
  absl::StatusOr<Answer> DumpLegacy(TcpStateMask states, OnSocket on_socket);
  absl::StatusOr<Answer> DumpFamily(uint8_t family, TcpStateMask states, OnSocket on_socket);
  absl::StatusOr<Answer> Ask(nlmsghdr* request, OnSocket on_socket);
  absl::StatusOr<Answer> ReadAnswer(uint32_t sequence, OnSocket on_socket);

  std::unique_ptr<NetlinkChannel> channel_;
  bool legacy_refused_ = false;
  uint32_t unfinished_sequence_ = 0;  // of a dump whose end was not read; 0: none
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_INET_DIAG_SOCKET_H_
