// The controller's state, and the shell around its pure functions: what agents report and operators
// ask becomes events; the next state, the effects and the audit entries are committed in one
// transaction; only then is memory changed and are watchers told. A failed commit changes nothing,
// and its error goes to whoever caused it: a report is then not acknowledged, and the agent sends
// again.
//
// What is written when: every change that is worth reading, at once. Newer evidence of an unchanged
// incident is kept in memory and written at most every kEvidencePersistInterval; a crash loses no
// more than that, and the next report brings it back. Watchers see what is written.
//
// What is not known does not clear: a finding that is absent from a report is gone only if the
// report is complete, comes from our signatures, and the agent has looked long enough since it
// started or took them.
//
// Thread-safe. Commits wait for the disk under the lock.
#ifndef TCPMEDIC_CONTROLLER_COORDINATOR_H_
#define TCPMEDIC_CONTROLLER_COORDINATOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "controller/fleet.h"
#include "controller/order/wish_board.h"
#include "controller/policy/policy_set.h"
#include "controller/pursue.h"
#include "controller/store/store.h"
#include "core/clock.h"
#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

inline constexpr absl::Duration kEvidencePersistInterval = absl::Seconds(5);
inline constexpr int kMaxFindingsPerReport = 1000;
// Of the audit log's newest, at the start: some 20 ms of it.
inline constexpr int kAuditEntriesVerified = 10'000;
// Findings beyond it are not taken up, and the host is shown as degraded.
inline constexpr int kMaxOpenIncidentsPerHost = 2000;

struct CoordinatorOptions {
  std::string version;
  std::map<std::string, std::map<std::string, std::string>> host_labels;  // by host
  std::string policies_source;                      // for people: the directory
  absl::Duration retention = absl::Hours(24 * 90);  // of closed incidents and the audit log
};

// Called under the coordinator's lock: must neither wait nor call back.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void OnEvent(const v1::WatchEvent& event) = 0;
};

// Carries wishes to agents. Called under the coordinator's lock: must neither wait nor call back.
// What does not arrive is no loss: it is sent again with the host's next stream.
class WishCarrier {
 public:
  virtual ~WishCarrier() = default;
  virtual void OnWishes(uint64_t session, const v1::OrderSet& wishes) = 0;
};

// Tells people. At least once per key.
class Announcer {
 public:
  virtual ~Announcer() = default;
  virtual absl::Status Announce(const OutboxEntry& entry) = 0;
};

