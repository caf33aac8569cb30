// A group of matching sockets, written down as a finding (finding_builder.h). Pure.
#ifndef TCPMEDIC_DIAGNOSIS_SOCKET_FINDING_H_
#define TCPMEDIC_DIAGNOSIS_SOCKET_FINDING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_builder.h"
#include "diagnosis/finding_life.h"
#include "diagnosis/socket_history.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// A socket at its newest match, with what the match was decided on.
struct Match {
  SocketSample sample;
  std::optional<SocketDelta> window;
  uint64_t unknown_look_alikes = 0;
  Moment since;  // of the first match without a break
  Moment last;

  SocketReading reading() const { return {&sample, window.has_value() ? &*window : nullptr}; }
};

// The key of a socket's group: one value per component of group_by.
std::vector<std::string> GroupValues(const CompiledSignature& signature,
                                     const SocketSample& sample);

GroupReading ReadGroup(const std::vector<const Match*>& matches);

struct GroupFacts {
  // By since, then cookie; the first is the exemplar. Not empty.
  std::vector<const Match*> matches;
  std::vector<const SocketHistory*> histories;  // of these sockets, as far as they are known
  const FindingLife* life = nullptr;
  v1::NetworkNamespace netns;  // the exemplar's
  Moment now;
};
v1::Finding BuildFinding(const CompiledSignature& signature, const GroupFacts& facts,
                         int max_sockets);

// Replaces the listed sockets, at most `max_sockets` of them; all are counted.
void ListSockets(const std::vector<const Match*>& matches, int max_sockets, v1::Finding* finding);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SOCKET_FINDING_H_
