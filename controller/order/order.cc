#include "controller/order/order.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "controller/policy/policy_document.h"
#include "controller/policy/propose.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr char kController[] = "controller";

std::string Standing(const v1::Order& order) {
  std::string word =
      absl::AsciiStrToLower(v1::Order::State_Name(order.state()).substr(sizeof("STATE_") - 1));
  std::replace(word.begin(), word.end(), '_', ' ');
  return order.roll_back_by().empty()
             ? word
             : absl::StrCat(word, ", to be rolled back for ", order.roll_back_by());
}

// Later states of the host have higher ranks. The last four are final, and exclude each other.
int Rank(v1::Order::State reported) {
  switch (reported) {
    case v1::Order::STATE_APPLIED:
      return 1;
    case v1::Order::STATE_COMMITTED:
      return 2;
    case v1::Order::STATE_REFUSED:
    case v1::Order::STATE_ENDED:
    case v1::Order::STATE_ROLLED_BACK:
    case v1::Order::STATE_DRIFTED:
      return 3;
    default:
      return 0;
  }
}

bool IsDecided(const v1::Order& order) {
  return order.has_decided_at() || !order.roll_back_by().empty();
}

// Where the order stands, by what the agent has reported and what has been decided.
v1::Order::State StateOnHost(const v1::Order& order) {
  if (order.reported() == v1::Order::STATE_UNSPECIFIED) return v1::Order::STATE_DISPATCHED;
  const bool to_commit = order.verification().result() == v1::Verification::RESULT_IMPROVED &&
                         order.roll_back_by().empty();
  if (order.reported() == v1::Order::STATE_APPLIED && to_commit) {
    return v1::Order::STATE_COMMITTING;
  }
  return order.reported();
}

// Newer measurements only, and none after the decision: what is kept is what was decided by.
void TakeMeasured(const v1::Verification& measured, v1::Order* next) {
  if (next->verification().result() != v1::Verification::RESULT_UNSPECIFIED) return;
  if (FromProtoOrInfinitePast(measured.after().end()) <
      FromProtoOrInfinitePast(next->verification().after().end()))
    return;
  v1::Verification* kept = next->mutable_verification();
  *kept = measured;
  kept->set_order_id(next->id());
  kept->clear_result();
  kept->clear_expect();
  kept->clear_reason();
  if (kept->course_size() > kMaxCoursePoints) {
    kept->mutable_course()->DeleteSubrange(0, kept->course_size() - kMaxCoursePoints);
  }
}

// The agent bounds what it sends; this bounds what is kept whatever it sends.
void TakeCallSites(const v1::CallSites& found, v1::Order* next) {
  v1::CallSites* const kept = next->mutable_call_sites();
  *kept = found;
  const auto shorten = [](auto* all, int most) {
    if (all->size() > most) all->DeleteSubrange(most, all->size() - most);
  };
  shorten(kept->mutable_sites(), kMaxCallSites);
  for (v1::CallSite& site : *kept->mutable_sites()) {
    shorten(site.mutable_frames(), kMaxFramesOfSite);
  }
  shorten(kept->mutable_degraded(), kMaxCallSites);
}

class Transition {
 public:
  Transition(const v1::Order& order, absl::Time now) : next_(order), now_(now) {}

  absl::StatusOr<v1::Order> operator()(const OrderDispatched& event) {
    if (next_.state() != v1::Order::STATE_PENDING) return Illegal("be dispatched");
    next_.set_state(v1::Order::STATE_DISPATCHED);
    next_.set_session_nonce(event.session_nonce);
    *next_.mutable_expires_at() = ToProto(event.expires_at);
    *next_.mutable_dispatched_at() = ToProto(now_);
    return std::move(next_);
  }

