// Where the journal lies: one file that grows, of which only what was synced survives a crash. The
// seam between the journal and the disk; tests fail it at every call. Not thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_JOURNAL_STORAGE_H_
#define TCPMEDIC_AGENT_ACT_JOURNAL_STORAGE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

class JournalStorage {
 public:
  virtual ~JournalStorage() = default;

  // Empty where there is none yet.
  virtual absl::StatusOr<std::string> Read() = 0;

  // On disk when it returns. On an error any part of it may be in the file, synced or not: only
  // Replace makes the file known again.
  virtual absl::Status Append(absl::string_view bytes) = 0;

  // The whole file at once, on disk when it returns. On an error the file is the old one or the new
  // one.
  virtual absl::Status Replace(absl::string_view contents) = 0;
};

// DIR/journal. Makes DIR (0700) where it is absent, and holds DIR/journal.lock. FailedPrecondition:
// another process holds that. PermissionDenied: others may write to DIR, or we may not.
absl::StatusOr<std::unique_ptr<JournalStorage>> OpenJournalStorage(const std::string& dir);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_JOURNAL_STORAGE_H_
