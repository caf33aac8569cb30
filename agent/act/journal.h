// What the agent remembers of its orders, across any crash: the newest record of each, on disk
// before Put returns. Not thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_JOURNAL_H_
#define TCPMEDIC_AGENT_ACT_JOURNAL_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/act/journal_storage.h"
#include "tcpmedic/v1/journal.pb.h"

namespace tcpmedic {

class Journal {
 public:
  // Reads what is there, drops a torn last record and compacts, if the disk lets it. DataLoss:
  // damaged before its last record; nothing was written. Other errors: the storage's.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(std::unique_ptr<JournalStorage> storage);

  // On disk when Ok. On an error a crash may leave this record or the one before it; a later Put
  // that succeeds settles it.
  absl::Status Put(const v1::JournalledOrder& order);

  // Forgets these orders. On an error they may come back after a restart.
  absl::Status Forget(absl::Span<const std::string> ids);

  // As on disk, by id.
  const std::map<std::string, v1::JournalledOrder>& orders() const { return orders_; }

 private:
  explicit Journal(std::unique_ptr<JournalStorage> storage) : storage_(std::move(storage)) {}
  absl::Status Compact();

  std::unique_ptr<JournalStorage> storage_;
  std::map<std::string, v1::JournalledOrder> orders_;
  size_t size_bytes_ = 0;
  size_t compact_at_bytes_ = 0;
  bool unknown_ =
      true;  // what the file holds: a write has failed, so the next one replaces it whole
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_JOURNAL_H_
