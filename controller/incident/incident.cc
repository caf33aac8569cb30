#include "controller/incident/incident.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/incident/explained.h"
#include "controller/order/order.h"
#include "controller/order/story.h"
#include "controller/policy/policy_document.h"
#include "controller/policy/propose.h"
#include "proto/proto_time.h"
#include "proto/words.h"

namespace tcpmedic {
namespace {

constexpr char kAgent[] = "agent";
constexpr char kController[] = "controller";

std::string SeverityWord(v1::Severity severity) { return Name(severity, "of no severity"); }
std::string ConfidenceWord(v1::Confidence confidence) {
  return Name(confidence, "of no confidence");
}
std::string OutcomeWord(v1::Incident::Outcome outcome) { return Name(outcome, "closed"); }

std::string ActionsOf(const v1::Decision& decision) {
  return absl::StrJoin(decision.actions(), "; ", [](std::string* out, const v1::Action& action) {
    absl::StrAppend(out, Words(action));
  });
}

std::string Clock(absl::Time time) {
  return absl::FormatTime("%H:%M:%SZ", time, absl::UTCTimeZone());
}

// "netns of pid 812 (nginx)"; a finding of an agent that knows no name has its cookie.
std::string NetnsWord(const v1::NetworkNamespace& netns) {
  if (netns.name().empty()) return absl::StrCat("network namespace ", netns.cookie());
  return netns.name() == "host" ? "the host's network namespace" : netns.name();
}

// What would be done to what.
std::string WhatIsProposed(const v1::Proposal& proposal, const v1::Finding& finding) {
  const std::string what = Words(proposal.action());
  if (proposal.action().has_set_sysctl()) {
    return absl::StrCat(what, " in ", NetnsWord(finding.netns()));
  }
  if (!proposal.action().has_sample_call_sites()) {
    return absl::StrCat(what, ", at most ", proposal.targets_max(), " targets");
  }
  if (finding.processes().empty()) return what;
  return absl::StrCat(what, " of ", finding.processes(0).comm(), " (pid ",
                      finding.processes(0).pid(), ")");
}

bool SameDecision(const v1::Decision& a, const v1::Decision& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

// One transition under construction.
class Transition {
 public:
  Transition(const v1::Incident& incident, absl::Time now) : step_{incident, {}, {}}, now_(now) {}

  absl::StatusOr<Step> operator()(const FindingObserved& event);
  absl::StatusOr<Step> operator()(const FindingExplained& event);
  absl::StatusOr<Step> operator()(const FindingGone& event);
  absl::StatusOr<Step> operator()(const Decided& event);
  absl::StatusOr<Step> operator()(const Proposed& event);
  absl::StatusOr<Step> operator()(const CannotPropose& event);
  absl::StatusOr<Step> operator()(const ProposalExpired& event);
  absl::StatusOr<Step> operator()(const Approved& event);
  absl::StatusOr<Step> operator()(const ApprovalTaken& event);
  absl::StatusOr<Step> operator()(const OrderChanged& event);
  absl::StatusOr<Step> operator()(const UntriedSockets& event);
  absl::StatusOr<Step> operator()(const Rejected& event);
  absl::StatusOr<Step> operator()(const ProposeRequested& event);
  absl::StatusOr<Step> operator()(const PoliciesChanged& event);
  absl::StatusOr<Step> operator()(const AgentLost& event);
  absl::StatusOr<Step> operator()(const AgentBack& event);

  // Of an incident that has nothing yet but its identity.
  Step Open(const v1::Finding& finding) {
    v1::Incident& next = step_.next;
    next.set_state(v1::Incident::STATE_OPEN);
    *next.mutable_finding() = finding;
    next.set_finding_present(true);
    *next.mutable_opened_at() = ToProto(now_);
    Happened("opened",
             absl::StrCat(finding.title(), " (", SeverityWord(finding.severity()), ", ",
                          ConfidenceWord(finding.confidence()), ")"),
             kAgent);
    Tell();
    step_.effects.push_back(AskPolicy{});
    return std::move(step_);
  }

 private:
  absl::Status Illegal(absl::string_view problem) const {
    return absl::FailedPreconditionError(absl::StrCat(step_.next.id(), " ", problem));
  }
  absl::Status IllegalUnlessOpen() const {
    if (IsOpen(step_.next)) return absl::OkStatus();
    return Illegal(absl::StrCat("is closed (", OutcomeWord(step_.next.outcome()), ")"));
  }

  void Happened(absl::string_view what, absl::string_view text, absl::string_view actor) {
    v1::TimelineEntry entry;
    *entry.mutable_at() = ToProto(now_);
    entry.set_what(std::string(what));
    entry.set_text(std::string(text));
    entry.set_actor(std::string(actor));
    auto* timeline = step_.next.mutable_timeline();
    *timeline->Add() = entry;
    if (timeline->size() > kTimelineFirst + kTimelineNewest) {
      timeline->erase(timeline->begin() + kTimelineFirst);
    }
    step_.happened.push_back(std::move(entry));
  }

  // Announces what has just happened.
  void Tell() {
    const v1::TimelineEntry& entry = step_.happened.back();
    step_.effects.push_back(
        Announce{absl::StrCat(step_.next.id(), "/", entry.what(), "/", absl::ToUnixNanos(now_)),
                 entry.what(), entry.text()});
  }

  void Reopen(absl::string_view why, absl::string_view actor) {
    step_.next.set_state(v1::Incident::STATE_OPEN);
    step_.next.clear_outcome();
    step_.next.clear_closed_at();
    Happened("reopened", why, actor);
    Tell();
  }

  void Close(v1::Incident::Outcome outcome, absl::string_view text, absl::string_view actor) {
    step_.next.set_state(v1::Incident::STATE_CLOSED);
    step_.next.set_outcome(outcome);
    *step_.next.mutable_closed_at() = ToProto(now_);
    Happened(OutcomeWord(outcome), text, actor);
    Tell();
  }

  // The change is not, or no longer, in force: the approval is used up.
  void Fail(const v1::Order& order, absl::string_view how) {
    step_.next.clear_covered_until();
    if (IsOpen(step_.next)) {
      Close(v1::Incident::OUTCOME_FAILED,
            absl::StrCat("Order ", order.id(), " ", how,
                         "; nothing more is proposed until `tcpmedic "
                         "propose ",
                         step_.next.id(), "`"),
            kController);
    } else if (IsRemedied(step_.next) && !order.roll_back_by().empty()) {
      step_.next.set_outcome(v1::Incident::OUTCOME_FAILED);
      *step_.next.mutable_closed_at() = ToProto(now_);
    }
  }

  void EndPending(ProposalEnding ending) {
    step_.next.set_proposal_state(ending.how);
    step_.effects.push_back(EndProposal{std::move(ending)});
  }
  void VoidPending(const std::string& reason) {
    Happened("voided", absl::StrCat("Proposal ", step_.next.proposal_id(), " is void: ", reason),
             kController);
    EndPending({v1::Proposal::STATE_VOID, kController, reason});
  }

  Step step_;
  absl::Time now_;
};

absl::StatusOr<Step> Transition::operator()(const FindingObserved& event) {
  v1::Incident& next = step_.next;
  const v1::Finding& finding = event.finding;
  if (finding.signature() != next.finding().signature() ||
      finding.group() != next.finding().group()) {
    return absl::InvalidArgumentError(absl::StrCat(
        next.id(), " is about ", next.finding().signature(), " of ", next.finding().group(),
        ", not ", finding.signature(), " of ", finding.group()));
  }
  if (!Claims(next, now_)) {
    return Illegal(absl::StrCat("is closed (", OutcomeWord(next.outcome()),
                                ") and does not claim this finding: open a new incident"));
  }
  const v1::Severity severity_before = next.finding().severity();
  const v1::Confidence confidence_before = next.finding().confidence();
  *next.mutable_finding() = finding;
  next.set_finding_present(true);
  if (IsRejectedAndPresent(next) || HasFailed(next)) return std::move(step_);
  if (IsRemedied(next)) {
    if (finding.subject() != v1::SUBJECT_NETNS) step_.effects.push_back(LookForUntried{});
    return std::move(step_);
  }

  bool ask = false;
  if (!IsOpen(next)) {
    const absl::Duration gone_for = now_ - FromProtoOrInfinitePast(next.closed_at());
    Reopen(absl::StrCat("The finding is back after ",
                        absl::FormatDuration(absl::Trunc(gone_for, absl::Seconds(1)))),
           kAgent);
    ask = IsUnanswered(next);
  }
  if (finding.severity() != severity_before) {
    const bool rose = finding.severity() > severity_before;
    Happened("severity",
             absl::StrCat("Severity ", rose ? "rose" : "fell", " from ",
                          SeverityWord(severity_before), " to ", SeverityWord(finding.severity())),
             kAgent);
    ask |= rose && !IsPending(next) && !HasOrderUnderWay(next);
  }
  if (finding.confidence() != confidence_before) {
    Happened("confidence",
             absl::StrCat("Now ", ConfidenceWord(finding.confidence()), ", was ",
                          ConfidenceWord(confidence_before)),
             kAgent);
    ask |= IsUnanswered(next);
  }
  if (ask) step_.effects.push_back(AskPolicy{});
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const FindingExplained& event) {
  if (HasToldOf(step_.next, event.order_id, event.finding.signature())) return std::move(step_);
  auto* explained = step_.next.mutable_explained();
  if (explained->size() >= kMaxExplained) explained->erase(explained->begin());
  v1::Incident::Explained* now = explained->Add();
  now->set_order_id(event.order_id);
  now->set_signature(event.finding.signature());
  Happened("explained", ExplainedInWords(event.finding, event.order_id), kAgent);
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const FindingGone&) {
  v1::Incident& next = step_.next;
  if (!next.finding_present()) return Illegal("has no finding that could go");
  next.set_finding_present(false);
  if (!IsOpen(next)) {
    Happened("gone",
             IsRemedied(next) ? "The finding has gone since the change is in force"
                              : "The finding has gone; when it comes again, it is a new incident",
             kAgent);
    return std::move(step_);
  }
  if (HasOrderUnderWay(next) && !OnlyAlerts(next.decision())) {
    Happened("gone",
             absl::StrCat("The finding no longer holds, as is to be expected of order ",
                          next.order_id(), ": what was measured decides"),
             kAgent);
    return std::move(step_);
  }
  if (IsPending(next)) VoidPending("the finding has gone");
  const absl::Duration open_for = now_ - FromProtoOrInfinitePast(next.opened_at());
  const bool alerted = OnlyAlerts(next.decision());
  Close(alerted                               ? v1::Incident::OUTCOME_ALERTED
        : WantsMoreThanNotes(next.decision()) ? v1::Incident::OUTCOME_CLEARED
                                              : v1::Incident::OUTCOME_NOTED,
        absl::StrCat("The finding has gone ", alerted ? "" : "by itself ", "after ",
                     absl::FormatDuration(absl::Trunc(open_for, absl::Seconds(1))),
                     alerted ? ", and its alert with it" : ""),
        kAgent);
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const Decided& event) {
  v1::Incident& next = step_.next;
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (IsPending(next)) return Illegal("has a pending proposal: end it before deciding anew");
  const bool new_to_people = !SameDecision(next.decision(), event.decision);
  *next.mutable_decision() = event.decision;
  if (new_to_people) {
    if (event.decision.policy().empty()) {
      Happened("decided", "No policy matches: noted", kController);
    } else if (!WantsMoreThanNotes(event.decision)) {
      // What it notes is in the decision, and too long for a line.
      Happened("noted",
               absl::StrCat("Policy ", event.decision.policy(),
                            " notes what to know; nothing is to be changed on ", next.host()),
               absl::StrCat("policy ", event.decision.policy()));
    } else {
      Happened(OnlyAlerts(event.decision) ? "alerted" : "decided",
               absl::StrCat("Policy ", event.decision.policy(), ": ", ActionsOf(event.decision)),
               absl::StrCat("policy ", event.decision.policy()));
    }
  }
  if (event.wants_proposal) {
    step_.effects.push_back(Propose{});
  } else if (!event.asked_by.empty()) {
    return Illegal(
        event.decision.policy().empty()
            ? "matches no policy: `tcpmedic policy status` lists those in force"
            : absl::StrCat("gets no action on the host from policy ", event.decision.policy()));
  }
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const Proposed& event) {
  v1::Incident& next = step_.next;
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (IsPending(next)) return Illegal("has a pending proposal already");
  const v1::Proposal& proposal = event.proposal;
  if (proposal.incident_id() != next.id() || proposal.state() != v1::Proposal::STATE_PENDING) {
    return absl::InvalidArgumentError(
        absl::StrCat("proposal ", proposal.id(), " is not a pending one of ", next.id()));
  }
  next.set_proposal_id(proposal.id());
  next.set_proposal_state(v1::Proposal::STATE_PENDING);
  Happened("proposed",
           absl::StrCat("Proposal ", proposal.id(), ": ", WhatIsProposed(proposal, next.finding()),
                        ", open until ", Clock(FromProtoOrInfinitePast(proposal.expires_at()))),
           absl::StrCat("policy ", proposal.policy()));
  // Nobody is asked about what only reads and is approved by its policy.
  if (ChangesHost(proposal.action()) || proposal.approval().mode() != v1::Approval::MODE_AUTO) {
    Tell();
  }
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const CannotPropose& event) {
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  Happened("not_proposed", absl::StrCat("Nothing is proposed: ", event.why), kController);
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const ProposalExpired&) {
  v1::Incident& next = step_.next;
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (!IsPending(next)) return Illegal("has no pending proposal that could expire");
  Happened("expired",
           absl::StrCat("Proposal ", next.proposal_id(),
                        " expired unanswered; nothing is proposed again until `tcpmedic propose ",
                        next.id(), "` or the severity rises"),
           kController);
  Tell();
  EndPending({v1::Proposal::STATE_EXPIRED, kController, "nobody answered in time"});
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const Approved& event) {
  const v1::Incident& next = step_.next;
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (absl::StripAsciiWhitespace(event.by).empty()) {
    return absl::InvalidArgumentError("an approval needs a name");
  }
  if (!IsPending(next)) return Illegal("has no pending proposal to approve");
  if (!next.finding_present())
    return Illegal("has no finding any more: there is nothing to act on");
  step_.effects.push_back(TakeApproval{event.by});
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const ApprovalTaken& event) {
  v1::Incident& next = step_.next;
  const v1::Proposal& proposal = event.proposal;
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (!IsPending(next) || proposal.id() != next.proposal_id() || proposal.approvals().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("proposal ", proposal.id(), " is not an approved one of ", next.id()));
  }
  const std::string& by = proposal.approvals().rbegin()->by();
  if (proposal.state() != v1::Proposal::STATE_APPROVED) {
    Happened("approved",
             absl::StrCat("Proposal ", proposal.id(), " has ", proposal.approvals_size(), " of ",
                          proposal.approval().quorum(), " approvals"),
             by);
    return std::move(step_);
  }
  next.set_proposal_state(v1::Proposal::STATE_APPROVED);
  *next.mutable_covered_until() = ToProto(now_ + FromProto(proposal.approval().covers()));
  Happened("approved", absl::StrCat("Proposal ", proposal.id(), " is approved"), by);
  step_.effects.push_back(IssueOrder{});
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const OrderChanged& event) {
  v1::Incident& next = step_.next;
  const v1::Order& now = event.now;
  if (now.incident_id() != next.id()) {
    return absl::InvalidArgumentError(
        absl::StrCat("order ", now.id(), " is not one of ", next.id()));
  }
  const bool is_new = event.was.id().empty();
  if (is_new) {
    if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
    if (HasOrderUnderWay(next))
      return Illegal(absl::StrCat("is waiting for order ", next.order_id()));
    next.set_order_id(now.id());
  }
  for (const OrderLine& line : Story(event.was, now)) {
    Happened(line.what, line.text, line.actor);
    if (line.urgent) Tell();
  }
  const bool is_newest = now.id() == next.order_id();
  if (is_newest) next.set_order_state(now.state());
  // Who takes a change back does not want it made again.
  if (!now.roll_back_by().empty()) next.clear_covered_until();
  if (now.state() == event.was.state()) return std::move(step_);
  // What only reads decides nothing, however it ends.
  if (!ChangesHost(now.action())) return std::move(step_);
  switch (now.state()) {
    case v1::Order::STATE_COMMITTED:
      if (is_newest && IsOpen(next) && now.roll_back_by().empty()) {
        Close(v1::Incident::OUTCOME_REMEDIED,
              absl::StrCat("The change helped, and stays; `tcpmedic rollback ", next.id(),
                           "` takes it back",
                           now.has_lease()
                               ? absl::StrCat(", else it is taken back ", LeaseInWords(now.lease()))
                               : ""),
              kController);
      }
      break;
    case v1::Order::STATE_REFUSED:
      if (is_newest) Fail(now, "was not carried out");
      break;
    case v1::Order::STATE_ROLLED_BACK:
      if (is_newest || !IsOpen(next)) Fail(now, "was taken back");
      break;
    case v1::Order::STATE_DRIFTED:
      if (is_newest || !IsOpen(next)) Fail(now, "met a change by somebody else");
      break;
    case v1::Order::STATE_ENDED:
      if (!is_newest || !IsOpen(next)) break;
      if (const TargetCount targets = CountTargets(now);
          now.has_lease() && targets.undone + targets.drifted > 0) {
        // Only a lease ends what is still there, and only a confirmed order has one: both came
        // between two reports.
        Close(v1::Incident::OUTCOME_REMEDIED, "The change helped, and its lease has run out",
              kController);
      } else {
        Fail(now, "ended before it was confirmed");
      }
      break;
    default:
      break;
  }
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const UntriedSockets& event) {
  if (!IsRemedied(step_.next))
    return Illegal("is not remedied: there is no approval to go on with");
  const std::string sockets = absl::StrCat(event.count, event.count == 1 ? " socket" : " sockets",
                                           " that no order has tried");
  if (event.covered) {
    Reopen(absl::StrCat("The finding is there with ", sockets, "; the approval covers them until ",
                        Clock(FromProtoOrInfinitePast(step_.next.covered_until()))),
           kController);
    step_.effects.push_back(IssueOrder{});
  } else {
    Reopen(absl::StrCat("The finding is there with ", sockets, ", and no approval covers them"),
           kController);
    step_.effects.push_back(AskPolicy{});
  }
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const Rejected& event) {
  v1::Incident& next = step_.next;
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (!IsPending(next)) {
    return Illegal(absl::StrCat("has no pending proposal to reject: `tcpmedic show ", next.id(),
                                "` says how it stands"));
  }
  if (absl::StripAsciiWhitespace(event.by).empty()) {
    return absl::InvalidArgumentError("a rejection needs a name");
  }
  if (absl::StripAsciiWhitespace(event.reason).empty()) {
    return absl::InvalidArgumentError("a rejection needs a reason: give --reason");
  }
  EndPending({v1::Proposal::STATE_REJECTED, event.by, event.reason});
  const std::string text =
      absl::StrCat("Proposal ", next.proposal_id(), " rejected: ", event.reason);
  if (OnlyAlerts(next.decision())) {
    Happened("rejected", absl::StrCat(text, "; the alert stands"), event.by);
  } else {
    Close(v1::Incident::OUTCOME_REJECTED, text, event.by);
  }
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const ProposeRequested& event) {
  v1::Incident& next = step_.next;
  if (absl::StripAsciiWhitespace(event.by).empty()) {
    return absl::InvalidArgumentError("a request needs a name");
  }
  if (!next.finding_present()) {
    return Illegal("is closed and its finding is gone: there is nothing left to act on");
  }
  if (IsPending(next)) {
    return Illegal(absl::StrCat("has a pending proposal already: ", next.proposal_id()));
  }
  if (HasOrderUnderWay(next)) {
    return Illegal(absl::StrCat("has an order under way, ", next.order_id(),
                                ": wait for its verdict, or roll it back"));
  }
  if (!IsOpen(next)) {
    Reopen("An operator asks for a new proposal", event.by);
  } else {
    Happened("asked", "An operator asks for a new proposal", event.by);
  }
  step_.effects.push_back(AskPolicy{event.by});
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const PoliciesChanged& event) {
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  if (IsPending(step_.next)) {
    VoidPending(absl::StrCat("the policy files changed to revision ", event.revision));
  }
  if (IsUnanswered(step_.next)) {
    step_.effects.push_back(AskPolicy{});
  } else if (OnlyAlerts(step_.next.decision())) {
    step_.effects.push_back(AskPolicy{"", /*only_decide=*/true});
  }
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const AgentLost& event) {
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  Happened("agent_lost",
           event.last_report_at == absl::InfinitePast()
               ? absl::StrCat("No report from ", step_.next.host(),
                              " since this controller started: how it stands now is not known")
               : absl::StrCat("No report from ", step_.next.host(), " since ",
                              Clock(event.last_report_at), ": how it stands now is not known"),
           kController);
  return std::move(step_);
}

absl::StatusOr<Step> Transition::operator()(const AgentBack&) {
  if (absl::Status open = IllegalUnlessOpen(); !open.ok()) return open;
  Happened("agent_back", absl::StrCat(step_.next.host(), " reports again"), kController);
  return std::move(step_);
}

}  // namespace

absl::StatusOr<Step> OpenIncident(absl::string_view id, absl::string_view host,
                                  const v1::Finding& finding, absl::Time now) {
  if (finding.signature().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("a finding of ", host, " has no signature"));
  }
  v1::Incident incident;
  incident.set_id(std::string(id));
  incident.set_host(std::string(host));
  return Transition(incident, now).Open(finding);
}

absl::StatusOr<Step> Advance(const v1::Incident& incident, const Event& event, absl::Time now) {
  return std::visit(Transition(incident, now), event);
}

}  // namespace tcpmedic
