#include "diagnosis/recorded/process_groups.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "diagnosis/accepted_by.h"
#include "diagnosis/recorded/remarks.h"
#include "diagnosis/socket_schema.h"
#include "observe/recorded/tcp_state_name.h"

namespace tcpmedic {
namespace {

bool Passes(const CompiledSignature& signature, const SocketSample& sample) {
  const SocketReading reading{&sample, nullptr};
  const SocketActivation activation(reading);
  return std::all_of(
      signature.of_sockets.begin(), signature.of_sockets.end(),
      [&](const Conjunct& conjunct) { return conjunct.expression.Evaluate(activation).is_true(); });
}

// Of a number nothing but the state is known: it passes where nothing else is asked.
bool Passes(const CompiledSignature& signature, const RecordedCount& count) {
  static const int state_slot = SocketSchema().Find("socket.state").value();
  const std::optional<TcpState> state = TcpStateOfName(count.state);
  if (!state.has_value() || Name(*state) != count.state) return false;
  for (const Conjunct& conjunct : signature.of_sockets) {
    for (const int slot : conjunct.expression.slots()) {
      if (slot != state_slot) return false;
    }
  }
  SocketSample sample;
  sample.state = *state;
  return Passes(signature, sample);
}

class Grouping {
 public:
  Grouping(const CompiledSignature& signature, const Gathered& gathered)
      : signature_(signature), gathered_(gathered) {
    accepted_by_.Begin();
    for (const RecordedSocket& socket : gathered.sockets()) {
      if (socket.sample.state == TcpState::kListen) {
        accepted_by_.Add(socket.sample);
        if (!socket.only_some) listeners_shown_ = true;
        continue;
      }
      ++on_port_[socket.sample.local_port];
      if (!Passes(signature, socket.sample)) continue;
      passing_.push_back(&socket);
      if (!socket.only_some) all_shown_ = true;
      for (const v1::Process& process : socket.processes) ++held_by_[process.pid()];
    }
    accepted_by_.End();
  }

  ProcessGroups Groups() const {
    ProcessGroups all;
    all.shown = static_cast<int64_t>(passing_.size());
    if (const RecordedCount* const count = LargestCount()) {
      // Where all were listed, a few that came or went meanwhile are no reason to forget them.
      const int64_t meanwhile = all_shown_ ? all.shown / kMovesMeanwhile : 0;
      if (SocketsOf(*count) > all.shown + meanwhile) {
        all.groups.push_back(Counted(*count));
        return all;
      }
    }
    std::map<std::pair<int, std::string>, ProcessGroup> groups;
    for (const RecordedSocket* const socket : passing_) {
      ProcessGroup placed = PlaceOf(*socket);
      ProcessGroup& group = groups.try_emplace({placed.pid, placed.listener}, placed).first->second;
      group.shown.push_back(socket);
    }
    for (auto& [key, group] : groups) all.groups.push_back(std::move(group));
    return all;
  }

 private:
  const RecordedCount* LargestCount() const {
    const RecordedCount* largest = nullptr;
    for (const RecordedCount& count : gathered_.counts()) {
      if (!Passes(signature_, count)) continue;
      if (largest == nullptr || SocketsOf(count) > SocketsOf(*largest)) largest = &count;
    }
    return largest;
  }

  ProcessGroup Counted(const RecordedCount& count) const {
    ProcessGroup group;
    group.count = &count;
    group.shown = passing_;
    bool holders_agree = true;
    bool listeners_agree = true;
    for (const RecordedSocket* const socket : passing_) {
      const ProcessGroup placed = PlaceOf(*socket);
      if (placed.pid != 0) {
        if (group.pid == 0) group.pid = placed.pid;
        if (group.pid != placed.pid) holders_agree = false;
      } else if (socket->holders_asked) {
        holders_agree = false;
      }
      if (socket == passing_.front()) {
        group.listener = placed.listener;
        group.listener_closed = placed.listener_closed;
      }
      if (group.listener != placed.listener) listeners_agree = false;
    }
    if (!holders_agree) group.pid = 0;
    // Few show no other connection on their port: that they are the program's own is a guess then.
    if (!listeners_agree || absl::StartsWith(group.listener, "upstream ")) {
      group.listener.clear();
      group.listener_closed.reset();
    }
    return group;
  }

  ProcessGroup PlaceOf(const RecordedSocket& socket) const {
    ProcessGroup group;
    // Of several holders (forks share sockets) the one that holds most; of those the first.
    for (const v1::Process& process : socket.processes) {
      if (group.pid == 0 || held_by_.at(process.pid()) > held_by_.at(group.pid)) {
        group.pid = process.pid();
      }
    }
    const SocketSample& sample = socket.sample;
    const bool port_is_shared = on_port_.at(sample.local_port) > 1;
    const AcceptedBy::Origin origin = accepted_by_.OriginOf(
        sample.local_ip, sample.local_port, sample.remote_ip, sample.remote_port, port_is_shared);
    group.listener = origin.text;
    // Where no listener was listed, or not all were, none is known to be closed.
    if (listeners_shown_ || !origin.listener_closed) group.listener_closed = origin.listener_closed;
    return group;
  }

  const CompiledSignature& signature_;
  const Gathered& gathered_;
  AcceptedBy accepted_by_;
  bool listeners_shown_ = false;  // all of them
  bool all_shown_ = false;        // some command has listed all that pass
  absl::flat_hash_map<uint16_t, int64_t> on_port_;
  absl::flat_hash_map<int, int64_t> held_by_;
  std::vector<const RecordedSocket*> passing_;
};

}  // namespace

int64_t ProcessGroup::sockets() const {
  return count != nullptr ? SocketsOf(*count) : static_cast<int64_t>(shown.size());
}

bool ProcessGroup::at_least() const {
  if (count != nullptr) return count->only_some;
  return std::all_of(shown.begin(), shown.end(),
                     [](const RecordedSocket* socket) { return socket->only_some; });
}

ProcessGroups GroupByProcess(const CompiledSignature& signature, const Gathered& gathered) {
  return Grouping(signature, gathered).Groups();
}

}  // namespace tcpmedic
