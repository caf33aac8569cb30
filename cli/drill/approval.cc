#include "cli/drill/approval.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/drill/interruption.h"
#include "cli/follow_order.h"
#include "cli/render/order_words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

// `before` is wanted 10 s long; a socket's first 5 s are left out.
constexpr absl::Duration kBeforeSpan = absl::Milliseconds(9500);
constexpr absl::Duration kBeforePatience = absl::Seconds(12);
constexpr absl::Duration kFollowersPatience = absl::Seconds(5);

Outcome OutcomeOf(const v1::Order& order) {
  if (IsVerified(order)) return Outcome::kVerified;
  if (order.state() != v1::Order::STATE_ROLLED_BACK) return Outcome::kOrderFailed;
  return order.verification().result() == v1::Verification::RESULT_INCONCLUSIVE
             ? Outcome::kInconclusive
             : Outcome::kRolledBack;
}

absl::Status Refresh(DrillGround& ground, DrillReport& report) {
  absl::StatusOr<v1::IncidentView> view =
      ground.controller().GetIncident(report.incident->incident().id());
  if (!view.ok()) return view.status();
  report.incident = *std::move(view);
  return absl::OkStatus();
}

absl::Status FollowOrder(DrillGround& ground, absl::Time approved_at, Progress& progress,
                         DrillReport& report) {
  const std::string proposal_id = report.incident->proposals(0).id();
  std::string doing;
  while (true) {
    if (absl::Status status = ground.Alive(); !status.ok()) return status;
    if (absl::Status status = Refresh(ground, report); !status.ok()) return status;
    const OrderStep step = StepOf(*report.incident, proposal_id, absl::Now());
    if (step.doing != doing) progress.Step(step.doing);
    doing = step.doing;
    progress.Detail(step.detail);
    if (step.end) break;
    absl::SleepFor(kDrillPoll);
  }
  // Those that were kept back to compare follow after success; what is shown is how it ended.
  const absl::Time patience = absl::Now() + kFollowersPatience;
  const auto waits = [&] {
    const v1::Order* order = OrderOf(*report.incident, proposal_id);
    return order != nullptr && IsVerified(*order) &&
           std::any_of(
               order->targets().begin(), order->targets().end(), [](const v1::Target& target) {
                 return target.held_back() && target.state() == v1::Target::STATE_UNSPECIFIED;
               });
  };
  while (waits() && absl::Now() < patience) {
    absl::SleepFor(kDrillPoll);
    if (absl::Status status = Refresh(ground, report); !status.ok()) return status;
  }

  const v1::Order* order = OrderOf(*report.incident, proposal_id);
  if (order == nullptr) {
    report.outcome = Outcome::kOrderFailed;
    return absl::OkStatus();
  }
  report.outcome = OutcomeOf(*order);
  if (order->has_applied_at()) {
    const absl::Time applied_at = FromProto(order->applied_at());
    report.approval_to_applied = applied_at - approved_at;
    if (order->has_decided_at()) {
      report.applied_to_verdict = FromProto(order->decided_at()) - applied_at;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status LetBeforeGrow(DrillGround& ground, absl::Time fault_at,
                           absl::FunctionRef<std::string()> elapsed, Progress& progress,
                           DrillReport& report) {
  progress.Step("Found. Measuring it over ten seconds");
  const absl::Time patience = absl::Now() + kBeforePatience;
  while (absl::Now() < patience) {
    if (absl::Status status = ground.Alive(); !status.ok()) return status;
    if (absl::Status status = Refresh(ground, report); !status.ok()) return status;
    if (!report.incident->incident().finding_present()) break;
    const v1::Measurement& before = report.incident->incident().finding().before();
    if (FromProto(before.start()) >= fault_at &&
        FromProto(before.end()) - FromProto(before.start()) >= kBeforeSpan) {
      break;
    }
    progress.Detail(elapsed());
    absl::SleepFor(kDrillPoll);
  }
  return absl::OkStatus();
}

absl::Status AnswerProposal(DrillGround& ground, Answer answer, AskPerson ask, Progress& progress,
                            DrillReport& report) {
  const std::string id = report.incident->incident().id();
  if (answer == Answer::kNobody) return absl::OkStatus();
  if (answer == Answer::kAsk) {
    progress.Done();
    const std::optional<std::string> refusal = ask(*report.incident);
    if (Interrupted()) return ground.Alive();
    if (refusal) {
      v1::RejectRequest request;
      request.set_id(id);
      request.set_reason(*refusal);
      request.set_actor(Actor());
      absl::StatusOr<v1::IncidentView> rejected = ground.controller().Reject(request);
      if (!rejected.ok()) return rejected.status();
      report.incident = *std::move(rejected);
      report.outcome = Outcome::kRejected;
      report.expectation = {Outcome::kRejected, "you said no", report.expectation.signature};
      return absl::OkStatus();
    }
  }
  const absl::Time approved_at = absl::Now();
  v1::ApproveRequest request;
  request.set_id(id);
  request.set_actor(Actor());
  request.set_digest(report.incident->proposals(0).digest());
  absl::StatusOr<v1::IncidentView> approved = ground.controller().Approve(request);
  if (!approved.ok()) return approved.status();
  report.incident = *std::move(approved);
  return FollowOrder(ground, approved_at, progress, report);
}

}  // namespace tcpmedic::cli
