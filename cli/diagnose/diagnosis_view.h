// A diagnosis as it is shown: what was read or watched, what was found, what is proposed, and what
// could not be seen. Plain value: the screen and the JSON are made of nothing else.
#ifndef TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_VIEW_H_
#define TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "diagnosis/trace/tracker.h"
#include "observe/recorded/recording.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic::cli {

struct DiagnosedFinding {
  v1::Finding finding;
  std::vector<std::string> remarks;  // sentences: what weakens it
  v1::Decision decision;             // what the policy files say to it; without a policy: nothing
};

// How much of each kind of evidence there was. Zero throughout: none that this program knows.
struct EvidenceRead {
  int64_t sockets = 0;  // each once, however often it was listed
  int64_t counts = 0;   // of sockets, by `ss -s` or `wc -l`
  int64_t counters = 0;
  int64_t processes = 0;
  int64_t segments = 0;
  bool lines = true;  // places are lines of a text; false: packets of a capture

  bool anything() const { return sockets + counts + counters + processes + segments > 0; }
  // A process list is of use only beside what shows connections.
  bool shows_tcp() const { return sockets + counts + counters + segments > 0; }
};

struct DiagnosisView {
  // What it is about: "incident.txt", "3 files", "the standard input", "this host".
  std::string of;
  bool live = false;  // sampled here and now; what is read of files is set where it is false

  std::vector<DiagnosedFinding> findings;  // most severe first
  TraceResult trace;
  std::vector<std::string> remarks;  // what belongs to no finding
  std::vector<v1::SignatureActivity> activity;

  EvidenceRead read;
  std::vector<Unread> unread;

  // Live.
  absl::Duration watched;
  int64_t sockets_seen = 0;
  int64_t namespaces_seen = 0;
  std::vector<std::string> not_seen;  // sentences: what this user may not look at
};

// Which connections of a trace are shown in full.
struct ShownConnections {
  bool all = false;
  // "10.0.0.5:51514": those of this client, or of this server where no client has the address; a
  // bare address means every port. Empty: those that tell most.
  std::string of{};
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_VIEW_H_
