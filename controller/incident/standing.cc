#include "controller/incident/standing.h"

#include <algorithm>

#include "controller/policy/policy_document.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// The change was for the whole namespace and is in force no more: its lease ran out, somebody else
// set the value, or it was taken back. (What is in force would still explain the finding.)
bool HasLostItsSetting(const v1::Incident& incident) {
  return incident.finding().subject() == v1::SUBJECT_NETNS &&
         (incident.order_state() == v1::Order::STATE_ENDED ||
          incident.order_state() == v1::Order::STATE_DRIFTED);
}

}  // namespace

bool IsOpen(const v1::Incident& incident) { return incident.state() == v1::Incident::STATE_OPEN; }

bool IsPending(const v1::Incident& incident) {
  return incident.proposal_state() == v1::Proposal::STATE_PENDING;
}

bool IsUnanswered(const v1::Incident& incident) {
  return incident.proposal_state() == v1::Proposal::STATE_UNSPECIFIED ||
         incident.proposal_state() == v1::Proposal::STATE_VOID;
}

bool IsRejectedAndPresent(const v1::Incident& incident) {
  return !IsOpen(incident) && incident.outcome() == v1::Incident::OUTCOME_REJECTED &&
         incident.finding_present();
}

bool HasFailed(const v1::Incident& incident) {
  return !IsOpen(incident) && incident.outcome() == v1::Incident::OUTCOME_FAILED;
}

bool IsRemedied(const v1::Incident& incident) {
  return !IsOpen(incident) && incident.outcome() == v1::Incident::OUTCOME_REMEDIED;
}

bool Claims(const v1::Incident& incident, absl::Time now) {
  if (IsOpen(incident) || IsRejectedAndPresent(incident)) return true;
  // What comes now is not what the change has answered, and must not go unseen behind it.
  if (IsRemedied(incident) && HasLostItsSetting(incident)) return false;
  if (IsRemedied(incident) || HasFailed(incident)) {
    // Our own change explains what is there, and what comes with its undoing.
    return incident.finding_present() || now < FromProtoOrInfinitePast(incident.covered_until()) ||
           now - FromProtoOrInfinitePast(incident.closed_at()) <= kFlapWindow;
  }
  const bool cleared = incident.outcome() == v1::Incident::OUTCOME_CLEARED ||
                       incident.outcome() == v1::Incident::OUTCOME_NOTED ||
                       incident.outcome() == v1::Incident::OUTCOME_ALERTED;
  return cleared && now - FromProtoOrInfinitePast(incident.closed_at()) <= kFlapWindow;
}

bool HasOrderUnderWay(const v1::Incident& incident) {
  switch (incident.order_state()) {
    case v1::Order::STATE_PENDING:
    case v1::Order::STATE_DISPATCHED:
    case v1::Order::STATE_APPLIED:
    case v1::Order::STATE_COMMITTING:
    case v1::Order::STATE_UNKNOWN:
      return true;
    default:
      return false;
  }
}

bool WantsMoreThanNotes(const v1::Decision& decision) {
  return std::any_of(decision.actions().begin(), decision.actions().end(),
                     [](const v1::Action& action) { return !action.has_note(); });
}

bool OnlyAlerts(const v1::Decision& decision) {
  const auto& actions = decision.actions();
  return std::any_of(actions.begin(), actions.end(),
                     [](const v1::Action& action) { return action.has_raise_alert(); }) &&
         std::none_of(actions.begin(), actions.end(), ChangesHost);
}

}  // namespace tcpmedic
