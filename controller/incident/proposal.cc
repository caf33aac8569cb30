#include "controller/incident/proposal.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/wire_time.h"

namespace tcpmedic {
namespace {

absl::string_view Word(v1::Proposal::State state) {
  switch (state) {
    case v1::Proposal::STATE_PENDING:
      return "pending";
    case v1::Proposal::STATE_APPROVED:
      return "approved";
    case v1::Proposal::STATE_REJECTED:
      return "rejected";
    case v1::Proposal::STATE_EXPIRED:
      return "expired";
    case v1::Proposal::STATE_VOID:
      return "void";
    default:
      return "in no known state";
  }
}

bool IsBlank(absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); }

// What a legal ending of this kind has to say.
absl::Status CheckComplete(const ProposalEnding& ending) {
  switch (ending.how) {
    case v1::Proposal::STATE_APPROVED:
      if (IsBlank(ending.by)) return absl::InvalidArgumentError("an approval needs a name");
      return absl::OkStatus();
    case v1::Proposal::STATE_REJECTED:
      if (IsBlank(ending.by)) return absl::InvalidArgumentError("a rejection needs a name");
      if (IsBlank(ending.reason)) {
        return absl::InvalidArgumentError(
            "a rejection needs a reason: the next person will ask why");
      }
      return absl::OkStatus();
    case v1::Proposal::STATE_VOID:
      if (IsBlank(ending.reason)) return absl::InvalidArgumentError("a void needs a reason");
      return absl::OkStatus();
    case v1::Proposal::STATE_EXPIRED:
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError(absl::StrCat("a proposal does not end ", Word(ending.how)));
  }
}

bool IsPolicy(absl::string_view name) { return absl::StartsWith(name, "policy "); }

}  // namespace

bool IsOverdue(const v1::Proposal& proposal, absl::Time now) {
  return proposal.state() == v1::Proposal::STATE_PENDING && now >= FromWire(proposal.expires_at());
}

absl::StatusOr<v1::Proposal> End(const v1::Proposal& proposal, const ProposalEnding& ending,
                                 absl::Time now) {
  if (absl::Status complete = CheckComplete(ending); !complete.ok()) return complete;
  if (proposal.state() != v1::Proposal::STATE_PENDING) {
    return absl::FailedPreconditionError(absl::StrCat("proposal ", proposal.id(), " is ",
                                                      Word(proposal.state()),
                                                      ", not pending: ask for a new one"));
  }
  const bool overdue = IsOverdue(proposal, now);
  if (ending.how == v1::Proposal::STATE_APPROVED && overdue) {
    return absl::FailedPreconditionError(
        absl::StrCat("proposal ", proposal.id(), " has expired: ask for a new one"));
  }
  if (ending.how == v1::Proposal::STATE_EXPIRED && !overdue) {
    return absl::FailedPreconditionError(
        absl::StrCat("proposal ", proposal.id(), " has not reached its deadline"));
  }
  v1::Proposal next = proposal;
  next.set_state(ending.how);
  *next.mutable_decided_at() = ToWire(now);
  next.set_decided_by(ending.by);
  next.set_reason(ending.reason);
  return next;
}

absl::StatusOr<v1::Proposal> Approve(const v1::Proposal& proposal, const std::string& by,
                                     absl::Time now) {
  v1::Proposal next = proposal;
  v1::Proposal::Given* given = next.add_approvals();
  given->set_by(by);
  *given->mutable_at() = ToWire(now);
  std::vector<std::string> names;
  for (const v1::Proposal::Given& approval : next.approvals()) names.push_back(approval.by());
  // Also where the quorum is not reached, what could not end so cannot be approved at all.
  absl::StatusOr<v1::Proposal> ended = End(
      next, {v1::Proposal::STATE_APPROVED, IsBlank(by) ? "" : absl::StrJoin(names, ", "), ""}, now);
  if (!ended.ok()) return ended;
  const int needed = std::max(1, proposal.approval().quorum());
  for (const v1::Proposal::Given& earlier : proposal.approvals()) {
    if (earlier.by() == by) {
      return absl::FailedPreconditionError(
          absl::StrCat(by, " has approved proposal ", proposal.id(), " already; it has ",
                       proposal.approvals_size(), " of ", needed, " approvals"));
    }
  }
  return next.approvals_size() >= needed || IsPolicy(by) ? ended : next;
}

}  // namespace tcpmedic
