#include "controller/pursue.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/incident/proposal.h"
#include "controller/notify/alert.h"
#include "controller/order/sampling.h"
#include "controller/order/verify.h"
#include "controller/policy/policy_document.h"
#include "controller/policy/propose.h"
#include "proto/proto_time.h"

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

// The newest first.
template <typename T>
void PutFirst(google::protobuf::RepeatedPtrField<T>* all, T first) {
  *all->Add() = std::move(first);
  for (int i = all->size() - 1; i > 0; --i) all->SwapElements(i, i - 1);
}

class Pursuit {
 public:
  Pursuit(v1::IncidentView view, const Circumstances& circumstances)
      : circumstances_(circumstances),
        before_(view.incident()),
        sampled_before_(SampledInWords(view)) {
    pursued_.next = std::move(view);
  }

  absl::StatusOr<Pursued> Run(absl::StatusOr<Step> first) {
    if (absl::Status taken = Take(std::move(first)); !taken.ok()) return taken;
    return Finish();
  }

  absl::StatusOr<Pursued> RunOrder(const std::string& order_id, const OrderEvent& event,
                                   absl::Time reported_at) {
    v1::Order* order = OrderAtHand(order_id);
    if (order == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(pursued_.next.incident().id(), " has no order ", order_id));
    }
    const v1::Order was = *order;
    absl::StatusOr<v1::Order> next = Advance(was, event, circumstances_.now);
    if (!next.ok()) return next.status();
    if (std::holds_alternative<OrderReported>(event) && next->state() == v1::Order::STATE_APPLIED &&
        next->roll_back_by().empty() && ChangesHost(next->action())) {
      const v1::Proposal* proposal = ProposalAtHand(next->proposal_id());
      if (proposal == nullptr) return Missing(next->proposal_id());
      if (auto verdict = Judge(proposal->verify(), *next, reported_at)) {
        next = Advance(*next, OrderJudged{*std::move(verdict)}, circumstances_.now);
        if (!next.ok()) return next.status();
      }
    }
    if (next->SerializeAsString() != was.SerializeAsString()) {
      *order = *next;
      pursued_.transaction.orders.push_back(*next);
    }
    if (absl::Status told = Continue(OrderChanged{was, *std::move(next)}); !told.ok()) return told;
    return Finish();
  }

 private:
  absl::StatusOr<Pursued> Finish() {
    absl::Status followed = FollowAll();
    if (followed.ok() && MayApproveItself()) {
      followed =
          Continue(Approved{absl::StrCat("policy ", pursued_.next.incident().decision().policy())});
      if (followed.ok()) followed = FollowAll();
    }
    if (!followed.ok()) return followed;
    Tell(AlertsBetween({before_, sampled_before_},
                       {pursued_.next.incident(), SampledInWords(pursued_.next)},
                       circumstances_.host, circumstances_.now));
    const Transaction& transaction = pursued_.transaction;
    pursued_.noteworthy =
        !transaction.audit.empty() || !transaction.proposals.empty() || !transaction.orders.empty();
    return std::move(pursued_);
  }
  absl::Status FollowAll() {
    while (!effects_.empty()) {
      const Effect effect = std::move(effects_.front());
      effects_.pop_front();
      const absl::Status followed =
          std::visit([this](const auto& what) { return Follow(what); }, effect);
      if (!followed.ok()) return followed;
    }
    return absl::OkStatus();
  }

  // A policy's own approval waits, as a person's would be refused, until it is possible.
  bool MayApproveItself() {
    const v1::Incident& incident = pursued_.next.incident();
    if (incident.proposal_state() != v1::Proposal::STATE_PENDING ||
        incident.state() != v1::Incident::STATE_OPEN || !incident.finding_present() ||
        incident.finding().confidence() != v1::CONFIDENCE_CERTAIN) {
      return false;
    }
    const v1::Proposal* proposal = ProposalAtHand(incident.proposal_id());
    return proposal != nullptr && proposal->approval().mode() == v1::Approval::MODE_AUTO &&
           !IsOverdue(*proposal, circumstances_.now) && Allowed(*proposal).ok();
  }

  // At most how many sockets an order of the proposal may change now, or why there can be none.
  absl::StatusOr<int> Allowed(const v1::Proposal& proposal) const {
    const std::string& host = circumstances_.host.name;
    if (!circumstances_.agent_nonce.has_value()) {
      return absl::FailedPreconditionError(absl::StrCat(
          host, " is not connected: nothing can be sent to it; `tcpmedic hosts` shows when it is"));
    }
    for (const v1::Order& order : pursued_.next.orders()) {
      if (!IsUnderWay(order)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(pursued_.next.incident().id(), " has an order under way, ", order.id()));
    }
    const auto policy = std::find_if(
        circumstances_.policies.policies.begin(), circumstances_.policies.policies.end(),
        [&](const v1::Policy& candidate) { return candidate.name() == proposal.policy(); });
    if (policy == circumstances_.policies.policies.end() ||
        proposal.revision() != circumstances_.policies.revision) {
      return absl::FailedPreconditionError(absl::StrCat("proposal ", proposal.id(), " is of ",
                                                        proposal.revision(),
                                                        ", which is no longer in force"));
    }
    return TargetsAllowed(proposal, policy->limits(), circumstances_.fleet_orders(),
                          circumstances_.now);
  }

  v1::Proposal* ProposalAtHand(const std::string& id) {
    for (v1::Proposal& proposal : *pursued_.next.mutable_proposals()) {
      if (proposal.id() == id) return &proposal;
    }
    return nullptr;
  }
  v1::Order* OrderAtHand(const std::string& id) {
    for (v1::Order& order : *pursued_.next.mutable_orders()) {
      if (order.id() == id) return &order;
    }
    return nullptr;
  }
  absl::Status Missing(const std::string& proposal_id) const {
    return absl::InternalError(absl::StrCat("proposal ", proposal_id, " of ",
                                            pursued_.next.incident().id(), " is not at hand"));
  }

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
    const bool wants_proposal = !ask.only_decide && WantsProposal(decision);
    return Continue(Decided{std::move(decision), wants_proposal, ask.asked_by});
  }

  absl::Status Follow(const Propose&) {
    const v1::Incident& incident = pursued_.next.incident();
    absl::StatusOr<v1::Proposal> proposal = MakeProposal(
        circumstances_.policies, incident.decision(), incident.finding(), circumstances_.host,
        {circumstances_.new_id("p-"), incident.id()}, circumstances_.now);
    if (!proposal.ok()) {
      if (!asked_by_.empty()) return proposal.status();
      return Continue(CannotPropose{std::string(proposal.status().message())});
    }
    auto* at_hand = pursued_.next.mutable_proposals();
    PutFirst(at_hand, *proposal);
    if (at_hand->size() > kProposalsAtHand) at_hand->RemoveLast();
    pursued_.transaction.proposals.push_back(*proposal);
    return Continue(Proposed{*std::move(proposal)});
  }

  absl::Status Follow(const EndProposal& end) {
    v1::Proposal* proposal = ProposalAtHand(pursued_.next.incident().proposal_id());
    if (proposal == nullptr) return Missing(pursued_.next.incident().proposal_id());
    return Replace(proposal, End(*proposal, end.ending, circumstances_.now));
  }

  absl::Status Follow(const TakeApproval& approval) {
    v1::Proposal* proposal = ProposalAtHand(pursued_.next.incident().proposal_id());
    if (proposal == nullptr) return Missing(pursued_.next.incident().proposal_id());
    const absl::Status taken =
        Replace(proposal, Approve(*proposal, approval.by, circumstances_.now));
    if (!taken.ok()) return taken;
    return Continue(ApprovalTaken{*proposal});
  }

  absl::Status Replace(v1::Proposal* proposal, absl::StatusOr<v1::Proposal> next) {
    if (!next.ok()) return next.status();
    *proposal = *std::move(next);
    pursued_.transaction.proposals.push_back(*proposal);
    return absl::OkStatus();
  }

  absl::Status Follow(const IssueOrder&) {
    const v1::Proposal* proposal = ProposalAtHand(pursued_.next.incident().proposal_id());
    if (proposal == nullptr) return Missing(pursued_.next.incident().proposal_id());
    const absl::StatusOr<int> allowed = Allowed(*proposal);
    if (!allowed.ok()) return allowed.status();
    const absl::Time now = circumstances_.now;
    absl::StatusOr<v1::Order> order =
        Advance(MakeOrder(*proposal, circumstances_.new_id("o-"), *allowed, now),
                OrderDispatched{*circumstances_.agent_nonce, now + kDispatchPatience}, now);
    if (!order.ok()) return order.status();
    auto* at_hand = pursued_.next.mutable_orders();
    PutFirst(at_hand, *order);
    for (int i = at_hand->size() - 1; i > 0 && at_hand->size() > kOrdersAtHand; --i) {
      if (IsOver(at_hand->Get(i))) at_hand->DeleteSubrange(i, 1);
    }
    pursued_.transaction.orders.push_back(*order);
    return Continue(OrderChanged{v1::Order(), *std::move(order)});
  }

  absl::Status Follow(const LookForUntried&) {
    const v1::Incident& incident = pursued_.next.incident();
    std::set<uint64_t> tried;
    for (const v1::Order& order : pursued_.next.orders()) {
      for (const v1::Target& target : order.targets()) tried.insert(target.socket().cookie());
    }
    int untried = 0;
    for (const v1::SocketRef& socket : incident.finding().sockets()) {
      untried += tried.count(socket.cookie()) == 0;
    }
    if (untried == 0) return absl::OkStatus();
    const v1::Proposal* proposal = ProposalAtHand(incident.proposal_id());
    const bool covered = proposal != nullptr &&
                         circumstances_.now < FromProtoOrInfinitePast(incident.covered_until()) &&
                         proposal->revision() == circumstances_.policies.revision;
    // The limits hold for them too: what is covered waits for its turn.
    if (covered && !Allowed(*proposal).ok()) return absl::OkStatus();
    return Continue(UntriedSockets{untried, covered});
  }

  absl::Status Follow(const Announce& announce) {
    pursued_.transaction.outbox.push_back(
        {announce.key, pursued_.next.incident().id(), announce.what, announce.text});
    if (!IsNotified(announce.what)) return absl::OkStatus();
    const v1::Incident& incident = pursued_.next.incident();
    for (const v1::Policy& policy : circumstances_.policies.policies) {
      if (policy.name() != incident.decision().policy()) continue;
      Tell(EventFor(incident, circumstances_.host, announce.key, announce.what, announce.text,
                    policy.notify(), circumstances_.now));
    }
    return absl::OkStatus();
  }

  void Tell(std::vector<AddressedAlert> alerts) {
    for (AddressedAlert& alert : alerts) pursued_.transaction.alerts.push_back(std::move(alert));
  }

  const Circumstances& circumstances_;
  const v1::Incident before_;
  const std::string sampled_before_;
  Pursued pursued_;
  std::deque<Effect> effects_;
  std::string asked_by_;
};

}  // namespace

absl::StatusOr<Pursued> Pursue(const v1::IncidentView& view, const Event& event,
                               const Circumstances& circumstances) {
  return Pursuit(view, circumstances).Run(Advance(view.incident(), event, circumstances.now));
}

absl::StatusOr<Pursued> PursueOrder(const v1::IncidentView& view, const std::string& order_id,
                                    const OrderEvent& event, absl::Time reported_at,
                                    const Circumstances& circumstances) {
  return Pursuit(view, circumstances).RunOrder(order_id, event, reported_at);
}

absl::StatusOr<Pursued> PursueNew(const std::string& id, const v1::Finding& finding,
                                  const Circumstances& circumstances) {
  return Pursuit(v1::IncidentView(), circumstances)
      .Run(OpenIncident(id, circumstances.host.name, finding, circumstances.now));
}

}  // namespace tcpmedic
