#include "controller/coordinator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/incident/explained.h"
#include "controller/incident/ids.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr int kAnnouncementsAtOnce = 100;
constexpr absl::Duration kForgetInterval = absl::Hours(1);

}  // namespace

Coordinator::Coordinator(CoordinatorOptions options, PolicySet policies, Store* store,
                         Announcer* announcer, const Clock* clock, absl::Status audit_verdict)
    : options_(std::move(options)),
      store_(store),
      announcer_(announcer),
      clock_(clock),
      new_id_(RandomId),
      audit_verdict_(std::move(audit_verdict)),
      fleet_(options_.host_labels, clock->Now()),
      policies_(std::move(policies)),
      policies_loaded_at_(clock->Now().wall) {}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(CoordinatorOptions options,
                                                                PolicySet policies, Store* store,
                                                                Announcer* announcer,
                                                                const Clock* clock) {
  // Before Load, which may add to it.
  absl::Status audit_verdict = store->VerifyAudit(kAuditEntriesVerified);
  std::unique_ptr<Coordinator> coordinator(new Coordinator(
      std::move(options), std::move(policies), store, announcer, clock, std::move(audit_verdict)));
  absl::MutexLock lock(&coordinator->mutex_);
  if (absl::Status loaded = coordinator->Load(); !loaded.ok()) return loaded;
  return coordinator;
}

absl::Status Coordinator::Load() {
  const Moment now = clock_->Now();
  auto incidents = store_->IncidentsLive(now.wall - std::max(kFlapWindow, LookBack(policies_)));
  if (!incidents.ok()) return incidents.status();
  for (v1::Incident& incident : *incidents) {
    absl::StatusOr<v1::IncidentView> view = ViewOf(std::move(incident));
    if (!view.ok()) return view.status();
    const v1::Incident& loaded = view->incident();
    fleet_.Know(loaded.host(), now);
    by_key_[{loaded.host(), loaded.finding().signature(), loaded.finding().group()}] = loaded.id();
    live_[loaded.id()] = {*view, now.uptime};
  }
  Draft draft{now, {}, {}};
  if (absl::Status asked = AskNewPolicies(&draft); !asked.ok()) return asked;
  return Conclude(std::move(draft));
}

// ---- Events into drafts, drafts into the truth.

absl::StatusOr<Pursued> Coordinator::PursueWith(const Draft& draft, const std::string& host,
                                                WithCircumstances pursue) {
  std::optional<uint64_t> nonce;
  if (const std::optional<Fleet::Agent> agent = fleet_.AgentOf(host)) nonce = agent->nonce;
  const std::function<FleetOrders()> orders = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return OrdersOf(draft);
  };
  return pursue({policies_, fleet_.Know(host, draft.now), new_id_, draft.now.wall, nonce, orders});
}

void Coordinator::Put(Draft* draft, Pursued pursued) {
  const std::string& id = pursued.next.incident().id();
  const auto live = live_.find(id);
  const bool due = live == live_.end() ||
                   draft->now.uptime - live->second.persisted_at >= kEvidencePersistInterval;
  draft->transaction.Append(pursued.transaction);
  Draft::Entry& entry = draft->incidents[id];
  entry = {std::move(pursued.next), entry.persist || pursued.noteworthy || due};
}

const v1::IncidentView& Coordinator::Current(const Draft& draft,
                                             const std::string& incident_id) const {
  const auto drafted = draft.incidents.find(incident_id);
  return drafted != draft.incidents.end() ? drafted->second.view : live_.at(incident_id).view;
}

absl::Status Coordinator::PursueInto(Draft* draft, const v1::IncidentView& view,
                                     const Event& event) {
  absl::StatusOr<Pursued> pursued = PursueWith(
      *draft, view.incident().host(),
      [&](const Circumstances& circumstances) { return Pursue(view, event, circumstances); });
  if (!pursued.ok()) return pursued.status();
  Put(draft, *std::move(pursued));
  return absl::OkStatus();
}

absl::Status Coordinator::PursueNewInto(Draft* draft, const HostFacts& host,
                                        const v1::Finding& finding) {
  std::string id;
  for (;;) {
    id = RandomId("i-");
    IncidentQuery same;
    same.id_prefix = id;
    absl::StatusOr<std::vector<v1::Incident>> known = store_->Incidents(same);
    if (!known.ok()) return known.status();
    if (known->empty() && draft->incidents.count(id) == 0) break;
  }
  absl::StatusOr<Pursued> pursued = PursueWith(
      *draft, host.name,
      [&](const Circumstances& circumstances) { return PursueNew(id, finding, circumstances); });
  if (!pursued.ok()) return pursued.status();
  Put(draft, *std::move(pursued));
  return absl::OkStatus();
}

