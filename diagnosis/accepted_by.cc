#include "diagnosis/accepted_by.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

const IpAddress kAnyV4;
const IpAddress kAnyV6{.v6 = true};

}  // namespace

void AcceptedBy::Add(const SocketSample& listener) {
  if (dumped_.size() >= kMaxListeners) return;
  dumped_.insert({listener.local_ip, listener.local_port});
}

void AcceptedBy::End() {
  known_ = true;
  std::swap(open_, dumped_);
  for (const Endpoint& endpoint : open_) {
    if (last_on_port_.size() >= kMaxListeners && !last_on_port_.contains(endpoint.second)) continue;
    last_on_port_[endpoint.second] = EndpointText(endpoint.first, endpoint.second);
  }
}

AcceptedBy::Origin AcceptedBy::OriginOf(const IpAddress& local_ip, uint16_t local_port,
                                        const IpAddress& remote_ip, uint16_t remote_port,
                                        bool port_is_shared) const {
  // As the kernel looks a listener up: the very address first, then the wildcard. That of IPv6 may
  // take IPv4 too (a dual-stack socket).
  for (const IpAddress& ip : {local_ip, local_ip.v6 ? kAnyV6 : kAnyV4, kAnyV6}) {
    if (open_.contains({ip, local_port})) return {EndpointText(ip, local_port)};
  }
  const auto last = last_on_port_.find(local_port);
  if (last != last_on_port_.end()) return {last->second, /*listener_closed=*/true};
  if (port_is_shared) return {absl::StrCat("*:", local_port), /*listener_closed=*/true};
  return {absl::StrCat("upstream ", EndpointText(remote_ip, remote_port))};
}

}  // namespace tcpmedic
