#include "controller/order/approval.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "controller/incident/proposal.h"
#include "controller/order/order.h"
#include "controller/wire_time.h"

namespace tcpmedic {
namespace {

std::string At(const google::protobuf::Timestamp& time) {
  return absl::FormatTime(" at %H:%M:%SZ", FromWire(time), absl::UTCTimeZone());
}

const v1::Proposal* Newest(const v1::IncidentView& view) {
  for (const v1::Proposal& proposal : view.proposals()) {
    if (proposal.id() == view.incident().proposal_id()) return &proposal;
  }
  return nullptr;
}

std::string AskAnew(const v1::Incident& incident) {
  return absl::StrCat("`tcpmedic propose ", incident.id(), "` asks for a new proposal");
}

// What became of the orders of a proposal; empty: there are none.
std::string OrderOf(const v1::IncidentView& view, const std::string& proposal_id) {
  for (const v1::Order& order : view.orders()) {
    if (order.proposal_id() != proposal_id) continue;
    return absl::StrCat("; order ", order.id(), " is its answer: `tcpmedic show ",
                        view.incident().id(), "` says how it stands");
  }
  return "";
}

}  // namespace

absl::Status CheckApproval(const v1::IncidentView& view, const v1::ApproveRequest& request,
                           absl::Time now) {
  const v1::Incident& incident = view.incident();
  if (absl::StripAsciiWhitespace(request.actor()).empty()) {
    return absl::InvalidArgumentError("an approval needs a name");
  }
  const v1::Proposal* proposal = Newest(view);
  if (proposal == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(incident.id(), " has no proposal to approve"));
  }
  const std::string named = absl::StrCat("proposal ", proposal->id(), " of ", incident.id());
  switch (proposal->state()) {
    case v1::Proposal::STATE_PENDING:
      break;
    case v1::Proposal::STATE_APPROVED:
      return absl::FailedPreconditionError(
          absl::StrCat(named, " has been approved already, by ", proposal->decided_by(),
                       At(proposal->decided_at()), OrderOf(view, proposal->id())));
    case v1::Proposal::STATE_REJECTED:
      return absl::FailedPreconditionError(absl::StrCat(
          named, " was rejected by ", proposal->decided_by(), At(proposal->decided_at()), " (",
          proposal->reason(), "): ", AskAnew(incident)));
    case v1::Proposal::STATE_EXPIRED:
      return absl::FailedPreconditionError(
          absl::StrCat(named, " expired", At(proposal->expires_at()), ": ", AskAnew(incident)));
    default:
      return absl::FailedPreconditionError(
          absl::StrCat(named, " is void since ", proposal->reason(),
                       incident.finding_present() ? absl::StrCat(": ", AskAnew(incident))
                                                  : ": there is nothing left to act on"));
  }
  if (IsOverdue(*proposal, now)) {
    return absl::FailedPreconditionError(
        absl::StrCat(named, " expired", At(proposal->expires_at()), ": ", AskAnew(incident)));
  }
  if (!request.digest().empty() && request.digest() != proposal->digest()) {
    return absl::AbortedError(absl::StrCat(
        named, " is not the one that was approved: look at it again with `tcpmedic show ",
        incident.id(), "`"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Order> OrderToRollBack(const v1::IncidentView& view, const std::string& typed) {
  const std::string& incident = view.incident().id();
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(typed));
  const std::string prefix =
      lower.empty() ? "" : absl::StrCat("o-", absl::StripPrefix(lower, "o-"));
  std::vector<const v1::Order*> named;
  for (const v1::Order& order : view.orders()) {
    if (absl::StartsWith(order.id(), prefix)) named.push_back(&order);
  }
  if (prefix.empty()) {
    for (const v1::Order* order : named) {
      if (!IsOver(*order)) return *order;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(incident, " has no order of which anything is applied",
                     named.empty() ? ""
                                   : absl::StrCat("; its newest, ", named.front()->id(),
                                                  ", is over: ", named.front()->reason())));
  }
  if (named.empty()) {
    return absl::NotFoundError(absl::StrCat(incident, " has no order ", prefix, ": `tcpmedic show ",
                                            incident, "` lists them"));
  }
  if (named.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        prefix, " could be any of ",
        absl::StrJoin(named, ", ",
                      [](std::string* out, const v1::Order* order) { *out += order->id(); }),
        ": type more of it"));
  }
  return *named.front();
}

}  // namespace tcpmedic