absl::Status Coordinator::Conclude(Draft draft) {
  for (const auto& [id, entry] : draft.incidents) {
    if (entry.persist) draft.transaction.incidents.push_back(entry.view.incident());
  }
  if (!draft.transaction.empty()) {
    if (absl::Status committed = store_->Commit(draft.transaction); !committed.ok()) {
      return committed;
    }
  }
  for (auto& [id, entry] : draft.incidents) {
    const v1::Incident& incident = entry.view.incident();
    const auto [keyed, is_new] = by_key_.try_emplace(
        {incident.host(), incident.finding().signature(), incident.finding().group()}, id);
    // The orders of an older incident may outlive it: findings stay with the newest.
    if (!is_new && keyed->second != id &&
        FromProtoOrInfinitePast(live_.at(keyed->second).view.incident().opened_at()) <=
            FromProtoOrInfinitePast(incident.opened_at())) {
      keyed->second = id;
    }
    Live& live = live_[id];
    if (entry.persist) {
      live.persisted_at = draft.now.uptime;
      v1::WatchEvent event;
      *event.mutable_incident() = entry.view;
      for (Watcher* watcher : watchers_) watcher->OnEvent(event);
    }
    live.view = std::move(entry.view);
  }
  std::set<std::string> ordered;
  for (const v1::Order& order : draft.transaction.orders) ordered.insert(order.selector().host());
  for (const std::string& host : ordered) CarryNews(host);
  return absl::OkStatus();
}

// ---- Agents.

absl::StatusOr<Coordinator::Welcomed> Coordinator::OnHello(const v1::Hello& hello) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<Fleet::Connection> connection = fleet_.Connect(hello, clock_->Now());
  if (!connection.ok()) return connection.status();
  wishes_.Begin(hello.host());
  Welcomed welcomed;
  welcomed.session = connection->session;
  welcomed.superseded = connection->superseded;
  welcomed.welcome.set_controller_version(options_.version);
  *welcomed.welcome.mutable_signatures() = policies_.signatures;
  return welcomed;
}

absl::Status Coordinator::OnReport(uint64_t session, const v1::Report& report) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<Fleet::Hearing> hearing =
      fleet_.Hear(session, report, policies_.signatures.digest());
  if (!hearing.ok()) return hearing.status();
  if (report.findings_size() > kMaxFindingsPerReport) {
    return absl::ResourceExhaustedError(absl::StrCat("a report of ", report.findings_size(),
                                                     " findings, at most ", kMaxFindingsPerReport,
                                                     ": send fewer and set findings_omitted"));
  }
  const Moment now = clock_->Now();
  const HostFacts& host = fleet_.Know(hearing->host, now);
  Draft draft{now, {}, {}};
  if (hearing->was_lost) {
    for (const Live* live : OpenOf(host.name)) {
      if (absl::Status back = PursueInto(&draft, live->view, AgentBack{}); !back.ok()) return back;
    }
  }
  // Before the findings: what clears because of a change is told apart by how its order stands.
  absl::Status orders = NoteOrders(&draft, host.name, /*silent=*/false);
  if (orders.ok()) orders = TakeOrderReports(&draft, host.name, report);
  if (!orders.ok()) return orders;
  Explanations explanations;
  for (const auto& [id, live] : live_) {
    if (live.view.incident().host() == host.name) explanations.Add(Current(draft, id));
  }
  std::set<Key> present;
  int open = static_cast<int>(OpenOf(host.name).size());
  int not_taken = 0;
  for (const v1::Finding& finding : report.findings()) {
    const Key key{host.name, finding.signature(), finding.group()};
    if (!present.insert(key).second) continue;
    const auto known = by_key_.find(key);
    const Explanation* explanation = explanations.Of(finding);
    const bool is_claimed =
        known != by_key_.end() && Claims(live_.at(known->second).view.incident(), now.wall);
    absl::Status pursued;
    // What was there before the change goes on as what it was.
    if (explanation != nullptr &&
        !(is_claimed && live_.at(known->second).view.incident().finding_present())) {
      if (!explanation->is_told) {
        pursued = PursueInto(&draft, Current(draft, explanation->incident_id),
                             FindingExplained{finding, explanation->order_id});
      }
    } else if (is_claimed) {
      pursued = PursueInto(&draft, Current(draft, known->second), FindingObserved{finding});
    } else if (open >= kMaxOpenIncidentsPerHost) {
      ++not_taken;
    } else {
      ++open;
      pursued = PursueNewInto(&draft, host, finding);
    }
    if (!pursued.ok()) return pursued;
  }
  for (const auto& [id, live] : live_) {
    const v1::Incident& incident = live.view.incident();
    const Key key{incident.host(), incident.finding().signature(), incident.finding().group()};
    if (key.host != host.name || !incident.finding_present() || present.count(key) > 0 ||
        !hearing->AbsenceCounts(TimeToHold(key.signature))) {
      continue;
    }
    const absl::Status gone = PursueInto(&draft, Current(draft, id), FindingGone{});
    if (!gone.ok()) return gone;
  }
  wishes_.Hear(host.name, report);
  if (absl::Status concluded = Conclude(std::move(draft)); !concluded.ok()) return concluded;

  CarryNews(host.name);
  fleet_.Take(*hearing, report, now);
  if (not_taken > 0) {
    fleet_.NoteDegraded(host.name, absl::StrCat(not_taken, " findings are not taken up: ",
                                                kMaxOpenIncidentsPerHost, " incidents are open"));
  }
  return absl::OkStatus();
}

