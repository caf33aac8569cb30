// By which listener the connections of one namespace were accepted, from their local ports. Pure;
// not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_ACCEPTED_BY_H_
#define TCPMEDIC_DIAGNOSIS_ACCEPTED_BY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/ip_address.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

class AcceptedBy {
 public:
  static constexpr size_t kMaxListeners = 4096;  // further ones are not kept

  // A dump that shows the namespace's listeners: Begin, Add each, End once it is complete.
  void Begin() { dumped_.clear(); }
  void Add(const SocketSample& listener);
  void End();
  // Whether a dump has shown them ever.
  bool known() const { return known_; }

  struct Origin {
    // "0.0.0.0:8080", "[::]:8080": the listener. "*:8080": one that was closed before it was seen.
    // "upstream 10.0.0.7:5432": the program has made the connection itself.
    std::string text;
    bool listener_closed = false;
  };
  // `port_is_shared`: there are further connections with this local port. Without a listener they
  // show that there was one: connections that a program makes have a port each.
  Origin OriginOf(const IpAddress& local_ip, uint16_t local_port, const IpAddress& remote_ip,
                  uint16_t remote_port, bool port_is_shared) const;

 private:
  using Endpoint = std::pair<IpAddress, uint16_t>;

  bool known_ = false;
  absl::flat_hash_set<Endpoint> dumped_;
  absl::flat_hash_set<Endpoint> open_;
  absl::flat_hash_map<uint16_t, std::string> last_on_port_;  // also of listeners closed since
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_ACCEPTED_BY_H_
