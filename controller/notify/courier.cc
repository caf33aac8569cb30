#include "controller/notify/courier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/notify/back_off.h"

namespace tcpmedic {

using Arrival = SendResult::Arrival;
using What = DeliveryRecord::What;

Courier::Courier(std::string receiver, Sender* sender, Deliveries* store, const Clock* clock,
                 std::function<double()> jitter)
    : receiver_(std::move(receiver)),
      sender_(sender),
      store_(store),
      clock_(clock),
      jitter_(std::move(jitter)) {}

absl::Duration Courier::Step() {
  const Moment now = clock_->Now();
  if (now.uptime < resume_at_) return resume_at_;
  auto pending = store_->Undelivered(receiver_, kPendingAtOnce);
  if (!pending.ok()) {
    Failed(std::string(pending.status().message()));
    return now.uptime + kDeliveryPoll;
  }
  const std::vector<Delivery> batch = NextBatch(*pending, now);
  if (!batch.empty()) return SendPending(batch, now);
  if (sender_->repeat_every().has_value() && now.uptime >= repeat_at_) {
    if (Repeat(now)) return now.uptime;
    if (now.uptime < resume_at_) return resume_at_;
  }
  return now.uptime + kDeliveryPoll;
}

std::vector<Delivery> Courier::NextBatch(const std::vector<Delivery>& pending, const Moment& now) {
  std::map<std::string, Refused> still_refused;
  std::vector<Delivery> batch;
  const size_t most = std::max(sender_->most_at_once(), 1);
  for (const Delivery& delivery : pending) {
    const auto refused = refused_.find(delivery.alert.key());
    if (refused == refused_.end()) {
      if (batch.size() < most) batch.push_back(delivery);
      continue;
    }
    still_refused.insert(*refused);
  }
  refused_ = std::move(still_refused);
  if (!batch.empty()) return batch;
  // What was refused goes alone: nothing else is refused with it.
  for (const Delivery& delivery : pending) {
    if (refused_[delivery.alert.key()].resume_at <= now.uptime) return {delivery};
  }
  return {};
}

absl::Duration Courier::SendPending(const std::vector<Delivery>& batch, const Moment& now) {
  std::vector<DeliveryRecord> records;
  for (const Delivery& delivery : batch) {
    if (delivery.reached == Reached::kNo && delivery.alert.state() == v1::Alert::STATE_FIRING) {
      records.push_back(RecordOf(delivery, What::kTrying));
    }
  }
  // Before the first byte is out, so that no crash makes us forget that it may have arrived.
  if (!records.empty()) {
    if (absl::Status stored = store_->RecordDeliveries(records); !stored.ok()) {
      Failed(std::string(stored.message()));
      return now.uptime + kDeliveryPoll;
    }
  }
  const SendResult result = sender_->Send(batch, now.wall);
  std::vector<DeliveryRecord> outcome;
  if (result.arrival == Arrival::kAcknowledged) {
    for (const Delivery& delivery : batch) {
      outcome.push_back(RecordOf(delivery, What::kAcknowledged));
    }
  } else if (result.arrival == Arrival::kNotArrived) {
    outcome = std::move(records);
    for (DeliveryRecord& record : outcome) record.what = What::kNotArrived;
  }
  if (absl::Status stored = store_->RecordDeliveries(outcome); !stored.ok()) {
    // It stays pending and is sent again under the same key.
    Failed(std::string(stored.message()));
    return clock_->Now().uptime + kDeliveryPoll;
  }
  if (result.arrival == Arrival::kAcknowledged) {
    for (const Delivery& delivery : batch) refused_.erase(delivery.alert.key());
    failures_ = 0;
    if (refused_.empty()) Succeeded();
    return clock_->Now().uptime;
  }
  if (!result.content_refused) {
    Fail(result);
    return resume_at_;
  }
  failures_ = 0;
  const absl::Duration uptime = clock_->Now().uptime;
  for (const Delivery& delivery : batch) {
    Refused& refused = refused_[delivery.alert.key()];
    // Of several, nobody knows yet which one it was.
    if (batch.size() > 1) continue;
    refused.resume_at = uptime + BackOff(++refused.times, jitter_());
    Failed(absl::StrCat(result.problem, " (alert ", delivery.alert.key(), ")"));
  }
  return uptime;
}

bool Courier::Repeat(const Moment& now) {
  auto standing = store_->Standing(receiver_, repeated_, std::max(sender_->most_at_once(), 1));
  if (!standing.ok()) {
    Failed(std::string(standing.status().message()));
    return false;
  }
  if (standing->empty()) {
    repeated_ = 0;
    repeat_at_ = now.uptime + *sender_->repeat_every();
    return false;
  }
  const SendResult result = sender_->Send(*standing, now.wall);
  if (result.arrival != Arrival::kAcknowledged && !result.content_refused) {
    Fail(result);
    return false;
  }
  // A refusal of one that was taken before: the others of this message are.
  if (result.content_refused) Failed(result.problem);
  if (result.arrival == Arrival::kAcknowledged) {
    failures_ = 0;
    if (refused_.empty()) Succeeded();
  }
  repeated_ = standing->back().version;
  return true;
}

void Courier::Fail(const SendResult& result) {
  const absl::Duration wait = BackOff(++failures_, jitter_());
  resume_at_ = clock_->Now().uptime +
               std::max(wait, std::min(result.retry_after.value_or(wait), kMaxBackOff));
  Failed(result.problem);
}

void Courier::Failed(const std::string& problem) {
  absl::MutexLock lock(&mutex_);
  if (problem_.empty()) failing_since_ = clock_->Now().wall;
  problem_ = problem;
}

void Courier::Succeeded() {
  absl::MutexLock lock(&mutex_);
  problem_.clear();
}

std::string Courier::Problem() const {
  absl::MutexLock lock(&mutex_);
  if (problem_.empty()) return "";
  return absl::StrCat(receiver_, ": ", problem_, ", since ",
                      absl::FormatTime("%Y-%m-%d %H:%M:%SZ", failing_since_, absl::UTCTimeZone()));
}

}  // namespace tcpmedic
