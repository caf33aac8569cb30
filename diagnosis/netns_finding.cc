#include "diagnosis/netns_finding.h"

#include "absl/strings/str_cat.h"
#include "diagnosis/finding_builder.h"

namespace tcpmedic {

std::vector<std::string> GroupValues(uint64_t netns_cookie) { return {absl::StrCat(netns_cookie)}; }

v1::Finding BuildFinding(const CompiledSignature& signature, const NetnsFacts& facts) {
  const NetnsActivation activation(facts.reading);
  v1::Finding finding =
      BeginFinding(signature, GroupValues(facts.netns.cookie()), *facts.life, facts.now);
  *finding.mutable_netns() = facts.netns;
  finding.set_verdict(signature.verdict.Render(activation));
  for (const int slot : signature.evidence_slots) {
    *finding.add_evidence() = MakeEvidence(slot, facts.reading);
  }
  for (size_t i = 0; i < signature.look_alikes.size(); ++i) {
    if ((facts.unknown_look_alikes >> i & 1) == 0) continue;
    AddNotShown(signature.look_alikes[i], NetnsSchema(), activation, &finding);
  }
  SetConfidence(&finding);
  const ListenersSeen* const listeners = facts.reading.listeners;
  if (listeners != nullptr && listeners->most_pressed.has_value()) {
    const Listener& listener = *listeners->most_pressed;
    v1::SocketRef* const exemplar = finding.mutable_exemplar();
    exemplar->set_cookie(listener.key.cookie);
    exemplar->set_netns_cookie(listener.key.netns_cookie);
    exemplar->mutable_local()->set_ip(listener.local_ip.ToString());
    exemplar->mutable_local()->set_port(listener.local_port);
  }
  *finding.mutable_before() = facts.before;
  return finding;
}

}  // namespace tcpmedic
