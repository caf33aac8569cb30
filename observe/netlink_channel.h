// A netlink socket to the kernel's sock_diag(7), of the namespace in which it was connected, which
// it keeps alive. Not thread-safe.
#ifndef TCPMEDIC_OBSERVE_NETLINK_CHANNEL_H_
#define TCPMEDIC_OBSERVE_NETLINK_CHANNEL_H_

#include <linux/netlink.h>

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tcpmedic {

// The seam for tests of the conversation with the kernel.
class NetlinkChannel {
 public:
  virtual ~NetlinkChannel() = default;

  // SO_NETNS_COOKIE.
  virtual uint64_t netns_cookie() const = 0;

  // Stamps the next sequence number into the header, sends the message of nlmsg_len bytes, and
  // returns that number.
  virtual absl::StatusOr<uint32_t> Send(nlmsghdr* message) = 0;

  // The next datagram, in a buffer that is used again by the next call. Unavailable: none came in
  // time. DataLoss: larger than the buffer.
  virtual absl::StatusOr<absl::Span<char>> Receive() = 0;
};

// Connects in the calling thread's namespace; needs no privilege. Neither sending nor receiving
// allocates.
absl::StatusOr<std::unique_ptr<NetlinkChannel>> ConnectSockDiag();

// Calls `visit` with each message of a datagram (which starts at a multiple of 4) until it returns
// false. False: the datagram ends in bytes that are no whole message.
bool ForEachMessage(
    absl::Span<char> datagram,
    absl::FunctionRef<bool(const nlmsghdr& header, absl::Span<const char> payload)> visit);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_NETLINK_CHANNEL_H_