  absl::StatusOr<v1::Order> operator()(const OrderReported& event) {
    const v1::OrderReport& report = event.report;
    if (report.order_id() != next_.id()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a report about ", report.order_id(), " is not about ", next_.id()));
    }
    if (Rank(report.state()) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "an agent does not report ", next_.id(), " as ", v1::Order::State_Name(report.state())));
    }
    if (next_.state() == v1::Order::STATE_PENDING) return Illegal("be reported");
    const int kept = Rank(next_.reported());
    const int told = Rank(report.state());
    if (told < kept || (told == kept && report.state() != next_.reported())) {
      if (!IsOver(next_)) next_.set_state(StateOnHost(next_));
      return std::move(next_);
    }
    // It began, so that it cannot be refused any more: the host has forgotten it, with its journal.
    if (report.state() == v1::Order::STATE_REFUSED && kept > 0 && !IsOver(next_)) {
      next_.set_reported(v1::Order::STATE_ENDED);
      next_.set_reason(absl::StrCat("its host no longer knows it: ", report.reason()));
      next_.set_state(v1::Order::STATE_ENDED);
      return std::move(next_);
    }
    const bool given_up = IsOver(next_) && kept == 0;
    next_.set_reported(report.state());
    next_.set_reason(report.reason());
    *next_.mutable_targets() = report.targets();
    if (next_.targets_size() > kMaxTargetsReported) {
      next_.mutable_targets()->DeleteSubrange(kMaxTargetsReported,
                                              next_.targets_size() - kMaxTargetsReported);
    }
    if (report.has_applied_at()) *next_.mutable_applied_at() = report.applied_at();
    if (report.has_lease_until()) *next_.mutable_lease_until() = report.lease_until();
    if (report.has_measured()) TakeMeasured(report.measured(), &next_);
    if (report.has_call_sites()) TakeCallSites(report.call_sites(), &next_);
    next_.set_state(StateOnHost(next_));
    // It was taken for never begun, and its incident has been closed: nobody waits for it now.
    if (given_up && !IsOver(next_)) Undo(kController, "it began only after it had been given up");
    return std::move(next_);
  }

  absl::StatusOr<v1::Order> operator()(const OrderJudged& event) {
    const v1::Verification& verdict = event.verdict;
    if (verdict.result() == v1::Verification::RESULT_UNSPECIFIED) {
      return absl::InvalidArgumentError(absl::StrCat("a verdict on ", next_.id(), " says nothing"));
    }
    if (next_.state() != v1::Order::STATE_APPLIED || IsDecided(next_)) return Illegal("be judged");
    *next_.mutable_verification() = verdict;
    *next_.mutable_decided_at() = ToProto(now_);
    if (verdict.result() == v1::Verification::RESULT_IMPROVED) {
      next_.set_state(v1::Order::STATE_COMMITTING);
    } else {
      Undo(kController, verdict.reason());
    }
    return std::move(next_);
  }

  absl::StatusOr<v1::Order> operator()(const RollbackAsked& event) {
    if (absl::StripAsciiWhitespace(event.by).empty()) {
      return absl::InvalidArgumentError("a rollback needs a name");
    }
    if (next_.state() == v1::Order::STATE_PENDING || IsOver(next_) ||
        !next_.roll_back_by().empty()) {
      return Illegal("be rolled back");
    }
    Undo(event.by, event.reason);
    if (next_.state() == v1::Order::STATE_COMMITTING) next_.set_state(v1::Order::STATE_APPLIED);
    return std::move(next_);
  }

  absl::StatusOr<v1::Order> operator()(const OrderHostSilent&) {
    if (!IsUnderWay(next_) || next_.state() == v1::Order::STATE_PENDING) {
      return Illegal("become unknown");
    }
    next_.set_state(v1::Order::STATE_UNKNOWN);
    return std::move(next_);
  }

  absl::StatusOr<v1::Order> operator()(const OrderHostHeard&) {
    if (next_.state() != v1::Order::STATE_UNKNOWN) return Illegal("become known again");
    next_.set_state(StateOnHost(next_));
    return std::move(next_);
  }

  absl::StatusOr<v1::Order> operator()(const OrderNeverBegun&) {
    if (next_.state() != v1::Order::STATE_DISPATCHED ||
        now_ < FromProtoOrInfinitePast(next_.expires_at()) + kExpiryGrace) {
      return Illegal("be given up");
    }
    next_.set_state(v1::Order::STATE_REFUSED);
    next_.set_reason("the agent had not begun when the order expired");
    return std::move(next_);
  }

 private:
  absl::Status Illegal(absl::string_view what) const {
    return absl::FailedPreconditionError(
        absl::StrCat("order ", next_.id(), " is ", Standing(next_), " and cannot ", what));
  }
  void Undo(absl::string_view by, absl::string_view reason) {
    next_.set_roll_back_by(std::string(by));
    next_.set_roll_back_reason(std::string(reason));
    *next_.mutable_decided_at() = ToProto(now_);
  }

  v1::Order next_;
  const absl::Time now_;
};

}  // namespace

