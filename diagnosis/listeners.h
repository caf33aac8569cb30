// The listeners of one namespace and the half-open connections that fill their SYN queues, from one
// dump: which listener is under most pressure, and from where. Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_LISTENERS_H_
#define TCPMEDIC_DIAGNOSIS_LISTENERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/ip_address.h"
#include "diagnosis/netns_history.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// One local address and port that is listened on. Sockets that share it by SO_REUSEPORT each have
// queues of their own, and a dump does not say which one a half-open connection is in: their
// backlogs, queues and limits are summed.
struct Listener {
  SocketKey key;        // of the first socket by cookie
  std::string address;  // "0.0.0.0:443", "[::]:443"
  IpAddress local_ip;
  uint16_t local_port = 0;
  std::vector<uint32_t> inodes;  // of its sockets; bounded
  int64_t backlog = 0;           // as listen(2) was given it, capped by somaxconn at that time
  int64_t accept_queue = 0;      // connections waiting for accept()
  int64_t syn_recv_sockets = 0;
  // How many half-open connections it takes before a SYN is dropped (cookies off) or answered by a
  // cookie (on); nullopt where the settings that decide are not known.
  std::optional<int64_t> syn_queue_limit;
  // Of the half-open connections, as far as they are kept: distinct remote addresses, and the
  // prefixes that most of them come from, "198.18.0.0/16 63 %, 198.19.0.0/16 37 %": /16 for IPv4,
  // /32 for IPv6. Empty where there are none.
  int64_t sources = 0;
  std::string top_sources;
};

// What one dump showed.
struct ListenersSeen {
  int64_t syn_recv_sockets = 0;  // of the whole namespace
  // Most half-open connections ÷ limit. Where none is half-open: the only listener, if there is but
  // one; of several it is not known which matters.
  std::optional<Listener> most_pressed;
  // A dump shows all half-open connections. A paste may hold none of them, or only their number:
  // then what is made of the others is not known.
  bool half_open_counted = true;  // syn_recv_sockets, of the namespace and of the listener
  bool half_open_listed = true;   // sources, top_sources
};

class Listeners {
 public:
  static constexpr TcpStateMask kStates = MaskOf(TcpState::kListen) | MaskOf(TcpState::kSynRecv);
  static constexpr size_t kMaxListeners = 4096;   // sockets; further ones are not kept
  static constexpr size_t kMaxHalfOpen = 65'536;  // further ones are only counted
  static constexpr size_t kMaxInodes = 64;        // of one Listener
  static constexpr size_t kMaxPrefixesNamed = 3;

  // Begins the next dump. Keeps its memory.
  void Clear();
  // Takes one socket of a dump; others than in kStates are ignored, as is one that was shown
  // before.
  void Add(const SocketSample& sample);
  // `settings`: the namespace's, of the same scan; null: not known.
  ListenersSeen Count(const NetnsPoint* settings) const;

 private:
  struct Endpoint {
    IpAddress ip;
    uint16_t port = 0;
    auto operator<=>(const Endpoint&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Endpoint& endpoint) {
      return H::combine(std::move(h), endpoint.ip, endpoint.port);
    }
  };
  struct Socket {
    SocketKey key;
    Endpoint local;
    uint32_t inode = 0;
    uint32_t backlog = 0;
    uint32_t accept_queue = 0;
  };
  struct HalfOpen {
    Endpoint local;
    IpAddress remote_ip;
  };

  void DescribeSources(const std::vector<const HalfOpen*>& half_open, Listener* listener) const;

  std::vector<Socket> sockets_;
  std::vector<HalfOpen> half_open_;
  absl::flat_hash_set<uint64_t> seen_;  // cookies of those two
  int64_t not_kept_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_LISTENERS_H_