absl::Duration Coordinator::TimeToHold(const std::string& signature) const {
  for (const v1::Signature& known : policies_.signatures.signatures()) {
    // Named `for` in the files, which is a word of C++.
    if (known.name() == signature) return FromProto(known.window()) + FromProto(known.for_());
  }
  return absl::ZeroDuration();
}

void Coordinator::OnDisconnected(uint64_t session) {
  absl::MutexLock lock(&mutex_);
  fleet_.Disconnect(session);
}

v1::SignatureSet Coordinator::Signatures() const {
  absl::MutexLock lock(&mutex_);
  v1::SignatureSet for_agents = policies_.signatures;
  auto& signatures = *for_agents.mutable_signatures();
  signatures.erase(std::remove_if(signatures.begin(), signatures.end(),
                                  [](const v1::Signature& signature) {
                                    return signature.subject() == v1::SUBJECT_CONNECTION;
                                  }),
                   signatures.end());
  return for_agents;
}

std::vector<const Coordinator::Live*> Coordinator::OpenOf(const std::string& host) const {
  std::vector<const Live*> open;
  for (const auto& [id, live] : live_) {
    if (live.view.incident().host() == host && IsOpen(live.view.incident())) open.push_back(&live);
  }
  return open;
}

// ---- Operators.

absl::StatusOr<v1::IncidentView> Coordinator::Answer(const std::string& id, const Event& event) {
  absl::StatusOr<v1::IncidentView> view = Resolve(id);
  if (!view.ok()) return view.status();
  Draft draft{clock_->Now(), {}, {}};
  if (absl::Status pursued = PursueInto(&draft, *view, event); !pursued.ok()) return pursued;
  if (absl::Status concluded = Conclude(std::move(draft)); !concluded.ok()) return concluded;
  return live_.at(view->incident().id()).view;
}

absl::StatusOr<v1::IncidentView> Coordinator::Reject(const v1::RejectRequest& request) {
  absl::MutexLock lock(&mutex_);
  return Answer(request.id(), Rejected{request.actor(), request.reason()});
}

absl::StatusOr<v1::IncidentView> Coordinator::Propose(const v1::ProposeRequest& request) {
  absl::MutexLock lock(&mutex_);
  return Answer(request.id(), ProposeRequested{request.actor()});
}

// ---- Policies.

void Coordinator::SetPolicyProblems(std::vector<std::string> problems) {
  absl::MutexLock lock(&mutex_);
  policy_problems_ = std::move(problems);
}

void Coordinator::SetReceiverProblems(std::vector<std::string> problems) {
  absl::MutexLock lock(&mutex_);
  receiver_problems_ = std::move(problems);
}

