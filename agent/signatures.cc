#include "agent/signatures.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {

absl::Status SignatureInbox::Offer(const v1::SignatureSet& set) {
  absl::StatusOr<CompiledSet> compiled = CompileSet(set);
  if (!compiled.ok()) {
    board_->SetProblem("signatures", absl::StrCat("new signatures are refused, the old ones stay: ",
                                                  std::string(compiled.status().message())));
    return compiled.status();
  }
  absl::MutexLock lock(&mutex_);
  board_->SetProblem("signatures", "");
  waiting_ = *std::move(compiled);
  return absl::OkStatus();
}

std::optional<CompiledSet> SignatureInbox::Take() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(waiting_, std::nullopt);
}

}  // namespace tcpmedic
