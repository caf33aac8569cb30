// Where groups of sockets, one per process and listener, stopped on their way to one signature's
// finding (activity.h). The sibling of socket_activity.h. Not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_ACTIVITY_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_ACTIVITY_H_

#include <cstdint>
#include <string>

#include "diagnosis/activity.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/process_schema.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// "leaky (pid 812), 0.0.0.0:8080: process.rises = 2": what kept the group from matching; empty for
// a match.
std::string StopText(const CompiledSignature& signature, const Judgement& outcome,
                     const ProcessReading& reading);

class ProcessActivity {
 public:
  // `signature` outlives this.
  explicit ProcessActivity(const CompiledSignature& signature)
      : signature_(&signature), stops_(signature) {}

  void BeginScan();
  // Sockets that pass `sockets`.
  void CountSuspects(int64_t sockets) { suspects_ += sockets; }
  // Every group once. `text` as StopText gives it.
  void Count(const Judgement& outcome, int64_t sockets, const std::string& text);

  v1::SignatureActivity Report() const;

 private:
  struct Largest {
    int64_t sockets = 0;
    std::string text;
  };

  const CompiledSignature* signature_;
  int64_t groups_ = 0;
  int64_t suspects_ = 0;
  Stops<Largest> stops_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_ACTIVITY_H_
