// A group of a process's sockets that a signature holds for, written down as a finding
// (finding_builder.h). The sibling of socket_finding.h. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_FINDING_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_FINDING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_life.h"
#include "diagnosis/netns_measurement.h"
#include "diagnosis/process_pile.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// The key of a group: its process's pid, and its listener.
std::vector<std::string> GroupValues(const ProcessGroupKey& key);

// What `before` of such a finding has, in this order: close_wait_sockets and growth_per_min, over
// the time that they have risen for.
absl::Span<const MeasuredAttribute> ProcessMeasured();

struct ProcessFacts {
  const v1::NetworkNamespace* netns = nullptr;
  const ProcessPile::Group* group = nullptr;
  uint64_t unknown_look_alikes = 0;  // one bit each
  const FindingLife* life = nullptr;
  Moment now;
};
// Its evidence is what the signature names, then everything else that is known of the group. Its
// processes are not filled in.
v1::Finding BuildFinding(const CompiledSignature& signature, const ProcessFacts& facts,
                         int max_sockets);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_FINDING_H_
