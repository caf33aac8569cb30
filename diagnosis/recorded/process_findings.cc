#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "diagnosis/accepted_by.h"
#include "diagnosis/process_activity.h"
#include "diagnosis/process_pile.h"
#include "diagnosis/process_schema.h"
#include "diagnosis/recorded/findings.h"
#include "diagnosis/recorded/one_sample.h"
#include "diagnosis/recorded/remarks.h"
#include "diagnosis/socket_schema.h"
#include "diagnosis/tcp_info_reading.h"
#include "observe/recorded/tcp_state_name.h"

namespace tcpmedic {
namespace {

constexpr int kMaxSocketsListed = 64;

struct Group {
  int pid = 0;  // 0: not known
  std::string listener;
  std::optional<bool> listener_closed;
  std::vector<const RecordedSocket*> members;
  const RecordedCount* count = nullptr;  // a mere number instead of members
};

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
        listeners_shown_ = true;
        continue;
      }
      ++on_port_[socket.sample.local_port];
      if (!Passes(signature, socket.sample)) continue;
      passing_.push_back(&socket);
      for (const v1::Process& process : socket.processes) ++held_by_[process.pid()];
    }
    accepted_by_.End();
  }

  std::vector<Group> Groups() const {
    if (const RecordedCount* const count = LargestCount()) {
      if (SocketsOf(*count) > static_cast<int64_t>(passing_.size())) {
        Group group;
        group.count = count;
        return {group};
      }
    }
    std::map<std::pair<int, std::string>, Group> groups;
    for (const RecordedSocket* const socket : passing_) {
      Group placed = PlaceOf(*socket);
      Group& group = groups.try_emplace({placed.pid, placed.listener}, placed).first->second;
      group.members.push_back(socket);
    }
    std::vector<Group> all;
    for (auto& [key, group] : groups) all.push_back(std::move(group));
    return all;
  }
  int64_t passing() const { return static_cast<int64_t>(passing_.size()); }

 private:
  const RecordedCount* LargestCount() const {
    const RecordedCount* largest = nullptr;
    for (const RecordedCount& count : gathered_.counts()) {
      if (!Passes(signature_, count)) continue;
      if (largest == nullptr || SocketsOf(count) > SocketsOf(*largest)) largest = &count;
    }
    return largest;
  }

  Group PlaceOf(const RecordedSocket& socket) const {
    Group group;
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
    // Where no listener was listed, none is known to be closed.
    if (listeners_shown_) group.listener_closed = origin.listener_closed;
    return group;
  }

  const CompiledSignature& signature_;
  const Gathered& gathered_;
  AcceptedBy accepted_by_;
  bool listeners_shown_ = false;
  absl::flat_hash_map<uint16_t, int64_t> on_port_;
  absl::flat_hash_map<int, int64_t> held_by_;
  std::vector<const RecordedSocket*> passing_;
};

ProcessReading ReadingOf(const Group& group, const v1::Process* process) {
  ProcessReading reading;
  reading.process = process;
  reading.listener = group.listener;
  reading.listener_closed = group.listener_closed;
  if (group.count != nullptr) {
    reading.sockets = SocketsOf(*group.count);
    return reading;
  }
  reading.sockets = static_cast<int64_t>(group.members.size());
  int64_t unread_eof = 0;
  int64_t unacknowledged = 0;
  bool all_ages_known = true;
  absl::Duration oldest;
  std::map<IpAddress, int64_t> by_peer;
  for (const RecordedSocket* const member : group.members) {
    const SocketSample& sample = member->sample;
    if (sample.rqueue > 0) ++unread_eof;
    if (sample.wqueue > 0) ++unacknowledged;
    ++by_peer[sample.remote_ip];
    const auto last_ack_ms = Info(sample, &tcp_info::tcpi_last_ack_recv);
    all_ages_known = all_ages_known && last_ack_ms.has_value();
    oldest = std::max(oldest, absl::Milliseconds(last_ack_ms.value_or(0)));
  }
  reading.unread_eof = unread_eof;
  // What waits to be acknowledged is being sent; who sends now and then is not shown, so fewer than
  // half of them say nothing.
  if (2 * unacknowledged >= reading.sockets) reading.still_sending = unacknowledged;
  if (all_ages_known) reading.oldest = oldest;
  reading.peers = PeersText(by_peer, group.members.size());
  return reading;
}

