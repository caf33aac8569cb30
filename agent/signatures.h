// The signatures in force: received over the link, compiled there, taken up by the scan thread. A
// set with a mistake is refused, and the old one stays. Thread-safe.
#ifndef TCPMEDIC_AGENT_SIGNATURES_H_
#define TCPMEDIC_AGENT_SIGNATURES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "agent/status_board.h"
#include "scan/compiled_set.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

// Hands the newest good set from the link to the scan thread.
class SignatureInbox {
 public:
  // The board shows why a set was refused, until a good one comes. It outlives the inbox.
  explicit SignatureInbox(StatusBoard* board) : board_(board) {}

  // Returns what CompileSet does.
  absl::Status Offer(const v1::SignatureSet& set);

  // What has been accepted since the last call; only the newest.
  std::optional<CompiledSet> Take();

 private:
  StatusBoard* const board_;
  absl::Mutex mutex_;
  std::optional<CompiledSet> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_SIGNATURES_H_