class Coordinator {
 public:
  // Verifies the audit log, loads what is live from the store, and asks the policies about
  // incidents that were decided under another revision. All pointers must outlive the coordinator.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(CoordinatorOptions options,
                                                            PolicySet policies, Store* store,
                                                            Announcer* announcer,
                                                            const Clock* clock);

  // ---- Agents. A session is one stream; a new one of the same host ends the one before.
  struct Welcomed {
    uint64_t session = 0;
    uint64_t superseded = 0;  // 0: none
    v1::Welcome welcome;
  };
  // InvalidArgument: not a host's name. ResourceExhausted: over kMaxHosts.
  absl::StatusOr<Welcomed> OnHello(const v1::Hello& hello);
  // OK: stored. Aborted: the session was superseded. InvalidArgument: a finding without signature.
  // ResourceExhausted: over a bound. Otherwise the store's error.
  absl::Status OnReport(uint64_t session, const v1::Report& report);
  void OnDisconnected(uint64_t session);
  // Those that an agent can look for: subject connection is for captures, which it has none of.
  v1::SignatureSet Signatures() const;
  // From now on each change of what is wished of a connected host is carried to it at once; nullptr
  // ends that, and when it has returned the carrier is not called again.
  void CarryWishes(WishCarrier* carrier);
  // Carries what is wished of the session's host, if anything: for a stream that has just begun.
  void RepeatWishes(uint64_t session);

  // ---- Operators, as operator.proto says.
  v1::ListHostsResponse ListHosts() const;
  absl::StatusOr<v1::ListIncidentsResponse> ListIncidents(
      const v1::ListIncidentsRequest& request) const;
  absl::StatusOr<v1::IncidentView> GetIncident(const std::string& id) const;
  absl::StatusOr<v1::IncidentView> Approve(const v1::ApproveRequest& request);
  absl::StatusOr<v1::IncidentView> Rollback(const v1::RollbackRequest& request);
  absl::StatusOr<v1::IncidentView> Reject(const v1::RejectRequest& request);
  absl::StatusOr<v1::IncidentView> Propose(const v1::ProposeRequest& request);
  v1::PolicyStatus GetPolicyStatus() const;
  absl::StatusOr<v1::ListAuditResponse> ListAudit(const v1::ListAuditRequest& request) const;
  // What the audit log was found to be at the start: of Store::VerifyAudit. A log that is not what
  // was written is shown by ListAudit and hinders nothing else.
  const absl::Status& audit_verdict() const { return audit_verdict_; }
  // Gives everything open, then `synced`, then each change until Unwatch has returned.
  void Watch(Watcher* watcher);
  void Unwatch(Watcher* watcher);

  // ---- Time and files.
  // Call about once a second: proposals and orders expire, silent hosts are noted, announcements
  // are made, old things forgotten. The first error; what failed is tried again at the next call.
  absl::Status Tick();
  // Takes a new revision into force, and asks it about what nobody has answered.
  absl::Status ReplacePolicies(PolicySet policies);
  // A newer revision has mistakes: the one in force stays, and GetPolicyStatus shows them. Empty:
  // it has none.
  void SetPolicyProblems(std::vector<std::string> problems);
  // What keeps receivers from hearing (Notifier::Problems), for GetPolicyStatus.
  void SetReceiverProblems(std::vector<std::string> problems);

 private:
  struct Key {
    std::string host, signature, group;
    auto operator<=>(const Key&) const = default;
  };
  struct Live {
    v1::IncidentView view;
    absl::Duration persisted_at;  // uptime
  };
  // Changes that are not true yet.
  struct Draft {
    struct Entry {
      v1::IncidentView view;
      bool persist;
    };
    Moment now;
    std::map<std::string, Entry> incidents;  // by id
    Transaction transaction;
  };

  Coordinator(CoordinatorOptions options, PolicySet policies, Store* store, Announcer* announcer,
              const Clock* clock, absl::Status audit_verdict);

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AskNewPolicies(Draft* draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status PursueInto(Draft* draft, const v1::IncidentView& view, const Event& event)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // An event of an order of this incident; `reported_at` as in PursueOrder.
  absl::Status PursueOrderInto(Draft* draft, const std::string& incident_id,
                               const std::string& order_id, const OrderEvent& event,
                               absl::Time reported_at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What both and PursueNewInto share: `pursue` under the circumstances of the host.
  using WithCircumstances = absl::FunctionRef<absl::StatusOr<Pursued>(const Circumstances&)>;
  absl::StatusOr<Pursued> PursueWith(const Draft& draft, const std::string& host,
                                     WithCircumstances pursue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(Draft* draft, Pursued pursued) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // As the draft has it, or as it is.
  const v1::IncidentView& Current(const Draft& draft, const std::string& incident_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status PursueNewInto(Draft* draft, const HostFacts& host, const v1::Finding& finding)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Commits, then changes memory and tells the watchers.
  absl::Status Conclude(Draft draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::IncidentView> Answer(const std::string& id, const Event& event)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // ---- Orders (coordinator_orders.cc).
  absl::Status TakeOrderReports(Draft* draft, const std::string& host, const v1::Report& report)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a host that is silent, or heard again.
  absl::Status NoteOrders(Draft* draft, const std::string& host, bool silent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ExpireOrders(const Moment& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  FleetOrders OrdersOf(const Draft& draft) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether limits or the host still need to know of an order of the incident.
  bool NeedsOrders(const v1::IncidentView& view, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CarryNews(const std::string& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::vector<const Live*> OpenOf(const std::string& host) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // From when a signature's condition begins until its finding is there. Zero: it is not ours.
  absl::Duration TimeToHold(const std::string& signature) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::IncidentView> Resolve(const std::string& typed) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::IncidentView> ViewOf(v1::Incident incident) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status ExpireProposals(const Moment& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status NoteSilentHosts(const Moment& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MakeAnnouncements();
  absl::Status ForgetOld(const Moment& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const CoordinatorOptions options_;
  Store* const store_;
  Announcer* const announcer_;
  const Clock* const clock_;
  const std::function<std::string(absl::string_view)> new_id_;
  const absl::Status audit_verdict_;

  mutable absl::Mutex mutex_;
  Fleet fleet_ ABSL_GUARDED_BY(mutex_);
  PolicySet policies_ ABSL_GUARDED_BY(mutex_);
  absl::Time policies_loaded_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> policy_problems_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> receiver_problems_ ABSL_GUARDED_BY(mutex_);
  WishBoard wishes_ ABSL_GUARDED_BY(mutex_);
  WishCarrier* carrier_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Incidents that a finding may still belong to (Claims) or whose orders are needed; the store has
  // all of them.
  std::map<std::string, Live> live_ ABSL_GUARDED_BY(mutex_);   // by id
  std::map<Key, std::string> by_key_ ABSL_GUARDED_BY(mutex_);  // the newest id of each
  std::set<Watcher*> watchers_ ABSL_GUARDED_BY(mutex_);
  absl::Duration forgot_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_COORDINATOR_H_
