#include "cli/follow_order.h"

#include "absl/strings/str_cat.h"
#include "cli/render/order_words.h"
#include "cli/render/quantity.h"
#include "cli/render/sampling_words.h"
#include "cli/render/words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

// The newest measurement, beside that of before.
std::string HowItDoes(const v1::Verification& verification) {
  if (verification.course().empty()) {
    const std::optional<double> now = NumberIn(verification.after(), "syn_drops_per_s");
    if (!now.has_value()) return "";
    const std::optional<double> before = NumberIn(verification.before(), "syn_drops_per_s");
    return absl::StrCat(
        ", now SYN drops ", PerSecondText(*now),
        before.has_value() ? absl::StrCat(" (before ", PerSecondText(*before), ")") : "");
  }
  const std::optional<double> before = NumberIn(verification.before(), "goodput_bps");
  return absl::StrCat(
      ", now ", BitRateText(verification.course().rbegin()->goodput_bps()),
      before.has_value() ? absl::StrCat(" (before ", BitRateText(*before), ")") : "");
}

// When a host that hears nothing has taken the order back, or will not apply it any more.
absl::Time OverByItself(const v1::Order& order) {
  if (order.has_applied_at()) {
    return FromProto(order.applied_at()) + FromProto(order.confirm_within());
  }
  return order.has_expires_at() ? FromProto(order.expires_at()) : absl::InfiniteFuture();
}

OrderStep WithoutOrder(const v1::IncidentView& view, absl::string_view proposal_id,
                       OrderStep waiting) {
  for (const v1::Proposal& proposal : view.proposals()) {
    if (proposal.id() != proposal_id) continue;
    if (proposal.state() == v1::Proposal::STATE_APPROVED) break;
    return {.doing = absl::StrCat("The proposal is ", ProposalWord(proposal.state()),
                                  proposal.reason().empty() ? "" : ": ", proposal.reason()),
            .detail = {},
            .end = OrderStep::End::kBad};
  }
  return waiting;
}

}  // namespace

const v1::Order* OrderOf(const v1::IncidentView& view, absl::string_view proposal_id) {
  const v1::Order* oldest = nullptr;
  for (const v1::Order& order : view.orders()) {
    if (order.proposal_id() == proposal_id) oldest = &order;
  }
  return oldest;
}

OrderStep StepOf(const v1::IncidentView& view, absl::string_view proposal_id, absl::Time now) {
  OrderStep step = {.doing = absl::StrCat("Waiting for the agent of ", view.incident().host()),
                    .detail = {},
                    .end = {}};
  const v1::Order* const order = OrderOf(view, proposal_id);
  if (order == nullptr) return WithoutOrder(view, proposal_id, std::move(step));
  if (IsSettled(*order)) {
    step.doing = OrderWords(*order, now);
    const bool good = Samples(*order) ? order->call_sites().sites_size() > 0 : IsVerified(*order);
    step.end = good ? OrderStep::End::kGood : OrderStep::End::kBad;
    return step;
  }
  if (IsBeingTakenBack(*order)) {
    step.doing = "Rolling back";
    step.detail = order->roll_back_reason();
    return step;
  }
  switch (order->state()) {
    case v1::Order::STATE_APPLIED:
      if (Samples(*order)) {
        step.doing = absl::StrCat("Sampling the calls of ", TargetsText(*order));
        step.detail = SampledSoFar(*order, now);
        break;
      }
      step.doing = absl::StrCat("Verifying: ", TargetsText(*order));
      step.detail = absl::StrCat(VerifiedSoFar(*order, now), HowItDoes(order->verification()));
      break;
    case v1::Order::STATE_COMMITTING:
      step.doing = "It helped: telling the agent to keep it";
      break;
    case v1::Order::STATE_UNKNOWN:
      step.doing = absl::StrCat("The agent of ", view.incident().host(), " is silent");
      step.detail = OrderWords(*order, now);
      if (now > OverByItself(*order) + kPatience) step.end = OrderStep::End::kBad;
      break;
    default:
      break;
  }
  return step;
}

}  // namespace tcpmedic::cli
