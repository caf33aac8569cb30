// Where sockets stopped on their way to one signature's finding (activity.h). Counting does not
// allocate; texts are made once, at the end of the scan. Not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_SOCKET_ACTIVITY_H_
#define TCPMEDIC_DIAGNOSIS_SOCKET_ACTIVITY_H_

#include <cstdint>
#include <optional>

#include "diagnosis/activity.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/socket_schema.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

class SocketActivity {
 public:
  // `signature` outlives this.
  explicit SocketActivity(const CompiledSignature& signature)
      : signature_(&signature), stops_(signature) {}

  void BeginScan();
  void CountSuspect() { ++suspects_; }
  // Every socket once. `reading` is what the outcome was decided on.
  void Count(const Judgement& outcome, const SocketReading& reading);

  v1::SignatureActivity Report() const;

 private:
  // The busiest, by bytes acknowledged: a copy, since samples live only while they are observed.
  struct Busiest {
    SocketSample sample;
    std::optional<SocketDelta> window;
    uint64_t bytes_acked = 0;
  };

  const CompiledSignature* signature_;
  int64_t sockets_ = 0;
  int64_t suspects_ = 0;
  Stops<Busiest> stops_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SOCKET_ACTIVITY_H_
