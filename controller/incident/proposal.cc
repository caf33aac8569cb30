#include "controller/incident/proposal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"
#include "proto/words.h"

namespace tcpmedic {
namespace {

std::string StateWord(v1::Proposal::State state) { return Name(state, "in no known state"); }

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
      return absl::InvalidArgumentError(
          absl::StrCat("a proposal does not end ", StateWord(ending.how)));
  }
}

}  // namespace

bool IsOverdue(const v1::Proposal& proposal, absl::Time now) {
  return proposal.state() == v1::Proposal::STATE_PENDING &&
         now >= FromProtoOrInfinitePast(proposal.expires_at());
}

absl::StatusOr<v1::Proposal> End(const v1::Proposal& proposal, const ProposalEnding& ending,
                                 absl::Time now) {
  if (absl::Status complete = CheckComplete(ending); !complete.ok()) return complete;
  if (proposal.state() != v1::Proposal::STATE_PENDING) {
    return absl::FailedPreconditionError(absl::StrCat("proposal ", proposal.id(), " is ",
                                                      StateWord(proposal.state()),
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
  *next.mutable_decided_at() = ToProto(now);
  next.set_decided_by(ending.by);
  next.set_reason(ending.reason);
  return next;
}

}  // namespace tcpmedic
