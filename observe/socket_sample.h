// One reading of one TCP socket, as inet_diag reports it. The hot path's only struct: plain, no
// heap, copied freely. "Not reported" is std::nullopt, never 0.
#ifndef TCPMEDIC_OBSERVE_SOCKET_SAMPLE_H_
#define TCPMEDIC_OBSERVE_SOCKET_SAMPLE_H_

#include <linux/tcp.h>

#include <array>
#include <bitset>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "core/ip_address.h"

namespace tcpmedic {

// TCP states, numbered as the kernel's include/net/tcp_states.h.
enum class TcpState : uint8_t {
  kEstablished = 1,
  kSynSent,
  kSynRecv,
  kFinWait1,
  kFinWait2,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kListen,
  kClosing,
  kNewSynRecv,
};
// "established", "syn-sent", … as ss(8) filters spell them; "unknown" outside the range.
absl::string_view Name(TcpState state);
// A set of states as the kernel's idiag_states: bit (1 << state).
using TcpStateMask = uint32_t;
constexpr TcpStateMask MaskOf(TcpState state) { return 1u << static_cast<unsigned>(state); }
constexpr TcpStateMask kAllTcpStates = 0x1ffe;  // bits 1 to 12

// The kernel's struct tcp_info, of which only some members may be reported: the running kernel
// fills the first bytes, a pasted line names a few members.
class TcpInfo {
 public:
  // Copies what the kernel sent, and forgets what was there; fields past `size` are not reported,
  // bytes past ours are ignored.
  void Assign(const void* data, size_t size);
  // Reports one member, as a text has it: Set(&tcp_info::tcpi_rtt, 148'200).
  template <typename T>
  void Set(T tcp_info::*member, T value) {
    info_.*member = value;
    set_.set(OffsetOf(member));
  }
  void SetAppLimited(bool app_limited);
  bool reported() const { return size_ > 0 || set_.any(); }

  // Field(&tcp_info::tcpi_rtt): nullopt where the kernel's struct ends before the member's end, and
  // nobody has set it.
  template <typename T>
  std::optional<T> Field(T tcp_info::*member) const {
    const size_t offset = OffsetOf(member);
    if (offset + sizeof(T) > size_ && !set_.test(offset)) return std::nullopt;
    return info_.*member;
  }
  // tcpi_delivery_rate_app_limited is a bit-field: the newest rate sample was limited by the
  // application.
  std::optional<bool> delivery_rate_app_limited() const;

 private:
  template <typename T>
  size_t OffsetOf(T tcp_info::*member) const {
    return static_cast<size_t>(reinterpret_cast<const char*>(&(info_.*member)) -
                               reinterpret_cast<const char*>(&info_));
  }

  tcp_info info_{};
  size_t size_ = 0;                    // these first bytes are the kernel's
  std::bitset<sizeof(tcp_info)> set_;  // by offset: members that were set one by one
};

// The identity of a socket: SO_COOKIE and SO_NETNS_COOKIE.
struct SocketKey {
  uint64_t cookie = 0;
  uint64_t netns_cookie = 0;

  auto operator<=>(const SocketKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SocketKey& key) {
    return H::combine(std::move(h), key.cookie, key.netns_cookie);
  }
};

struct SocketSample {
  SocketKey key;
  TcpState state = TcpState::kClose;
  uint8_t timer = 0;        // idiag_timer: 0 off, 1 retransmit, 2 keepalive, 3 TIME-WAIT, 4 probe
  uint8_t retransmits = 0;  // idiag_retrans: unanswered retransmits or probes in a row
  bool v4_mapped = false;   // an AF_INET6 socket that speaks IPv4; the addresses are given unmapped
  IpAddress local_ip;
  IpAddress remote_ip;
  uint16_t local_port = 0;  // host order
  uint16_t remote_port = 0;
  uint32_t rqueue = 0;  // bytes unread; in LISTEN, connections waiting for accept()
  uint32_t wqueue = 0;  // bytes not acknowledged; in LISTEN, the backlog
  uint32_t uid = 0;
  uint32_t inode = 0;  // 0: no process holds it (TIME-WAIT, orphan, SYN-RECV)
  std::array<char, 16> congestion_control{};  // zero-terminated; empty: not reported
  std::optional<uint64_t> cgroup_id;
  TcpInfo info;

  absl::string_view cc() const { return congestion_control.data(); }
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_SOCKET_SAMPLE_H_
