// A store that lasts as long as the process, for tests and for a run that is to leave nothing
// behind. Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_STORE_MEMORY_STORE_H_
#define TCPMEDIC_CONTROLLER_STORE_MEMORY_STORE_H_

#include <map>
#include <string>
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

 private:
  bool HasOrderNotOver(const std::string& incident_id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  struct Outgoing {
    OutboxEntry entry;
    bool performed = false;
  };

  mutable absl::Mutex mutex_;
  std::map<std::string, v1::Incident> incidents_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Proposal> proposals_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Order> orders_ ABSL_GUARDED_BY(mutex_);
  std::vector<Outgoing> outbox_ ABSL_GUARDED_BY(mutex_);  // in the order of commits
  std::vector<v1::AuditEntry> audit_ ABSL_GUARDED_BY(mutex_);
  ChainLink before_audit_ ABSL_GUARDED_BY(mutex_);
  ChainLink audit_head_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_STORE_MEMORY_STORE_H_