// What ss -p and ps say of it, together.
v1::Process ProcessOf(int pid, const Group& group, const Gathered& gathered,
                      const RecordedProcess** listed) {
  v1::Process process;
  for (const RecordedSocket* const member : group.members) {
    for (const v1::Process& holder : member->processes) {
      if (holder.pid() == pid && process.pid() == 0) process = holder;
    }
  }
  *listed = nullptr;
  for (const RecordedProcess& recorded : gathered.processes()) {
    if (recorded.process.pid() != pid) continue;
    *listed = &recorded;
    const std::string comm = process.comm();
    process.MergeFrom(recorded.process);
    if (!comm.empty()) process.set_comm(comm);
  }
  return process;
}

v1::SocketRef RefOf(const SocketSample& sample) {
  v1::SocketRef ref;
  if (!Gathered::IsMadeUp(sample.key)) ref.set_cookie(sample.key.cookie);
  ref.mutable_local()->set_ip(sample.local_ip.ToString());
  ref.mutable_local()->set_port(sample.local_port);
  ref.mutable_remote()->set_ip(sample.remote_ip.ToString());
  ref.mutable_remote()->set_port(sample.remote_port);
  return ref;
}

std::vector<std::string> RemarksOn(const CompiledSignature& signature, const Group& group,
                                   const Gathered& gathered) {
  std::vector<std::string> remarks;
  if (!signature.definition.one_sample().when().empty()) {
    remarks.emplace_back(
        "one sample shows no trend: that they become more is not shown; count them again after "
        "some minutes");
  }
  if (group.count != nullptr && group.count->counts_header) {
    remarks.push_back(HeaderRemark(*group.count));
  }
  if (group.count != nullptr && group.count->only_some) {
    remarks.push_back(OnlySomeRemark(*group.count));
  }
  if (group.count != nullptr) {
    remarks.emplace_back(
        "a number says neither whose sockets they are nor whether the end of file was read; `ss "
        "-tanp state close-wait`, as root, tells both (Recv-Q)");
  }
  for (std::string& remark : RemarksOnProcesses(gathered, group.pid)) {
    remarks.push_back(std::move(remark));
  }
  return remarks;
}

}  // namespace

FoundBySignature FindInProcesses(const CompiledSignature& given, const Gathered& gathered) {
  const CompiledSignature& signature = ForOneSample(given);
  const Grouping grouping(signature, gathered);
  ProcessActivity activity(signature);
  activity.CountSuspects(grouping.passing());
  FoundBySignature found;
  for (const Group& group : grouping.Groups()) {
    const RecordedProcess* listed = nullptr;
    v1::Process process;
    if (group.pid != 0) process = ProcessOf(group.pid, group, gathered, &listed);
    const ProcessReading reading = ReadingOf(group, group.pid == 0 ? nullptr : &process);
    const ProcessActivation activation(reading);
    const Judgement judgement = JudgeOneSample(signature, activation);
    activity.Count(judgement, reading.sockets, StopText(signature, judgement, reading));
    if (judgement.kind != Judgement::Kind::kMatch) continue;

    RecordedFinding& added = found.findings.emplace_back();
    v1::Finding& finding = added.finding;
    finding = BeginRecordedFinding(
        signature, {group.pid == 0 ? "not known" : absl::StrCat(group.pid), group.listener});
    finding.set_verdict(signature.verdict.Render(activation));
    std::vector<int> slots = signature.evidence_slots;
    for (int slot = 0; slot < ProcessSchema().size(); ++slot) {
      const bool named = std::find(slots.begin(), slots.end(), slot) != slots.end();
      if (!named && activation.Get(slot).is_known()) slots.push_back(slot);
    }
    for (const int slot : slots) {
      v1::Evidence* const evidence = finding.add_evidence();
      *evidence = MakeEvidence(slot, reading);
      // What /proc would say was read from ps, if at all.
      const bool of_program = evidence->source().rfind("/proc", 0) == 0;
      if (of_program && listed != nullptr) {
        AddPlaces({listed->place}, evidence);
      } else {
        AddPlaces({group.count != nullptr ? group.count->place : group.members.front()->place},
                  evidence);
      }
    }
    AddNotShown(signature, judgement, ProcessSchema(), activation, &finding);
    finding.set_confidence(v1::CONFIDENCE_LIKELY);
    finding.set_socket_count(static_cast<int32_t>(reading.sockets));
    for (const RecordedSocket* const member : group.members) {
      if (finding.sockets_size() == kMaxSocketsListed) break;
      *finding.add_sockets() = RefOf(member->sample);
    }
    if (!group.members.empty()) *finding.mutable_exemplar() = RefOf(group.members.front()->sample);
    if (group.pid != 0) *finding.add_processes() = process;
    added.remarks = RemarksOn(signature, group, gathered);
  }
  found.activity = activity.Report();
  return found;
}

}  // namespace tcpmedic
