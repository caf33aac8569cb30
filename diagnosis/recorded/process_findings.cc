#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/ip_address.h"
#include "diagnosis/process_activity.h"
#include "diagnosis/process_pile.h"
#include "diagnosis/process_schema.h"
#include "diagnosis/recorded/findings.h"
#include "diagnosis/recorded/one_sample.h"
#include "diagnosis/recorded/process_groups.h"
#include "diagnosis/recorded/remarks.h"
#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {
namespace {

constexpr int kMaxSocketsListed = 64;
constexpr int kMaxFdsListed = 8;

ProcessReading ReadingOf(const ProcessGroup& group, const v1::Process* process) {
  ProcessReading reading;
  reading.process = process;
  reading.listener = group.listener;
  reading.listener_closed = group.listener_closed;
  reading.sockets = group.sockets();
  if (group.count != nullptr) return reading;
  int64_t unread_eof = 0;
  int64_t unacknowledged = 0;
  bool all_ages_known = true;
  absl::Duration oldest;
  std::map<IpAddress, int64_t> by_peer;
  for (const RecordedSocket* const member : group.shown) {
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
  reading.peers = PeersText(by_peer, group.shown.size());
  return reading;
}

// What ss -p and ps say of it, together.
v1::Process ProcessOf(int pid, const ProcessGroup& group, const Gathered& gathered,
                      const RecordedProcess** listed) {
  v1::Process process;
  for (const RecordedSocket* const member : group.shown) {
    for (const v1::Process& holder : member->processes) {
      if (holder.pid() != pid) continue;
      if (process.pid() == 0) {
        process = holder;
        process.clear_fds();
      }
      for (const int fd : holder.fds()) {
        if (process.fds_size() < kMaxFdsListed) process.add_fds(fd);
      }
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

// Where a piece of evidence was read: `listed` is the line of ps, null where there is none.
Place PlaceOf(const v1::Evidence& evidence, const ProcessGroup& group, const Gathered& gathered,
              const RecordedProcess* listed) {
  const std::string& name = evidence.name();
  if (group.count != nullptr && name == "process.sockets") return group.count->place;
  if (name == "process.listener" || name == "process.listener_closed") {
    for (const RecordedSocket& socket : gathered.sockets()) {
      const SocketSample& sample = socket.sample;
      if (sample.state == TcpState::kListen &&
          EndpointText(sample.local_ip, sample.local_port) == group.listener) {
        return socket.place;
      }
    }
  }
  // ss has told which process it is; ps tells more of it.
  const bool of_holder = name == "process.pid" || name == "process.comm";
  const bool of_program = evidence.source().rfind("/proc", 0) == 0;
  if (of_program && !of_holder && listed != nullptr) return listed->place;
  for (const RecordedSocket* const socket : group.shown) {
    if (!of_program || !socket->processes.empty()) return socket->place;
  }
  return group.count != nullptr ? group.count->place : group.shown.front()->place;
}

// What the few tell that are shown, and that it is a conclusion from few.
std::string RemarkOnShown(const ProcessGroup& group, const v1::Process& process) {
  int64_t held = 0, read = 0;
  for (const RecordedSocket* const socket : group.shown) {
    if (!socket->processes.empty()) ++held;
    if (socket->sample.rqueue == 0) ++read;
  }
  const int64_t shown = static_cast<int64_t>(group.shown.size());
  std::string whose = ", without their holder";
  if (group.pid != 0) {
    const std::string holder = absl::StrCat(process.comm(), "'s (pid ", group.pid, ")");
    whose = held == shown
                ? absl::StrCat(", and all are ", holder)
                : absl::StrCat(", and the ", held, " whose holder is named are all ", holder);
  } else if (held > 0) {
    whose = ", and they are not all of one process";
  }
  std::string how = ", Recv-Q 0: the program has read the end of file and not called close()";
  if (read == 0) {
    how = ", Recv-Q 1 or more: the program has not read the end of file";
  } else if (read < shown) {
    how = absl::StrCat(", Recv-Q 0 on ", read, " (the end of file was read) and more on ",
                       shown - read, " (it was not)");
  }
  return absl::StrCat(shown, " of ", group.sockets(), shown == 1 ? " is" : " are", " shown", whose,
                      how, ". Most likely the rest is like them; it is not shown");
}

std::vector<std::string> RemarksOn(const CompiledSignature& signature, const ProcessGroup& group,
                                   const v1::Process& process, const Gathered& gathered) {
  std::vector<std::string> remarks;
  if (!signature.definition.one_sample().when().empty()) {
    remarks.emplace_back(
        "one sample shows no trend: that they become more is not shown; count them again after "
        "some minutes");
  }
  if (group.count != nullptr) {
    if (group.count->counts_header) remarks.push_back(HeaderRemark(*group.count));
    if (group.count->only_some) remarks.push_back(OnlySomeRemark(*group.count));
    if (!group.shown.empty()) remarks.push_back(RemarkOnShown(group, process));
    if (group.pid == 0) {
      remarks.emplace_back(
          group.shown.empty()
              ? "a number says neither whose sockets they are nor whether the end of file was "
                "read; `ss -tanp state close-wait`, as root, tells both (Recv-Q)"
              : "`ss -tanp state close-wait`, as root, tells whose they all are");
    }
  } else if (group.at_least()) {
    remarks.push_back(absl::StrCat(
        "the command shows only a part of the sockets, those that its filter or the pipe lets "
        "through: there are at least ",
        group.sockets(), " (", PlaceText(group.shown.front()->place), ")"));
  }
  for (std::string& remark : RemarksOnProcesses(gathered, group.pid)) {
    remarks.push_back(std::move(remark));
  }
  return remarks;
}

}  // namespace

FoundBySignature FindInProcesses(const CompiledSignature& given, const Gathered& gathered) {
  const CompiledSignature& signature = ForOneSample(given);
  const ProcessGroups groups = GroupByProcess(signature, gathered);
  ProcessActivity activity(signature);
  activity.CountSuspects(groups.shown);
  FoundBySignature found;
  for (const ProcessGroup& group : groups.groups) {
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
      v1::Evidence evidence = MakeEvidence(slot, reading);
      const Place place = PlaceOf(evidence, group, gathered, listed);
      if (group.count != nullptr && evidence.name() == "process.sockets") {
        evidence.set_source(SourceOf(*group.count, gathered));
      } else if (evidence.name() == "process.pid" || evidence.name() == "process.comm") {
        // By which alone a process is tied to sockets; netstat names no descriptor.
        evidence.set_source(process.fds().empty() ? "netstat PID/Program name" : "ss users:(…)");
      }
      AddEvidence(std::move(evidence), {place}, &finding);
    }
    AddNotShown(signature, judgement, ProcessSchema(), activation, &finding);
    finding.set_confidence(v1::CONFIDENCE_LIKELY);
    finding.set_socket_count(static_cast<int32_t>(reading.sockets));
    for (const RecordedSocket* const member : group.shown) {
      if (finding.sockets_size() == kMaxSocketsListed) break;
      *finding.add_sockets() = RefOf(member->sample);
    }
    if (!group.shown.empty()) *finding.mutable_exemplar() = RefOf(group.shown.front()->sample);
    if (group.pid != 0) *finding.add_processes() = process;
    added.remarks = RemarksOn(signature, group, process, gathered);
  }
  found.activity = activity.Report();
  return found;
}

}  // namespace tcpmedic
