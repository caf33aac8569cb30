#include "controller/store/memory_store.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/match.h"
#include "controller/order/order.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

bool IsOpen(const v1::Incident& incident) { return incident.state() == v1::Incident::STATE_OPEN; }

bool Matches(const v1::Incident& incident, const IncidentQuery& query) {
  if (query.state == IncidentQuery::State::kOpen && !IsOpen(incident)) return false;
  if (query.state == IncidentQuery::State::kClosed && IsOpen(incident)) return false;
  return absl::StartsWith(incident.id(), query.id_prefix) &&
         (query.host.empty() || incident.host() == query.host) &&
         (query.signature.empty() || incident.finding().signature() == query.signature);
}

template <typename T>
void Truncate(std::vector<T>* values, int limit) {
  if (values->size() > static_cast<size_t>(std::max(limit, 0))) values->resize(std::max(limit, 0));
}

}  // namespace

absl::Status MemoryStore::Commit(const Transaction& transaction) {
  absl::MutexLock lock(&mutex_);
  for (const v1::Incident& incident : transaction.incidents) incidents_[incident.id()] = incident;
  for (const v1::Proposal& proposal : transaction.proposals) proposals_[proposal.id()] = proposal;
  for (const v1::Order& order : transaction.orders) orders_[order.id()] = order;
  for (const OutboxEntry& entry : transaction.outbox) {
    const bool known = std::any_of(outbox_.begin(), outbox_.end(), [&](const Outgoing& other) {
      return other.entry.key == entry.key;
    });
    if (!known) outbox_.push_back({entry});
  }
  for (const AddressedAlert& alert : transaction.alerts) {
    const std::pair<std::string, std::string> id(alert.receiver, alert.alert.key());
    const auto known = deliveries_.find(id);
    std::optional<Delivery> next =
        WithAlert(known == deliveries_.end() ? std::nullopt : std::optional(known->second), alert);
    if (!next.has_value()) continue;
    if (next->version == 0) next->version = ++newest_version_;
    deliveries_[id] = *std::move(next);
  }
  for (const v1::AuditEntry& entry : transaction.audit) {
    audit_.push_back(Chain(audit_head_, entry));
    audit_head_ = LinkOf(audit_.back());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Incident>> MemoryStore::Incidents(const IncidentQuery& query) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Incident> found;
  for (const auto& [id, incident] : incidents_) {
    if (Matches(incident, query)) found.push_back(incident);
  }
  std::sort(found.begin(), found.end(), [](const v1::Incident& a, const v1::Incident& b) {
    const auto order = [](const v1::Incident& incident) {
      return std::make_tuple(IsOpen(incident), FromProtoOrInfinitePast(incident.opened_at()),
                             incident.id());
    };
    return order(a) > order(b);
  });
  Truncate(&found, query.limit);
  return found;
}

absl::StatusOr<std::vector<v1::Incident>> MemoryStore::IncidentsLive(
    absl::Time closed_since) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Incident> live;
  for (const auto& [id, incident] : incidents_) {
    if (IsOpen(incident) || incident.finding_present() ||
        FromProtoOrInfinitePast(incident.closed_at()) >= closed_since || HasOrderNotOver(id)) {
      live.push_back(incident);
    }
  }
  std::sort(live.begin(), live.end(), [](const v1::Incident& a, const v1::Incident& b) {
    return std::make_tuple(FromProtoOrInfinitePast(a.opened_at()), a.id()) <
           std::make_tuple(FromProtoOrInfinitePast(b.opened_at()), b.id());
  });
  return live;
}

absl::StatusOr<std::vector<v1::Proposal>> MemoryStore::Proposals(const std::string& incident_id,
                                                                 int limit) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Proposal> found;
  for (const auto& [id, proposal] : proposals_) {
    if (proposal.incident_id() == incident_id) found.push_back(proposal);
  }
  std::sort(found.begin(), found.end(), [](const v1::Proposal& a, const v1::Proposal& b) {
    return std::make_tuple(FromProtoOrInfinitePast(a.created_at()), a.id()) >
           std::make_tuple(FromProtoOrInfinitePast(b.created_at()), b.id());
  });
  Truncate(&found, limit);
  return found;
}

absl::StatusOr<std::vector<v1::Order>> MemoryStore::Orders(const std::string& incident_id,
                                                           int limit) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Order> found;
  for (const auto& [id, order] : orders_) {
    if (order.incident_id() == incident_id) found.push_back(order);
  }
  std::sort(found.begin(), found.end(), [](const v1::Order& a, const v1::Order& b) {
    return std::make_tuple(FromProtoOrInfinitePast(a.created_at()), a.id()) >
           std::make_tuple(FromProtoOrInfinitePast(b.created_at()), b.id());
  });
  int over = 0;
  std::erase_if(found, [&](const v1::Order& order) { return IsOver(order) && ++over > limit; });
  return found;
}

bool MemoryStore::HasOrderNotOver(const std::string& incident_id) const {
  return std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
    return entry.second.incident_id() == incident_id && !IsOver(entry.second);
  });
}

absl::StatusOr<std::vector<OutboxEntry>> MemoryStore::Unperformed(int limit) const {
  absl::MutexLock lock(&mutex_);
  std::vector<OutboxEntry> entries;
  for (const Outgoing& outgoing : outbox_) {
    if (!outgoing.performed) entries.push_back(outgoing.entry);
  }
  Truncate(&entries, limit);
  return entries;
}

