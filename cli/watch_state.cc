#include "cli/watch_state.h"

#include <algorithm>
#include <vector>

namespace tcpmedic::cli {
namespace {

bool IsOpen(const v1::IncidentView& view) {
  return view.incident().state() == v1::Incident::STATE_OPEN;
}

std::string NewestEntry(const v1::Incident& incident) {
  if (incident.timeline().empty()) return "";
  return incident.timeline(incident.timeline_size() - 1).SerializeAsString();
}

}  // namespace

void WatchState::BeginStream() {
  synced_ = false;
  for (auto& [id, known] : known_) known.in_this_stream = false;
}

bool WatchState::Apply(const v1::WatchEvent& event) {
  if (event.synced()) {
    synced_ = true;
    std::erase_if(known_, [](const auto& entry) {
      return !entry.second.in_this_stream && IsOpen(entry.second.view);
    });
    return false;
  }
  const v1::Incident& incident = event.incident().incident();
  const auto [entry, is_new] = known_.try_emplace(incident.id());
  Known& known = entry->second;
  std::string newest = NewestEntry(incident);
  const bool news = is_new || known.newest != newest;
  known.view = event.incident();
  known.newest = std::move(newest);
  known.in_this_stream = true;
  return news;
}

int WatchState::open() const {
  return static_cast<int>(std::count_if(
      known_.begin(), known_.end(), [](const auto& entry) { return IsOpen(entry.second.view); }));
}

v1::ListIncidentsResponse WatchState::Incidents(int max_closed) const {
  std::vector<const v1::IncidentView*> sorted;
  for (const auto& [id, known] : known_) sorted.push_back(&known.view);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    if (IsOpen(*a) != IsOpen(*b)) return IsOpen(*a);
    return a->incident().opened_at().seconds() > b->incident().opened_at().seconds();
  });
  v1::ListIncidentsResponse incidents;
  for (const v1::IncidentView* view : sorted) {
    if (!IsOpen(*view) && max_closed-- <= 0) break;
    *incidents.add_incidents() = *view;
  }
  return incidents;
}

}  // namespace tcpmedic::cli
