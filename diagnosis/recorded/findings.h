// What one signature finds in recorded evidence, by subject. Each function judges, groups, writes
// down the findings with their remarks, and says where everything else stopped. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_FINDINGS_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_FINDINGS_H_

#include <vector>

#include "diagnosis/compiled_signature.h"
#include "diagnosis/recorded/gathered.h"
#include "diagnosis/recorded/recorded_evidence.h"
#include "diagnosis/trace/tracker.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

struct FoundBySignature {
  std::vector<RecordedFinding> findings;
  v1::SignatureActivity activity;
};

// Ratios are over the connection's lifetime; rates stand in for what one sample cannot have
// (socket_schema.h names them).
FoundBySignature FindInSockets(const CompiledSignature& signature, const Gathered& gathered);

// Counters are totals, or increases since nstat's last run where there is no total. All of it is
// taken for one network namespace.
FoundBySignature FindInNetns(const CompiledSignature& signature, const Gathered& gathered);

// Sockets that pass `sockets` are grouped by process and listener where -p tied them to one, else
// by listener. A mere number (`ss … state close-wait | wc -l`) that is larger than what the lines
// show is one group; its process is known where the lines agree on one.
FoundBySignature FindInProcesses(const CompiledSignature& signature, const Gathered& gathered);

FoundBySignature FindInConnections(const CompiledSignature& signature, const TraceResult& trace);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_FINDINGS_H_