v1::Order MakeOrder(const v1::Proposal& proposal, const std::string& id, int targets_max,
                    absl::Time now) {
  v1::Order order;
  order.set_id(id);
  order.set_proposal_id(proposal.id());
  order.set_incident_id(proposal.incident_id());
  order.set_policy(proposal.policy());
  order.set_state(v1::Order::STATE_PENDING);
  *order.mutable_selector() = proposal.selector();
  *order.mutable_action() = proposal.action();
  order.set_targets_max(targets_max);
  order.set_holdback_ratio(proposal.holdback_ratio());
  if (ChangesHost(order.action())) {
    *order.mutable_verify_after() = proposal.verify().after();
    order.mutable_confirm_within()->set_seconds(
        absl::ToInt64Seconds(absl::Ceil(ConfirmWithin(proposal.verify()), absl::Seconds(1))));
  }
  if (proposal.has_lease()) *order.mutable_lease() = proposal.lease();
  *order.mutable_leads_to() = proposal.leads_to();
  *order.mutable_created_at() = ToProto(now);
  return order;
}

absl::StatusOr<v1::Order> Advance(const v1::Order& order, const OrderEvent& event, absl::Time now) {
  return std::visit(Transition(order, now), event);
}

bool IsOver(const v1::Order& order) {
  switch (order.state()) {
    case v1::Order::STATE_REFUSED:
    case v1::Order::STATE_ENDED:
    case v1::Order::STATE_ROLLED_BACK:
    case v1::Order::STATE_DRIFTED:
      return true;
    default:
      return false;
  }
}

bool IsUnderWay(const v1::Order& order) {
  if (IsOver(order)) return false;
  return order.state() != v1::Order::STATE_COMMITTED || !order.roll_back_by().empty();
}

bool IsOverdue(const v1::Order& order, absl::Time now) {
  return order.state() == v1::Order::STATE_DISPATCHED &&
         now >= FromProtoOrInfinitePast(order.expires_at());
}

std::optional<v1::OrderWish> WishFor(const v1::Order& order) {
  if (order.state() == v1::Order::STATE_PENDING || IsOver(order)) return std::nullopt;
  v1::OrderWish wish;
  v1::Order& what = *wish.mutable_order();
  what.set_id(order.id());
  what.set_proposal_id(order.proposal_id());
  what.set_incident_id(order.incident_id());
  what.set_policy(order.policy());
  *what.mutable_selector() = order.selector();
  *what.mutable_action() = order.action();
  what.set_targets_max(order.targets_max());
  what.set_holdback_ratio(order.holdback_ratio());
  what.set_session_nonce(order.session_nonce());
  *what.mutable_expires_at() = order.expires_at();
  *what.mutable_confirm_within() = order.confirm_within();
  *what.mutable_verify_after() = order.verify_after();
  if (order.has_lease()) *what.mutable_lease() = order.lease();
  wish.set_stored(order.reported());
  if (!order.roll_back_by().empty()) {
    wish.set_wish(v1::OrderWish::WISH_ROLL_BACK);
    wish.set_reason(order.roll_back_reason());
    return wish;
  }
  const v1::Order::State on_host = StateOnHost(order);
  const bool commit =
      on_host == v1::Order::STATE_COMMITTING || on_host == v1::Order::STATE_COMMITTED;
  wish.set_wish(commit ? v1::OrderWish::WISH_COMMIT : v1::OrderWish::WISH_APPLY);
  return wish;
}

TargetCount CountTargets(const v1::Order& order) {
  TargetCount count;
  count.total = order.targets_size();
  for (const v1::Target& target : order.targets()) {
    count.held_back += target.held_back();
    switch (target.state()) {
      case v1::Target::STATE_APPLIED:
        count.changed += !target.held_back();
        break;
      case v1::Target::STATE_UNDONE:
        ++count.undone;
        break;
      case v1::Target::STATE_GONE:
        ++count.gone;
        break;
      case v1::Target::STATE_DRIFTED:
        ++count.drifted;
        break;
      case v1::Target::STATE_REFUSED:
        ++count.refused;
        break;
      default:
        break;
    }
  }
  return count;
}

}  // namespace tcpmedic
