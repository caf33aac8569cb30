#include "diagnosis/process_pile.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "diagnosis/full_span.h"
#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {
namespace {

bool OlderFirst(const ProcessPile::Socket* a, const ProcessPile::Socket* b) {
  return a->since != b->since ? a->since < b->since : a->key.cookie < b->key.cookie;
}

}  // namespace

std::string PeersText(const std::map<IpAddress, int64_t>& by_peer, size_t sockets) {
  std::vector<std::pair<IpAddress, int64_t>> most(by_peer.begin(), by_peer.end());
  std::stable_sort(most.begin(), most.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  most.resize(std::min(most.size(), ProcessPile::kMaxPeersNamed));
  std::string text;
  for (const auto& [ip, count] : most) {
    const double percent = 100.0 * static_cast<double>(count) / static_cast<double>(sockets);
    absl::StrAppend(&text, text.empty() ? "" : ", ", ip.ToString(), " ",
                    std::max<int64_t>(1, std::llround(percent)), " %");
  }
  return text;
}

void ProcessPile::BeginDump(Moment now) {
  now_ = now;
  ++scan_;
  accepted_by_.Begin();
}

bool ProcessPile::Add(const SocketSample& sample, bool may_add) {
  if (sample.state == TcpState::kListen) {
    accepted_by_.Add(sample);
    return true;
  }
  auto found = sockets_.find(sample.key.cookie);
  if (found == sockets_.end()) {
    if (!may_add) return false;
    found = sockets_.try_emplace(sample.key.cookie).first;
    Socket& socket = found->second;
    socket.key = sample.key;
    socket.local_ip = sample.local_ip;
    socket.local_port = sample.local_port;
    socket.remote_ip = sample.remote_ip;
    socket.remote_port = sample.remote_port;
    // The FIN carries an ACK, and unless the program still sends nothing follows it (tcp_ack()).
    const auto last_ack_ms = Info(sample, &tcp_info::tcpi_last_ack_recv);
    socket.since_seen = !last_ack_ms.has_value();
    socket.since = now_.uptime - absl::Milliseconds(last_ack_ms.value_or(0));
  }
  Socket& socket = found->second;
  socket.seen_scan = scan_;
  socket.inode = sample.inode;
  socket.eof_unread = sample.rqueue > 0;
  socket.unacknowledged = sample.wqueue > 0;
  const auto acked = Info(sample, &tcp_info::tcpi_bytes_acked);
  if (acked.has_value() && socket.bytes_acked.has_value() && *acked > *socket.bytes_acked) {
    socket.acked_at = now_.uptime;
  }
  socket.bytes_acked = acked;
  return true;
}

bool ProcessPile::WantsListeners(Moment now) const {
  return suspicious_ &&
         (!accepted_by_.known() || IsFull(now.uptime - listeners_shown_at_, 2 * spacing_));
}

void ProcessPile::EndDump(bool listeners_shown) {
  if (listeners_shown) {
    accepted_by_.End();
    listeners_shown_at_ = now_.uptime;
  }
  for (auto it = sockets_.begin(); it != sockets_.end();) {
    const Socket& socket = it->second;
    if (socket.seen_scan == scan_) {
      ++it;
      continue;
    }
    if (socket.counted >= 0) --counted_sockets_;
    if (socket.group.has_value()) {
      Tally& tally = tallies_[*socket.group];
      --tally.members;
      tally.run_began = next_reading();
      tally.left.push_back(now_.uptime);
    } else if (socket.counted >= 0 && socket.asked < 0) {
      run_of_all_began_ = next_reading();
    }
    sockets_.erase(it++);
  }
}

bool ProcessPile::ReadingIsDue(Moment now) const {
  return readings_.empty() || IsFull(now.uptime - readings_.back(), spacing_);
}

void ProcessPile::Count(Moment now) {
  const int64_t reading = next_reading();
  readings_.push_back(now.uptime);
  while (readings_.size() > kMaxReadings ||
         (readings_.size() > 2 && now.uptime - readings_[1] >= kRemembered)) {
    readings_.pop_front();
    ++first_reading_;
  }
  for (auto& [cookie, socket] : sockets_) {
    // Inode 0: it waits for accept() yet, and no process can close it.
    if (socket.counted >= 0 || socket.inode == 0) continue;
    if (!IsFull(now.uptime - socket.since, spacing_)) continue;
    socket.counted = reading;
    newest_counted_ = reading;
    ++counted_sockets_;
  }
}

std::optional<std::vector<ProcessPile::Group>> ProcessPile::Read(Moment now,
                                                                 HolderSource* holders) {
  Count(now);
  suspicious_ = watched_ || (counted_sockets_ >= kLeastSockets && newest_counted_ > first_reading_);
  // Without its listeners a server's connections would be taken for a client's. The next dump shows
  // them.
  if (!suspicious_ || holders == nullptr || !accepted_by_.known()) return std::nullopt;
  ForgetEnded(holders);
  AskForHolders(holders);

  std::vector<Group> groups;
  for (auto& [key, members] : Grouped()) {
    Tally& tally = tallies_[key];
    tally.members = static_cast<int64_t>(members.size());
    while (!tally.left.empty() && now.uptime - tally.left.front() >= window_) {
      tally.left.pop_front();
    }
    for (Socket* const member : members) member->group = key;
    if (tally.members < kLeastSockets && !watched_) continue;
    std::sort(members.begin(), members.end(), OlderFirst);
    Group group{key, ReadingOf(members, &tally, now), {members.begin(), members.end()}};
    group.reading.listener = key.listener;
    group.reading.listener_closed = origins_.at(key).listener_closed;
    groups.push_back(std::move(group));
  }
  return groups;
}

void ProcessPile::ForgetEnded(HolderSource* holders) {
  std::vector<ProcessKey> ended;
  for (const auto& [key, tally] : tallies_) {
    if (tally.members < kLeastSockets) continue;
    if (holders->Describe(key.process) == nullptr) ended.push_back(key.process);
  }
  if (ended.empty()) return;
  for (auto& [cookie, socket] : sockets_) {
    const bool was_held =
        std::any_of(socket.holders.begin(), socket.holders.end(), [&](const SocketHolder& holder) {
          return std::find(ended.begin(), ended.end(), holder.process) != ended.end();
        });
    if (!was_held) continue;
    socket.holders.clear();
    socket.asked = -1;
  }
}

void ProcessPile::AskForHolders(HolderSource* holders) {
  const int64_t reading = next_reading() - 1;
  std::vector<uint32_t> wanted;
  for (const auto& [cookie, socket] : sockets_) {
    if (socket.counted < 0 || !socket.holders.empty()) continue;
    if (socket.asked >= 0 && reading - socket.asked < kAskAgainAfter) continue;
    wanted.push_back(socket.inode);
  }
  if (wanted.empty()) return;
  const HoldersByInode found = holders->HoldersOf(wanted);
  for (auto& [cookie, socket] : sockets_) {
    if (socket.counted < 0 || !socket.holders.empty()) continue;
    const auto of_socket = found.find(socket.inode);
    if (of_socket == found.end()) continue;
    socket.asked = reading;
    socket.holders = of_socket->second;
    std::sort(socket.holders.begin(), socket.holders.end(),
              [](const SocketHolder& a, const SocketHolder& b) {
                return a.process != b.process ? a.process < b.process : a.fd < b.fd;
              });
    if (socket.holders.size() > kMaxHolders) socket.holders.resize(kMaxHolders);
  }
}

std::map<ProcessGroupKey, std::vector<ProcessPile::Socket*>> ProcessPile::Grouped() {
  absl::flat_hash_map<uint16_t, int64_t> on_port;
  for (const auto& [cookie, socket] : sockets_) ++on_port[socket.local_port];

  struct OfListener {
    AcceptedBy::Origin origin;
    std::vector<Socket*> sockets;
    absl::flat_hash_map<ProcessKey, int64_t> held_by;
  };
  std::map<std::string, OfListener> by_listener;
  for (auto& [cookie, socket] : sockets_) {
    socket.group.reset();
    if (socket.holders.empty()) continue;
    AcceptedBy::Origin origin =
        accepted_by_.OriginOf(socket.local_ip, socket.local_port, socket.remote_ip,
                              socket.remote_port, on_port[socket.local_port] > 1);
    OfListener& listener = by_listener[origin.text];
    listener.origin = std::move(origin);
    listener.sockets.push_back(&socket);
    for (size_t i = 0; i < socket.holders.size(); ++i) {
      // One socket may have several descriptors in one process.
      const ProcessKey& process = socket.holders[i].process;
      if (i == 0 || process != socket.holders[i - 1].process) ++listener.held_by[process];
    }
  }

  std::map<ProcessGroupKey, std::vector<Socket*>> groups;
  origins_.clear();
  for (auto& [text, listener] : by_listener) {
    for (Socket* const socket : listener.sockets) {
      const SocketHolder& owner = *std::max_element(
          socket->holders.begin(), socket->holders.end(),
          [&](const SocketHolder& a, const SocketHolder& b) {
            const int64_t held_by_a = listener.held_by[a.process];
            const int64_t held_by_b = listener.held_by[b.process];
            return held_by_a != held_by_b ? held_by_a < held_by_b : a.process > b.process;
          });
      const ProcessGroupKey key{owner.process, text};
      groups[key].push_back(socket);
      origins_[key] = listener.origin;
    }
  }
  for (auto it = tallies_.begin(); it != tallies_.end();) {
    it = groups.contains(it->first) ? std::next(it) : tallies_.erase(it);
  }
  return groups;
}

ProcessReading ProcessPile::ReadingOf(const std::vector<Socket*>& members, Tally* tally,
                                      Moment now) const {
  ProcessReading reading;
  reading.window = window_;
  reading.sockets = static_cast<int64_t>(members.size());
  reading.closed = static_cast<int64_t>(tally->left.size());
  reading.oldest = now.uptime - members.front()->since;
  reading.oldest_since_seen = members.front()->since_seen;
  int64_t unread_eof = 0;
  int64_t still_sending = 0;
  std::map<IpAddress, int64_t> by_peer;
  for (const Socket* const member : members) {
    if (member->eof_unread) ++unread_eof;
    if (member->unacknowledged || now.uptime - member->acked_at < window_) ++still_sending;
    ++by_peer[member->remote_ip];
  }
  reading.unread_eof = unread_eof;
  reading.still_sending = still_sending;
  reading.peers = PeersText(by_peer, members.size());
  reading.rise = RiseSince(members, std::max(tally->run_began, run_of_all_began_));
  return reading;
}

Rise ProcessPile::RiseSince(const std::vector<Socket*>& members, int64_t run_began) const {
  const int64_t first = std::max(run_began, first_reading_);
  std::vector<CountAt> counts;
  for (int64_t reading = first; reading < next_reading(); ++reading) {
    counts.push_back({readings_[static_cast<size_t>(reading - first_reading_)], 0});
  }
  if (counts.empty()) return {};
  for (const Socket* const member : members) {
    ++counts[static_cast<size_t>(std::max<int64_t>(member->counted - first, 0))].count;
  }
  for (size_t i = 1; i < counts.size(); ++i) counts[i].count += counts[i - 1].count;
  return RiseOf(counts);
}

int64_t ProcessPile::MembersOf(const ProcessGroupKey& key) const {
  const auto found = tallies_.find(key);
  return found == tallies_.end() ? 0 : found->second.members;
}

std::vector<const ProcessPile::Socket*> ProcessPile::Members(const ProcessGroupKey& key) const {
  std::vector<const Socket*> members;
  for (const auto& [cookie, socket] : sockets_) {
    if (socket.group == key) members.push_back(&socket);
  }
  std::sort(members.begin(), members.end(), OlderFirst);
  return members;
}

}  // namespace tcpmedic
