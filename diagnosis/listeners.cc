#include "diagnosis/listeners.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

const IpAddress kAnyV4;
const IpAddress kAnyV6{.v6 = true};

// How many half-open connections one listening socket takes. With cookies (1: when the queue is
// full; 2: always) only inet_csk_reqsk_queue_is_full() asks, which compares with the backlog alone.
// Without, tcp_conn_request() (net/ipv4/tcp_input.c) also keeps the last quarter of
// tcp_max_syn_backlog for peers that are known to be alive: it drops a SYN where
// max_syn_backlog - queue_len < max_syn_backlog >> 2.
std::optional<int64_t> SynQueueLimit(int64_t backlog, const NetnsPoint* settings) {
  if (settings == nullptr) return std::nullopt;
  const auto cookies = (*settings)[NetnsSetting::kTcpSyncookies];
  if (!cookies.has_value()) return std::nullopt;
  if (*cookies != 0) return backlog;
  const auto max_syn_backlog = (*settings)[NetnsSetting::kTcpMaxSynBacklog];
  if (!max_syn_backlog.has_value()) return std::nullopt;
  return std::min(backlog, *max_syn_backlog - (*max_syn_backlog >> 2));
}

// Relative to the limit where it is known, else to the backlog, which is never less.
double Pressure(const Listener& listener) {
  const int64_t limit = listener.syn_queue_limit.value_or(listener.backlog);
  return static_cast<double>(listener.syn_recv_sockets) /
         static_cast<double>(std::max<int64_t>(limit, 1));
}

IpPrefix WidePrefixOf(const IpAddress& ip) {
  IpPrefix prefix{ip, ip.v6 ? 32 : 16};
  std::fill(prefix.address.bytes.begin() + prefix.length / 8, prefix.address.bytes.end(), 0);
  return prefix;
}

}  // namespace

void Listeners::Clear() {
  sockets_.clear();
  half_open_.clear();
  seen_.clear();
  not_kept_ = 0;
}

void Listeners::Add(const SocketSample& sample) {
  if ((MaskOf(sample.state) & kStates) == 0) return;
  const bool listens = sample.state == TcpState::kListen;
  if (listens ? sockets_.size() >= kMaxListeners : half_open_.size() >= kMaxHalfOpen) {
    if (!listens && !seen_.contains(sample.key.cookie)) ++not_kept_;
    return;
  }
  if (!seen_.insert(sample.key.cookie).second) return;
  const Endpoint local{sample.local_ip, sample.local_port};
  if (listens) {
    sockets_.push_back({sample.key, local, sample.inode, sample.wqueue, sample.rqueue});
  } else {
    half_open_.push_back({local, sample.remote_ip});
  }
}

ListenersSeen Listeners::Count(const NetnsPoint* settings) const {
  std::map<Endpoint, Listener> listeners;
  for (const Socket& socket : sockets_) {
    Listener& listener = listeners[socket.local];
    const bool is_first = listener.key.cookie == 0 || socket.key.cookie < listener.key.cookie;
    if (is_first) listener.key = socket.key;
    listener.local_ip = socket.local.ip;
    listener.local_port = socket.local.port;
    if (socket.inode != 0 && listener.inodes.size() < kMaxInodes) {
      listener.inodes.push_back(socket.inode);
    }
    listener.backlog += socket.backlog;
    listener.accept_queue += socket.accept_queue;
    // Each socket has a limit of its own.
    const auto limit = SynQueueLimit(socket.backlog, settings);
    if (limit.has_value()) {
      listener.syn_queue_limit = listener.syn_queue_limit.value_or(0) + *limit;
    }
  }

  // As the kernel looks a listener up: the very address first, then the wildcard. That of IPv6 may
  // take IPv4 too (a dual-stack socket).
  const auto listener_of = [&listeners](const Endpoint& local) -> Listener* {
    for (const IpAddress& ip : {local.ip, local.ip.v6 ? kAnyV6 : kAnyV4, kAnyV6}) {
      const auto found = listeners.find({ip, local.port});
      if (found != listeners.end()) return &found->second;
    }
    return nullptr;
  };
  absl::flat_hash_map<Endpoint, std::vector<const HalfOpen*>> by_local;
  for (const HalfOpen& half_open : half_open_) by_local[half_open.local].push_back(&half_open);
  std::map<const Listener*, std::vector<const HalfOpen*>> by_listener;
  for (const auto& [local, half_open] : by_local) {
    Listener* const listener = listener_of(local);
    if (listener == nullptr) continue;  // it was closed since
    listener->syn_recv_sockets += static_cast<int64_t>(half_open.size());
    std::vector<const HalfOpen*>& all = by_listener[listener];
    all.insert(all.end(), half_open.begin(), half_open.end());
  }

  ListenersSeen seen;
  seen.syn_recv_sockets = static_cast<int64_t>(half_open_.size()) + not_kept_;
  Listener* most_pressed = listeners.size() == 1 ? &listeners.begin()->second : nullptr;
  for (auto& [local, listener] : listeners) {
    if (listener.syn_recv_sockets == 0) continue;
    if (most_pressed == nullptr || Pressure(listener) > Pressure(*most_pressed)) {
      most_pressed = &listener;
    }
  }
  if (most_pressed != nullptr) {
    most_pressed->address = EndpointText(most_pressed->local_ip, most_pressed->local_port);
    DescribeSources(by_listener[most_pressed], most_pressed);
    seen.most_pressed = std::move(*most_pressed);
  }
  return seen;
}

void Listeners::DescribeSources(const std::vector<const HalfOpen*>& half_open,
                                Listener* listener) const {
  absl::flat_hash_set<IpAddress> sources;
  std::map<IpAddress, int64_t> by_prefix;
  for (const HalfOpen* const connection : half_open) {
    sources.insert(connection->remote_ip);
    ++by_prefix[WidePrefixOf(connection->remote_ip).address];
  }
  listener->sources = static_cast<int64_t>(sources.size());
  std::vector<std::pair<IpAddress, int64_t>> most(by_prefix.begin(), by_prefix.end());
  std::stable_sort(most.begin(), most.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  most.resize(std::min(most.size(), kMaxPrefixesNamed));
  for (const auto& [ip, count] : most) {
    const double percent = 100.0 * static_cast<double>(count) / half_open.size();
    absl::StrAppend(&listener->top_sources, listener->top_sources.empty() ? "" : ", ",
                    ip.ToString(), "/", WidePrefixOf(ip).length, " ",
                    std::max<int64_t>(1, std::llround(percent)), " %");
  }
}

}  // namespace tcpmedic