absl::Status Coordinator::ReplacePolicies(PolicySet policies) {
  absl::MutexLock lock(&mutex_);
  if (policies.digest == policies_.digest) {
    policy_problems_.clear();
    return absl::OkStatus();
  }
  Draft draft{clock_->Now(), {}, {}};
  v1::AuditEntry entry;
  *entry.mutable_at() = ToProto(draft.now.wall);
  entry.set_actor("controller");
  entry.set_action("policies_changed");
  entry.set_subject(policies.revision);
  entry.set_detail(absl::StrCat("from revision ", policies_.revision));
  draft.transaction.audit.push_back(std::move(entry));
  std::swap(policies_, policies);
  absl::Status taken = AskNewPolicies(&draft);
  if (taken.ok()) taken = Conclude(std::move(draft));
  if (!taken.ok()) {
    std::swap(policies_, policies);
    return taken;
  }
  policies_loaded_at_ = clock_->Now().wall;
  policy_problems_.clear();
  return absl::OkStatus();
}

absl::Status Coordinator::AskNewPolicies(Draft* draft) {
  for (const auto& [id, live] : live_) {
    const v1::Incident& incident = live.view.incident();
    if (!IsOpen(incident) || incident.decision().revision() == policies_.revision) continue;
    absl::Status asked = PursueInto(draft, live.view, PoliciesChanged{policies_.revision});
    if (!asked.ok()) return asked;
  }
  return absl::OkStatus();
}

// ---- Time.

absl::Status Coordinator::Tick() {
  absl::Status first;
  {
    absl::MutexLock lock(&mutex_);
    const Moment now = clock_->Now();
    first.Update(ExpireProposals(now));
    first.Update(NoteSilentHosts(now));
    first.Update(ExpireOrders(now));
    first.Update(ForgetOld(now));
  }
  first.Update(MakeAnnouncements());
  return first;
}

absl::Status Coordinator::ExpireProposals(const Moment& now) {
  Draft draft{now, {}, {}};
  for (const auto& [id, live] : live_) {
    const v1::Incident& incident = live.view.incident();
    for (const v1::Proposal& proposal : live.view.proposals()) {
      if (proposal.id() != incident.proposal_id() || !IsOverdue(proposal, now.wall)) continue;
      absl::Status expired = PursueInto(&draft, live.view, ProposalExpired{});
      if (!expired.ok()) return expired;
    }
  }
  return Conclude(std::move(draft));
}

absl::Status Coordinator::NoteSilentHosts(const Moment& now) {
  for (const Fleet::Silent& silent : fleet_.NewlySilent(now)) {
    Draft draft{now, {}, {}};
    for (const Live* live : OpenOf(silent.host)) {
      absl::Status noted = PursueInto(&draft, live->view, AgentLost{silent.last_report_at});
      if (!noted.ok()) return noted;
    }
    const absl::Status orders = NoteOrders(&draft, silent.host, /*silent=*/true);
    if (!orders.ok()) return orders;
    if (absl::Status concluded = Conclude(std::move(draft)); !concluded.ok()) return concluded;
    fleet_.MarkLost(silent.host);
  }
  return absl::OkStatus();
}

absl::Status Coordinator::ForgetOld(const Moment& now) {
  for (auto it = live_.begin(); it != live_.end();) {
    const v1::Incident& incident = it->second.view.incident();
    if (Claims(incident, now.wall) || NeedsOrders(it->second.view, now.wall)) {
      ++it;
      continue;
    }
    const auto keyed =
        by_key_.find({incident.host(), incident.finding().signature(), incident.finding().group()});
    if (keyed != by_key_.end() && keyed->second == incident.id()) by_key_.erase(keyed);
    it = live_.erase(it);
  }
  if (now.uptime - forgot_at_ < kForgetInterval) return absl::OkStatus();
  absl::Status forgotten = store_->ForgetBefore(now.wall - options_.retention);
  if (forgotten.ok()) forgot_at_ = now.uptime;
  return forgotten;
}

absl::Status Coordinator::MakeAnnouncements() {
  auto entries = store_->Unperformed(kAnnouncementsAtOnce);
  if (!entries.ok()) return entries.status();
  absl::Status first;
  std::vector<std::string> performed;
  for (const OutboxEntry& entry : *entries) {
    absl::Status announced = announcer_->Announce(entry);
    if (announced.ok()) {
      performed.push_back(entry.key);
    } else {
      first.Update(announced);
    }
  }
  if (!performed.empty()) first.Update(store_->MarkPerformed(performed));
  return first;
}

}  // namespace tcpmedic
