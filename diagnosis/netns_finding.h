// A namespace that a signature holds for, written down as a finding (finding_builder.h). The
// sibling of socket_finding.h. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_FINDING_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_FINDING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_life.h"
#include "diagnosis/netns_schema.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// The key of a namespace's group: its cookie.
std::vector<std::string> GroupValues(uint64_t netns_cookie);

struct NetnsFacts {
  v1::NetworkNamespace netns;
  NetnsReading reading;              // that the match was decided on
  uint64_t unknown_look_alikes = 0;  // one bit each
  const FindingLife* life = nullptr;
  v1::Measurement before;
  Moment now;
};
v1::Finding BuildFinding(const CompiledSignature& signature, const NetnsFacts& facts);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_FINDING_H_
