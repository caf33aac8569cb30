// A store that lasts as long as the process, for tests and for a run that is to leave nothing
// behind. Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_STORE_MEMORY_STORE_H_
#define TCPMEDIC_CONTROLLER_STORE_MEMORY_STORE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "controller/store/audit_chain.h"
#include "controller/store/store.h"

namespace tcpmedic {

class MemoryStore : public Store {
 public:
  absl::Status Commit(const Transaction& transaction) override;
  absl::StatusOr<std::vector<v1::Incident>> Incidents(const IncidentQuery& query) const override;
  absl::StatusOr<std::vector<v1::Incident>> IncidentsLive(absl::Time closed_since) const override;
  absl::StatusOr<std::vector<v1::Proposal>> Proposals(const std::string& incident_id,
                                                      int limit) const override;
  absl::StatusOr<std::vector<v1::Order>> Orders(const std::string& incident_id,
                                                int limit) const override;
  absl::StatusOr<std::vector<OutboxEntry>> Unperformed(int limit) const override;
  absl::Status MarkPerformed(const std::vector<std::string>& keys) override;
  absl::StatusOr<std::vector<v1::AuditEntry>> Audit(const std::string& subject,
                                                    int limit) const override;
  absl::Status VerifyAudit(int newest) const override;
  absl::Status ForgetBefore(absl::Time time) override;

  absl::StatusOr<std::vector<Delivery>> Undelivered(const std::string& receiver,
                                                    int limit) const override;
  absl::StatusOr<std::vector<Delivery>> Standing(const std::string& receiver, int64_t after,
                                                 int limit) const override;
  absl::Status RecordDeliveries(const std::vector<DeliveryRecord>& records) override;
  absl::StatusOr<std::map<std::string, int>> Waiting() const override;
  absl::StatusOr<int> DropEvents(absl::Time before, int keep) override;

 private:
  bool HasOrderNotOver(const std::string& incident_id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  struct Outgoing {
    OutboxEntry entry;
    bool performed = false;
  };

  std::vector<Delivery> DeliveriesThat(const std::string& receiver, int64_t after, int limit,
                                       bool (*matches)(const Delivery&)) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<std::string, v1::Incident> incidents_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Proposal> proposals_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Order> orders_ ABSL_GUARDED_BY(mutex_);
  std::vector<Outgoing> outbox_ ABSL_GUARDED_BY(mutex_);  // in the order of commits
  std::map<std::pair<std::string, std::string>, Delivery> deliveries_
      ABSL_GUARDED_BY(mutex_);  // by receiver and key
  int64_t newest_version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::AuditEntry> audit_ ABSL_GUARDED_BY(mutex_);
  ChainLink before_audit_ ABSL_GUARDED_BY(mutex_);
  ChainLink audit_head_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_STORE_MEMORY_STORE_H_
