// The engine's side of processes: the watches of signatures with subject process. The sibling of
// socket_scan.h and netns_scan.h. Pure but for the HolderSource that it asks; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_SCAN_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_SCAN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/holder_source.h"
#include "diagnosis/process_watch.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class ProcessScan {
 public:
  explicit ProcessScan(int max_sockets_per_finding)
      : max_sockets_per_finding_(max_sockets_per_finding) {}

  // Those of subject process.
  void SetSignatures(const std::vector<std::shared_ptr<const CompiledSignature>>& signatures);

  // Per scan, as the engine (engine.h).
  void BeginScan(Moment now);
  TcpStateMask StatesWanted(uint64_t netns_cookie) const;
  void BeginNamespace(uint64_t netns_cookie);
  void Observe(const SocketSample& sample);
  void EndNamespace(bool complete);

  struct Result {
    std::vector<ProcessWatch::Present> present;
    std::vector<v1::SignatureActivity> activity;
    int64_t sockets = 0;           // that are kept
    int64_t sockets_not_kept = 0;  // since construction
  };
  Result EndScan(HolderSource* holders,
                 absl::FunctionRef<v1::NetworkNamespace(uint64_t netns_cookie)> netns);

  // As Engine.
  std::optional<ProcessFound> ProcessOf(const v1::Selector& selector) const;

 private:
  const int max_sockets_per_finding_;
  std::vector<std::unique_ptr<ProcessWatch>> watches_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_SCAN_H_
