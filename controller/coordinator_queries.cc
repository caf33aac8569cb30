// What operators may see of the coordinator: hosts, incidents, the audit log, the policies in
// force, and each change as it comes. Nothing here changes anything.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/coordinator.h"
#include "controller/incident/ids.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr int kDefaultLimit = 100;
constexpr int kMaxLimit = 1000;

int Limit(int asked) { return asked <= 0 ? kDefaultLimit : std::min(asked, kMaxLimit); }

}  // namespace

v1::ListHostsResponse Coordinator::ListHosts() const {
  absl::MutexLock lock(&mutex_);
  v1::ListHostsResponse response = fleet_.List();
  for (v1::Host& host : *response.mutable_hosts()) {
    host.set_open_incidents(static_cast<int>(OpenOf(host.name()).size()));
  }
  return response;
}

absl::StatusOr<v1::ListIncidentsResponse> Coordinator::ListIncidents(
    const v1::ListIncidentsRequest& request) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::IncidentView> found;
  for (const auto& [id, live] : live_) {
    const v1::Incident& incident = live.view.incident();
    if (IsOpen(incident) && (request.host().empty() || incident.host() == request.host()) &&
        (request.signature().empty() || incident.finding().signature() == request.signature())) {
      found.push_back(live.view);
    }
  }
  std::sort(found.begin(), found.end(), [](const v1::IncidentView& a, const v1::IncidentView& b) {
    const auto order = [](const v1::IncidentView& view) {
      return std::make_pair(FromProtoOrInfinitePast(view.incident().opened_at()),
                            view.incident().id());
    };
    return order(a) > order(b);
  });
  const size_t limit = Limit(request.limit());
  if (request.include_closed() && found.size() <= limit) {
    IncidentQuery query;
    query.state = IncidentQuery::State::kClosed;
    query.host = request.host();
    query.signature = request.signature();
    query.limit = static_cast<int>(limit + 1 - found.size());
    auto closed = store_->Incidents(query);
    if (!closed.ok()) return closed.status();
    for (v1::Incident& incident : *closed) {
      absl::StatusOr<v1::IncidentView> view = ViewOf(std::move(incident));
      if (!view.ok()) return view.status();
      found.push_back(*std::move(view));
    }
  }
  v1::ListIncidentsResponse response;
  response.set_truncated(found.size() > limit);
  if (found.size() > limit) found.resize(limit);
  response.mutable_incidents()->Assign(found.begin(), found.end());
  return response;
}

absl::StatusOr<v1::IncidentView> Coordinator::ViewOf(v1::Incident incident) const {
  const auto live = live_.find(incident.id());
  if (live != live_.end()) return live->second.view;
  auto proposals = store_->Proposals(incident.id(), kProposalsAtHand);
  if (!proposals.ok()) return proposals.status();
  v1::IncidentView view;
  *view.mutable_incident() = std::move(incident);
  view.mutable_proposals()->Assign(proposals->begin(), proposals->end());
  auto orders = store_->Orders(view.incident().id(), kOrdersAtHand);
  if (!orders.ok()) return orders.status();
  view.mutable_orders()->Assign(orders->begin(), orders->end());
  return view;
}

absl::StatusOr<v1::IncidentView> Coordinator::Resolve(const std::string& typed) const {
  const std::string prefix = IncidentIdPrefix(typed);
  if (prefix.empty()) {
    return absl::NotFoundError(
        absl::StrCat("'", typed, "' is not an incident's id: `tcpmedic incidents` lists them"));
  }
  IncidentQuery query;
  query.id_prefix = prefix;
  query.limit = 5;
  auto found = store_->Incidents(query);
  if (!found.ok()) return found.status();
  if (found->empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no incident ", prefix, ": `tcpmedic incidents` lists them"));
  }
  if (found->size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(prefix, " could be any of ",
                     absl::StrJoin(*found, ", ",
                                   [](std::string* out, const v1::Incident& incident) {
                                     absl::StrAppend(out, incident.id());
                                   }),
                     ": type more of it"));
  }
  return ViewOf(std::move(found->front()));
}

absl::StatusOr<v1::IncidentView> Coordinator::GetIncident(const std::string& id) const {
  absl::MutexLock lock(&mutex_);
  return Resolve(id);
}

absl::StatusOr<v1::ListAuditResponse> Coordinator::ListAudit(
    const v1::ListAuditRequest& request) const {
  std::string subject;
  if (!request.id().empty()) {
    absl::MutexLock lock(&mutex_);
    absl::StatusOr<v1::IncidentView> view = Resolve(request.id());
    if (!view.ok()) return view.status();
    subject = view->incident().id();
  }
  auto entries = store_->Audit(subject, Limit(request.limit()));
  if (!entries.ok()) return entries.status();
  v1::ListAuditResponse response;
  response.mutable_entries()->Assign(entries->begin(), entries->end());
  if (!audit_verdict_.ok()) response.add_problems(std::string(audit_verdict_.message()));
  return response;
}

void Coordinator::Watch(Watcher* watcher) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, live] : live_) {
    if (!IsOpen(live.view.incident())) continue;
    v1::WatchEvent event;
    *event.mutable_incident() = live.view;
    event.set_initial(true);
    watcher->OnEvent(event);
  }
  v1::WatchEvent synced;
  synced.set_synced(true);
  watcher->OnEvent(synced);
  watchers_.insert(watcher);
}

void Coordinator::Unwatch(Watcher* watcher) {
  absl::MutexLock lock(&mutex_);
  watchers_.erase(watcher);
}

v1::PolicyStatus Coordinator::GetPolicyStatus() const {
  absl::MutexLock lock(&mutex_);
  v1::PolicyStatus status;
  status.set_revision(policies_.revision);
  status.set_digest(policies_.digest);
  status.set_source(options_.policies_source);
  *status.mutable_loaded_at() = ToProto(policies_loaded_at_);
  for (const v1::Signature& signature : policies_.signatures.signatures()) {
    status.add_signatures(signature.name());
  }
  for (const v1::Policy& policy : policies_.policies) status.add_policies(policy.name());
  for (const std::string& problem : policy_problems_) status.add_problems(problem);
  for (const std::string& problem : receiver_problems_) status.add_receiver_problems(problem);
  return status;
}

}  // namespace tcpmedic
