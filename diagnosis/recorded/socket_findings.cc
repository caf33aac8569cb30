#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/expr/template.h"
#include "diagnosis/recorded/findings.h"
#include "diagnosis/recorded/one_sample.h"
#include "diagnosis/socket_activity.h"
#include "diagnosis/socket_finding.h"
#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {
namespace {

constexpr int kMaxSocketsListed = 64;
// TCP_REORDERING_DEFAULT, net.ipv4.tcp_reordering: what every connection begins with.
constexpr uint32_t kReorderingAtStart = 3;

struct MatchingSocket {
  const RecordedSocket* socket = nullptr;
  SocketDelta lifetime;
  Judgement judgement;

  SocketReading reading() const { return {&socket->sample, &lifetime, socket->stated_bps}; }
};

v1::SocketRef RefOf(const SocketSample& sample) {
  v1::SocketRef ref;
  if (!Gathered::IsMadeUp(sample.key)) ref.set_cookie(sample.key.cookie);
  ref.mutable_local()->set_ip(sample.local_ip.ToString());
  ref.mutable_local()->set_port(sample.local_port);
  ref.mutable_remote()->set_ip(sample.remote_ip.ToString());
  ref.mutable_remote()->set_port(sample.remote_port);
  return ref;
}

// "9M" was good to two digits, and so is what is made of it.
void NameShortened(const RecordedSocket& socket, v1::Evidence* evidence) {
  for (const std::string& given : socket.shortened) {
    if (absl::StrContains(evidence->source(), given)) {
      evidence->set_basis(absl::StrCat(evidence->basis(), ", ", absl::StripPrefix(given, "tcpi_"),
                                       " as shortened by ss"));
    }
  }
}

std::vector<std::string> RemarksOn(const CompiledSignature& signature,
                                   const RecordedSocket& socket) {
  const SocketSample& sample = socket.sample;
  std::vector<std::string> remarks;
  const auto reordering = Info(sample, &tcp_info::tcpi_reordering);
  const auto retransmits = Info(sample, &tcp_info::tcpi_total_retrans);
  if (Reads(signature, SocketSchema(), "socket.retrans_ratio") && reordering.has_value() &&
      *reordering > kReorderingAtStart && retransmits.value_or(0) > 0) {
    const auto dsacks = Info(sample, &tcp_info::tcpi_dsack_dups);
    remarks.push_back(absl::StrCat(
        "reordering is ", *reordering, ", above the ", kReorderingAtStart,
        " that every connection begins with: segments have arrived out of order on this path, and "
        "some of the ",
        *retransmits, " retransmits may be that and no loss; ",
        dsacks.has_value() ? absl::StrCat("the peer reported ", *dsacks, " as needless (DSACK)")
                           : "DSACKs, which would tell, are not in this output"));
  }
  if (Reads(signature, SocketSchema(), "socket.cwnd") &&
      Info(sample, &tcp_info::tcpi_retrans).value_or(0) > 0) {
    remarks.emplace_back(
        "the sample was taken during loss recovery (segments sent again are in flight): the window "
        "is at a low point then, and wider between losses");
  }
  if (Reads(signature, SocketSchema(), "socket.unsent_ratio") && sample.wqueue == 0) {
    remarks.emplace_back(
        "Send-Q is 0 on that line: at that moment nothing waited to be sent or acknowledged, so "
        "that the program always has more to send is not shown");
  }
  if (Reads(signature, SocketSchema(), "socket.retrans_ratio")) {
    remarks.emplace_back(
        "one sample: the ratios are over the connection's life, and what it does now may differ");
  }
  return remarks;
}

RecordedFinding FindingOf(const CompiledSignature& signature,
                          const std::vector<MatchingSocket>& matches, const GroupReading& group) {
  const MatchingSocket& exemplar = matches.front();
  const RecordedSocket& socket = *exemplar.socket;
  const SocketReading reading = exemplar.reading();
  RecordedFinding found;
  v1::Finding& finding = found.finding;
  finding = BeginRecordedFinding(signature, GroupValues(signature, socket.sample));
  finding.set_verdict(signature.verdict.Render(VerdictActivation(reading, group)));
  for (const int slot : signature.evidence_slots) {
    v1::Evidence evidence = MakeEvidence(slot, reading, group);
    NameShortened(socket, &evidence);
    AddEvidence(std::move(evidence), {socket.place}, &finding);
  }
  AddNotShown(signature, exemplar.judgement, SocketSchema(), SocketActivation(reading), &finding);
  *finding.mutable_exemplar() = RefOf(socket.sample);
  finding.set_socket_count(static_cast<int32_t>(matches.size()));
  for (const MatchingSocket& match : matches) {
    if (finding.sockets_size() == kMaxSocketsListed) break;
    *finding.add_sockets() = RefOf(match.socket->sample);
  }
  for (const v1::Process& process : socket.processes) *finding.add_processes() = process;
  found.remarks = RemarksOn(signature, socket);
  return found;
}

}  // namespace

FoundBySignature FindInSockets(const CompiledSignature& given, const Gathered& gathered) {
  const CompiledSignature& signature = ForOneSample(given);
  SocketActivity activity(signature);
  std::map<std::string, std::vector<MatchingSocket>> groups;
  for (const RecordedSocket& socket : gathered.sockets()) {
    MatchingSocket match{&socket, OverLifetime(socket.sample), {}};
    const SocketReading reading = match.reading();
    match.judgement = JudgeOneSample(signature, SocketActivation(reading));
    activity.Count(match.judgement, reading);
    if (match.judgement.kind != Judgement::Kind::kMatch) continue;
    activity.CountSuspect();
    groups[GroupLine(signature, GroupValues(signature, socket.sample))].push_back(match);
  }
  FoundBySignature found;
  for (auto& [line, matches] : groups) {
    // The one that has moved most tells most.
    const auto bytes = [](const MatchingSocket& match) {
      return match.lifetime.bytes_acked.value_or(0);
    };
    std::stable_sort(
        matches.begin(), matches.end(),
        [&](const MatchingSocket& a, const MatchingSocket& b) { return bytes(a) > bytes(b); });
    static const int goodput = SocketSchema().Find("socket.goodput_bps").value();
    GroupReading group;
    group.count = static_cast<int64_t>(matches.size());
    for (const MatchingSocket& match : matches) {
      const SocketReading reading = match.reading();
      const expr::Value bps = SocketActivation(reading).Get(goodput);
      if (bps.is_known()) group.goodput_bps = group.goodput_bps.value_or(0) + bps.as_double();
    }
    if (signature.when.has_value() && !signature.when->Evaluate(GroupActivation(group)).is_true()) {
      continue;
    }
    found.findings.push_back(FindingOf(signature, matches, group));
  }
  found.activity = activity.Report();
  return found;
}

}  // namespace tcpmedic
