// What the controller remembers: incidents, their proposals and orders, announcements and
// alerts still to be made, and the audit log. Everything that one event changes is committed in one
// transaction; what Commit has acknowledged survives kill -9 and loss of power. Implementations are
// thread-safe, and pass one contract suite (tests/controller/store).
//
// Errors of every call: ResourceExhausted: the disk or the store's bound is full; DataLoss: the
// stored bytes are damaged; Unavailable: the disk failed. Each names the file. After an error
// nothing of the call has happened.
#ifndef TCPMEDIC_CONTROLLER_STORE_STORE_H_
#define TCPMEDIC_CONTROLLER_STORE_STORE_H_

#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/deliveries.h"
#include "tcpmedic/v1/incident.pb.h"
#include "tcpmedic/v1/operator.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

// An effect on the world outside, performed after the commit, at least once. A crash between
// performing and recording that costs a repetition under the same key; committing a known key again
// changes nothing.
struct OutboxEntry {
  std::string key;
  std::string incident_id;
  std::string what;
  std::string text;

  bool operator==(const OutboxEntry&) const = default;
};

struct Transaction {
  std::vector<v1::Incident> incidents;  // new or replaced, by id; of several the last counts
  std::vector<v1::Proposal> proposals;  // likewise
  std::vector<OutboxEntry> outbox;
  std::vector<v1::AuditEntry> audit;   // in order; sequence and hash are the store's
  std::vector<v1::Order> orders = {};  // as incidents
  std::vector<AddressedAlert> alerts = {};

  bool empty() const {
    return incidents.empty() && proposals.empty() && outbox.empty() && audit.empty() &&
           orders.empty() && alerts.empty();
  }
  void Append(const Transaction& later) {
    incidents.insert(incidents.end(), later.incidents.begin(), later.incidents.end());
    proposals.insert(proposals.end(), later.proposals.begin(), later.proposals.end());
    outbox.insert(outbox.end(), later.outbox.begin(), later.outbox.end());
    audit.insert(audit.end(), later.audit.begin(), later.audit.end());
    orders.insert(orders.end(), later.orders.begin(), later.orders.end());
    alerts.insert(alerts.end(), later.alerts.begin(), later.alerts.end());
  }
};

struct IncidentQuery {
  enum class State { kAny, kOpen, kClosed };
  State state = State::kAny;
  std::string id_prefix;  // empty: every id
  std::string host;       // empty: every host
  std::string signature;  // empty: every signature
  int limit = 100;
};

// For VerifyAudit.
inline constexpr int kWholeAuditLog = std::numeric_limits<int>::max();

class Store : public Deliveries {
 public:
  virtual absl::Status Commit(const Transaction& transaction) = 0;

  // Open ones first, then the newest first.
  virtual absl::StatusOr<std::vector<v1::Incident>> Incidents(const IncidentQuery& query) const = 0;
  // Those to which something may still happen: open, or with the finding present, or closed at or
  // after the time, or with an order that is not over. All of them, oldest first.
  virtual absl::StatusOr<std::vector<v1::Incident>> IncidentsLive(
      absl::Time closed_since) const = 0;
  // Of one incident, newest first.
  virtual absl::StatusOr<std::vector<v1::Proposal>> Proposals(const std::string& incident_id,
                                                              int limit) const = 0;

  // Of one incident, newest first: all that are not over, and at most `limit` that are.
  virtual absl::StatusOr<std::vector<v1::Order>> Orders(const std::string& incident_id,
                                                        int limit) const = 0;

  // Effects committed and not yet marked as performed, oldest first.
  virtual absl::StatusOr<std::vector<OutboxEntry>> Unperformed(int limit) const = 0;
  virtual absl::Status MarkPerformed(const std::vector<std::string>& keys) = 0;

  // Newest first; an empty subject means every one.
  virtual absl::StatusOr<std::vector<v1::AuditEntry>> Audit(const std::string& subject,
                                                            int limit) const = 0;
  // Whether the `newest` so many entries follow each other up to the last one written, and the
  // oldest of them follows the entry before. DataLoss names the first entry that is not what was
  // written, or says that the newest are missing.
  virtual absl::Status VerifyAudit(int newest) const = 0;

  // Forgets incidents closed before `time` whose finding is gone and whose orders are over, with
  // their proposals, orders, performed effects and deliveries, and the audit entries from before
  // it.
  virtual absl::Status ForgetBefore(absl::Time time) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_STORE_STORE_H_
