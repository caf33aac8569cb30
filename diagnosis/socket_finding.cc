#include "diagnosis/socket_finding.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/expr/template.h"
#include "diagnosis/measurement.h"

namespace tcpmedic {
namespace {

v1::SocketRef RefOf(const SocketSample& sample) {
  v1::SocketRef ref;
  ref.set_cookie(sample.key.cookie);
  ref.set_netns_cookie(sample.key.netns_cookie);
  ref.mutable_local()->set_ip(sample.local_ip.ToString());
  ref.mutable_local()->set_port(sample.local_port);
  ref.mutable_remote()->set_ip(sample.remote_ip.ToString());
  ref.mutable_remote()->set_port(sample.remote_port);
  return ref;
}

// Lists each look-alike that could not be ruled out for some socket.
void AddNotShown(const CompiledSignature& signature, const std::vector<const Match*>& matches,
                 v1::Finding* finding) {
  for (size_t i = 0; i < signature.look_alikes.size(); ++i) {
    const auto unknown = std::find_if(matches.begin(), matches.end(), [i](const Match* match) {
      return (match->unknown_look_alikes >> i & 1) != 0;
    });
    if (unknown == matches.end()) continue;
    const SocketReading reading = (*unknown)->reading();
    AddNotShown(signature.look_alikes[i], SocketSchema(), SocketActivation(reading), finding);
  }
}

}  // namespace

std::vector<std::string> GroupValues(const CompiledSignature& signature,
                                     const SocketSample& sample) {
  std::vector<std::string> values;
  const SocketReading reading{&sample, nullptr};
  const SocketActivation activation(reading);
  for (const GroupComponent& component : signature.group_by) {
    values.push_back(component.slot.has_value() ? expr::ToText(activation.Get(*component.slot))
                                                : absl::StrCat(sample.key.netns_cookie));
  }
  return values;
}

GroupReading ReadGroup(const std::vector<const Match*>& matches) {
  static const int goodput = SocketSchema().Find("socket.goodput_bps").value();
  GroupReading group;
  group.count = static_cast<int64_t>(matches.size());
  for (const Match* const match : matches) {
    const SocketReading reading = match->reading();
    const expr::Value bps = SocketActivation(reading).Get(goodput);
    if (bps.is_known()) group.goodput_bps = group.goodput_bps.value_or(0) + bps.as_double();
  }
  return group;
}

v1::Finding BuildFinding(const CompiledSignature& signature, const GroupFacts& facts,
                         int max_sockets) {
  const Match& exemplar = *facts.matches.front();
  const SocketReading reading = exemplar.reading();
  const GroupReading group = ReadGroup(facts.matches);

  v1::Finding finding =
      BeginFinding(signature, GroupValues(signature, exemplar.sample), *facts.life, facts.now);
  *finding.mutable_netns() = facts.netns;
  finding.set_verdict(signature.verdict.Render(VerdictActivation(reading, group)));
  for (const int slot : signature.evidence_slots) {
    *finding.add_evidence() = MakeEvidence(slot, reading, group);
  }
  AddNotShown(signature, facts.matches, &finding);
  SetConfidence(&finding);
  *finding.mutable_exemplar() = RefOf(exemplar.sample);
  ListSockets(facts.matches, max_sockets, &finding);
  *finding.mutable_before() = Measure(facts.histories, exemplar.sample.cc(), facts.now);
  if (exemplar.last.uptime != facts.now.uptime) MarkAsOfLastMatch(&finding);
  return finding;
}

void ListSockets(const std::vector<const Match*>& matches, int max_sockets, v1::Finding* finding) {
  finding->clear_sockets();
  finding->set_socket_count(static_cast<int32_t>(matches.size()));
  for (const Match* const match : matches) {
    if (finding->sockets_size() == max_sockets) break;
    *finding->add_sockets() = RefOf(match->sample);
  }
}

}  // namespace tcpmedic
