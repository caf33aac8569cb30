#include "diagnosis/finding_builder.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/expr/template.h"
#include "diagnosis/measurement.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr absl::string_view kOfLastMatch = ", at the last match";

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

// Lists each look-alike that could not be ruled out for some socket, with what was missing there.
void AddNotShown(const CompiledSignature& signature, const std::vector<const Match*>& matches,
                 v1::Finding* finding) {
  for (size_t i = 0; i < signature.look_alikes.size(); ++i) {
    const auto unknown = std::find_if(matches.begin(), matches.end(), [i](const Match* match) {
      return (match->unknown_look_alikes >> i & 1) != 0;
    });
    if (unknown == matches.end()) continue;
    const LookAlike& look_alike = signature.look_alikes[i];
    v1::NotShown* const not_shown = finding->add_not_shown();
    not_shown->set_look_alike(look_alike.name);
    not_shown->set_expression(look_alike.expression.text());
    const SocketReading reading = (*unknown)->reading();
    const expr::Value value = look_alike.expression.Evaluate(SocketActivation(reading));
    if (!value.is_unknown()) continue;  // an error of arithmetic: nothing was missing
    for (const int slot : value.missing().slots()) {
      not_shown->add_missing(std::string(SocketAttributes()[slot].name));
    }
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

std::string GroupLine(const CompiledSignature& signature, const std::vector<std::string>& values) {
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) {
    absl::StrAppend(&line, i == 0 ? "" : " ", signature.group_by[i].name, "=", values[i]);
  }
  return line;
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
  const v1::Signature& definition = signature.definition;

  v1::Finding finding;
  finding.set_signature(definition.name());
  const std::vector<std::string> values = GroupValues(signature, exemplar.sample);
  finding.set_group(GroupLine(signature, values));
  for (size_t i = 0; i < values.size(); ++i) {
    v1::GroupKey* const key = finding.add_group_by();
    key->set_attribute(signature.group_by[i].name);
    key->set_value(values[i]);
  }
  finding.set_subject(definition.subject());
  *finding.mutable_netns() = facts.netns;
  finding.set_severity(definition.severity());
  finding.set_title(definition.title());
  finding.set_verdict(signature.verdict.Render(VerdictActivation(reading, group)));
  finding.set_advice(definition.advice());
  finding.set_disproof(definition.disproof());
  for (const int slot : signature.evidence_slots) {
    *finding.add_evidence() = MakeEvidence(slot, reading, group);
  }
  AddNotShown(signature, facts.matches, &finding);
  finding.set_confidence(finding.not_shown().empty() ? v1::CONFIDENCE_CERTAIN
                                                     : v1::CONFIDENCE_LIKELY);
  *finding.mutable_exemplar() = RefOf(exemplar.sample);
  ListSockets(facts.matches, max_sockets, &finding);
  *finding.mutable_since() = ToProto(facts.life->since().wall);
  *finding.mutable_found_at() = ToProto(facts.life->found_at().wall);
  *finding.mutable_observed_at() = ToProto(facts.now.wall);
  *finding.mutable_before() = Measure(facts.histories, exemplar.sample.cc(), facts.now);
  if (exemplar.last.uptime != facts.now.uptime) MarkAsOfLastMatch(&finding);
  return finding;
}

void MarkAsOfLastMatch(v1::Finding* finding) {
  for (v1::Evidence& evidence : *finding->mutable_evidence()) {
    if (absl::EndsWith(evidence.basis(), kOfLastMatch)) continue;
    evidence.mutable_basis()->append(kOfLastMatch.data(), kOfLastMatch.size());
  }
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
