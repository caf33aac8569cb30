#include "controller/pursue.h"

#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/incident/proposal.h"
#include "controller/policy/propose.h"

namespace tcpmedic {
namespace {

v1::AuditEntry AuditOf(const std::string& incident_id, const v1::TimelineEntry& entry) {
  v1::AuditEntry audit;
  *audit.mutable_at() = entry.at();
  audit.set_actor(entry.actor());
  audit.set_action(entry.what());
  audit.set_subject(incident_id);
  audit.set_detail(entry.text());
  return audit;
}

class Pursuit {
 public:
  Pursuit(v1::IncidentView view, const Circumstances& circumstances)
      : circumstances_(circumstances) {
    pursued_.next = std::move(view);
  }

  absl::StatusOr<Pursued> Run(absl::StatusOr<Step> first) {
    if (absl::Status taken = Take(std::move(first)); !taken.ok()) return taken;
    while (!effects_.empty()) {
      const Effect effect = std::move(effects_.front());
      effects_.pop_front();
      const absl::Status followed =
          std::visit([this](const auto& what) { return Follow(what); }, effect);
      if (!followed.ok()) return followed;
    }
    pursued_.noteworthy =
        !pursued_.transaction.audit.empty() || !pursued_.transaction.proposals.empty();
    return std::move(pursued_);
  }

 private:
  absl::Status Take(absl::StatusOr<Step> step) {
    if (!step.ok()) return step.status();
    *pursued_.next.mutable_incident() = std::move(step->next);
    for (const v1::TimelineEntry& entry : step->happened) {
      pursued_.transaction.audit.push_back(AuditOf(pursued_.next.incident().id(), entry));
    }
    for (Effect& effect : step->effects) effects_.push_back(std::move(effect));
    return absl::OkStatus();
  }
  absl::Status Continue(const Event& event) {
    return Take(Advance(pursued_.next.incident(), event, circumstances_.now));
  }

  absl::Status Follow(const AskPolicy& ask) {
    asked_by_ = ask.asked_by;
    v1::Decision decision =
        Decide(circumstances_.policies, pursued_.next.incident().finding(), circumstances_.host);
    const bool wants_proposal = WantsProposal(decision);
    return Continue(Decided{std::move(decision), wants_proposal, ask.asked_by});
  }

  absl::Status Follow(const Propose&) {
    const v1::Incident& incident = pursued_.next.incident();
    absl::StatusOr<v1::Proposal> proposal = MakeProposal(
        circumstances_.policies, incident.decision(), incident.finding(), circumstances_.host,
        {circumstances_.new_proposal_id(), incident.id()}, circumstances_.now);
    if (!proposal.ok()) {
      if (!asked_by_.empty()) return proposal.status();
      return Continue(CannotPropose{std::string(proposal.status().message())});
    }
    auto* at_hand = pursued_.next.mutable_proposals();
    *at_hand->Add() = *proposal;
    for (int i = at_hand->size() - 1; i > 0; --i) at_hand->SwapElements(i, i - 1);
    if (at_hand->size() > kProposalsAtHand) at_hand->RemoveLast();
    pursued_.transaction.proposals.push_back(*proposal);
    return Continue(Proposed{*std::move(proposal)});
  }

  absl::Status Follow(const EndProposal& end) {
    const std::string& id = pursued_.next.incident().proposal_id();
    for (v1::Proposal& proposal : *pursued_.next.mutable_proposals()) {
      if (proposal.id() != id) continue;
      absl::StatusOr<v1::Proposal> ended = End(proposal, end.ending, circumstances_.now);
      if (!ended.ok()) return ended.status();
      proposal = *std::move(ended);
      pursued_.transaction.proposals.push_back(proposal);
      return absl::OkStatus();
    }
    return absl::InternalError(
        absl::StrCat("proposal ", id, " of ", pursued_.next.incident().id(), " is not at hand"));
  }

  absl::Status Follow(const Announce& announce) {
    pursued_.transaction.outbox.push_back(
        {announce.key, pursued_.next.incident().id(), announce.what, announce.text});
    return absl::OkStatus();
  }

  const Circumstances& circumstances_;
  Pursued pursued_;
  std::deque<Effect> effects_;
  std::string asked_by_;
};

}  // namespace

absl::StatusOr<Pursued> Pursue(const v1::IncidentView& view, const Event& event,
                               const Circumstances& circumstances) {
  return Pursuit(view, circumstances).Run(Advance(view.incident(), event, circumstances.now));
}

absl::StatusOr<Pursued> PursueNew(const std::string& id, const v1::Finding& finding,
                                  const Circumstances& circumstances) {
  return Pursuit(v1::IncidentView(), circumstances)
      .Run(OpenIncident(id, circumstances.host.name, finding, circumstances.now));
}

}  // namespace tcpmedic
