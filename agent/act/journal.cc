#include "agent/act/journal.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/act/record_frames.h"

namespace tcpmedic {
namespace {

// Records that no longer hold are dropped only when they outweigh those that do, so that a Put
// writes one record.
constexpr size_t kCompactAtLeastBytes = 256 << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(std::unique_ptr<JournalStorage> storage) {
  const absl::StatusOr<std::string> contents = storage->Read();
  if (!contents.ok()) return contents.status();
  const absl::StatusOr<Frames> frames = ReadFrames(*contents);
  if (!frames.ok()) {
    return absl::DataLossError(absl::StrCat("journal: ", frames.status().message()));
  }
  std::unique_ptr<Journal> journal(new Journal(std::move(storage)));
  for (const absl::string_view record : frames->records) {
    v1::JournalledOrder order;
    if (!order.ParseFromArray(record.data(), static_cast<int>(record.size())) ||
        order.id().empty()) {
      return absl::DataLossError(absl::StrCat(
          "journal: the record at byte ", record.data() - contents->data(), " is not an order"));
    }
    std::string id = order.id();
    journal->orders_[std::move(id)] = std::move(order);
  }
  // On a full disk what was done must still be undone; the first Put tries again.
  journal->Compact().IgnoreError();
  return journal;
}

absl::Status Journal::Put(const v1::JournalledOrder& order) {
  std::string frame;
  AppendFrame(order.SerializeAsString(), &frame);
  if (unknown_ || size_bytes_ + frame.size() > compact_at_bytes_) {
    const auto found = orders_.find(order.id());
    const bool known = found != orders_.end();
    v1::JournalledOrder before = known ? found->second : v1::JournalledOrder();
    orders_[order.id()] = order;
    absl::Status compacted = Compact();
    if (compacted.ok()) return compacted;
    if (known) {
      orders_[order.id()] = std::move(before);
    } else {
      orders_.erase(order.id());
    }
    return compacted;
  }
  if (absl::Status appended = storage_->Append(frame); !appended.ok()) {
    unknown_ = true;
    return appended;
  }
  size_bytes_ += frame.size();
  orders_[order.id()] = order;
  return absl::OkStatus();
}

absl::Status Journal::Forget(absl::Span<const std::string> ids) {
  for (const std::string& id : ids) orders_.erase(id);
  return Compact();
}

absl::Status Journal::Compact() {
  std::string contents;
  for (const auto& [id, order] : orders_) AppendFrame(order.SerializeAsString(), &contents);
  absl::Status replaced = storage_->Replace(contents);
  unknown_ = !replaced.ok();
  size_bytes_ = contents.size();
  compact_at_bytes_ = std::max(kCompactAtLeastBytes, 2 * size_bytes_);
  return replaced;
}

}  // namespace tcpmedic