absl::Status MemoryStore::MarkPerformed(const std::vector<std::string>& keys) {
  absl::MutexLock lock(&mutex_);
  for (Outgoing& outgoing : outbox_) {
    if (std::find(keys.begin(), keys.end(), outgoing.entry.key) != keys.end()) {
      outgoing.performed = true;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::AuditEntry>> MemoryStore::Audit(const std::string& subject,
                                                               int limit) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::AuditEntry> found;
  for (auto entry = audit_.rbegin(); entry != audit_.rend(); ++entry) {
    if (subject.empty() || entry->subject() == subject) found.push_back(*entry);
  }
  Truncate(&found, limit);
  return found;
}

absl::Status MemoryStore::VerifyAudit(int newest) const {
  absl::MutexLock lock(&mutex_);
  const size_t verified = std::min(audit_.size(), static_cast<size_t>(std::max(newest, 0)));
  const size_t first = audit_.size() - verified;
  return VerifyChain(first == 0 ? before_audit_ : LinkOf(audit_[first - 1]),
                     absl::MakeConstSpan(audit_).subspan(first), audit_head_);
}

absl::Status MemoryStore::ForgetBefore(absl::Time time) {
  absl::MutexLock lock(&mutex_);
  for (auto it = incidents_.begin(); it != incidents_.end();) {
    const v1::Incident& incident = it->second;
    if (IsOpen(incident) || incident.finding_present() ||
        FromProtoOrInfinitePast(incident.closed_at()) >= time || HasOrderNotOver(incident.id())) {
      ++it;
      continue;
    }
    const std::string id = incident.id();
    std::erase_if(proposals_, [&](const auto& entry) { return entry.second.incident_id() == id; });
    std::erase_if(orders_, [&](const auto& entry) { return entry.second.incident_id() == id; });
    outbox_.erase(std::remove_if(outbox_.begin(), outbox_.end(),
                                 [&](const Outgoing& outgoing) {
                                   return outgoing.performed && outgoing.entry.incident_id == id;
                                 }),
                  outbox_.end());
    std::erase_if(deliveries_,
                  [&](const auto& entry) { return entry.second.alert.incident_id() == id; });
    it = incidents_.erase(it);
  }
  // Only from the front: an entry that is newer than one behind it (the clock was set back) keeps
  // the chain whole.
  auto first_kept = std::find_if(audit_.begin(), audit_.end(), [&](const v1::AuditEntry& entry) {
    return FromProtoOrInfinitePast(entry.at()) >= time;
  });
  if (first_kept != audit_.begin()) before_audit_ = LinkOf(*std::prev(first_kept));
  audit_.erase(audit_.begin(), first_kept);
  return absl::OkStatus();
}

std::vector<Delivery> MemoryStore::DeliveriesThat(const std::string& receiver, int64_t after,
                                                  int limit,
                                                  bool (*matches)(const Delivery&)) const {
  std::vector<Delivery> found;
  for (const auto& [id, delivery] : deliveries_) {
    if (delivery.receiver == receiver && delivery.version > after && matches(delivery)) {
      found.push_back(delivery);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Delivery& a, const Delivery& b) { return a.version < b.version; });
  Truncate(&found, limit);
  return found;
}

absl::StatusOr<std::vector<Delivery>> MemoryStore::Undelivered(const std::string& receiver,
                                                               int limit) const {
  absl::MutexLock lock(&mutex_);
  return DeliveriesThat(receiver, 0, limit, [](const Delivery& d) { return d.pending; });
}

absl::StatusOr<std::vector<Delivery>> MemoryStore::Standing(const std::string& receiver,
                                                            int64_t after, int limit) const {
  absl::MutexLock lock(&mutex_);
  return DeliveriesThat(receiver, after, limit, IsStanding);
}

absl::Status MemoryStore::RecordDeliveries(const std::vector<DeliveryRecord>& records) {
  absl::MutexLock lock(&mutex_);
  for (const DeliveryRecord& record : records) {
    const auto known = deliveries_.find({record.receiver, record.key});
    if (known != deliveries_.end()) known->second = WithRecord(std::move(known->second), record);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, int>> MemoryStore::Waiting() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, int> waiting;
  for (const auto& [id, delivery] : deliveries_) {
    if (delivery.pending) ++waiting[delivery.receiver];
  }
  return waiting;
}

absl::StatusOr<int> MemoryStore::DropEvents(absl::Time before, int keep) {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, std::vector<Delivery*>> events;  // pending, by receiver
  for (auto& [id, delivery] : deliveries_) {
    if (delivery.pending && delivery.alert.state() == v1::Alert::STATE_EVENT) {
      events[delivery.receiver].push_back(&delivery);
    }
  }
  int dropped = 0;
  for (auto& [receiver, of_receiver] : events) {
    std::sort(of_receiver.begin(), of_receiver.end(),
              [](const Delivery* a, const Delivery* b) { return a->version > b->version; });
    for (size_t i = 0; i < of_receiver.size(); ++i) {
      if (i < static_cast<size_t>(std::max(keep, 0)) &&
          FromProtoOrInfinitePast(of_receiver[i]->alert.starts_at()) >= before) {
        continue;
      }
      of_receiver[i]->pending = false;
      ++dropped;
    }
  }
  return dropped;
}

}  // namespace tcpmedic
