// One scan of this host: which namespaces to look into, their sockets through the signature engine,
// the holders of what was found, and the report that says it all. Reads the world only through what
// it is given. Not thread-safe: it belongs to the scan thread, which hands the finished report on.
#ifndef TCPMEDIC_SCAN_SCANNER_H_
#define TCPMEDIC_SCAN_SCANNER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/clock.h"
#include "diagnosis/engine.h"
#include "observe/counters.h"
#include "observe/namespaces.h"
#include "observe/socket_sample.h"
#include "scan/attribution.h"
#include "scan/candidate.h"
#include "scan/compiled_set.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

// Whether a namespace with these counters can hold a socket in one of these states: what makes its
// dump worth while. True where the counters do not say. Pure.
bool MayHoldSockets(const CounterSample& counters, TcpStateMask states);

class Scanner {
 public:
  struct Options {
    EngineOptions engine = {};
    Attribution::Options attribution = {};
    // Well under gRPC's 4 MiB for a message. Findings over it are left out, and counted in the
    // report.
    size_t max_report_bytes = 2 << 20;
  };
  explicit Scanner(Options options);

  void SetSignatures(CompiledSet set);

  // `degraded`: what the caller knows to be wrong; the scan adds what it cannot see itself. Of the
  // report's stats, interval and scan_cpu are left to the caller.
  v1::Report Scan(absl::Span<const ObservedNamespace> namespaces, Moment now,
                  std::vector<std::string> degraded);

  // The sockets that match the selector now, as the newest scan saw them, with every holder.
  std::vector<Candidate> FindCandidates(const v1::Selector& selector) const;

  // For whoever follows sockets; not while a scan is under way.
  Engine* engine() { return &engine_; }
  // Of a report that says what the newest scan's said, but for its orders.
  uint64_t NextSequence() { return ++sequence_; }

 private:
  // Dumps one namespace's sockets in these states into the engine. Not ok: what was found there
  // before stays.
  absl::Status Observe(const ObservedNamespace& netns, TcpStateMask states);

  Options options_;
  Engine engine_;
  Attribution attribution_;
  std::string signatures_digest_;
  CounterSample counters_;  // kept for its memory
  uint64_t sequence_ = 0;
  int64_t interrupted_dumps_ = 0;
  int64_t malformed_messages_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_SCANNER_H_
