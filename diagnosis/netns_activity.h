// Where namespaces stopped on their way to one signature's finding (activity.h). The sibling of
// socket_activity.h. Not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_ACTIVITY_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_ACTIVITY_H_

#include <cstdint>
#include <string>

#include "diagnosis/activity.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/netns_schema.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

class NetnsActivity {
 public:
  // `signature` outlives this.
  explicit NetnsActivity(const CompiledSignature& signature)
      : signature_(&signature), stops_(signature) {}

  void BeginScan();
  void CountSuspect() { ++suspects_; }
  // Every namespace once. `reading` is what the outcome was decided on.
  void Count(const Judgement& outcome, const v1::NetworkNamespace& netns,
             const NetnsReading& reading);

  v1::SignatureActivity Report() const;

 private:
  // The busiest, by connections accepted ever since.
  struct Busiest {
    int64_t passive_opens = 0;
    std::string text;
  };

  const CompiledSignature* signature_;
  int64_t namespaces_ = 0;
  int64_t suspects_ = 0;
  Stops<Busiest> stops_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_ACTIVITY_H_
