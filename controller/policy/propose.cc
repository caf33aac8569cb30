#include "controller/policy/propose.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "controller/policy/digest.h"
#include "controller/policy/policy_document.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// After verification, for the controller's answer to reach the agent.
constexpr absl::Duration kConfirmMargin = absl::Seconds(15);

// The algorithm that the finding's exemplar uses; empty where it was not reported.
std::string CongestionControlFound(const v1::Finding& finding) {
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() == "socket.cc") return evidence.value().string_value();
  }
  return "";
}

// The value of a sysctl in the finding's namespace; empty where it was not reported. Signatures
// know net.ipv4.tcp_syncookies as netns.tcp_syncookies.
std::string SysctlFound(const v1::Finding& finding, absl::string_view name) {
  const std::string attribute = absl::StrCat("netns.", name.substr(name.rfind('.') + 1));
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() == attribute && evidence.value().has_int_value()) {
      return absl::StrCat(evidence.value().int_value());
    }
  }
  return "";
}

std::string SettingsUndone(const v1::SetSysctl& action, const v1::Finding& finding) {
  return absl::StrJoin(action.settings(), ", ", [&](std::string* out, const auto& setting) {
    const std::string found = SysctlFound(finding, setting.name());
    absl::StrAppend(out, setting.name(), " is set back to ",
                    found.empty() ? "the value that was found" : found);
  });
}

std::string UndoInWords(const v1::Action& action, const v1::Finding& finding,
                        const v1::Policy& policy) {
  const std::string when =
      absl::StrCat("at once on rollback, and by the agent alone if nobody confirms within ",
                   absl::ToInt64Seconds(ConfirmWithin(policy.verify())), " s");
  if (action.has_set_congestion_control()) {
    const std::string found = CongestionControlFound(finding);
    return absl::StrCat("each socket is set back to the algorithm that it had",
                        found.empty() ? "" : absl::StrCat(" (", found, ")"),
                        ", if ours is still set; ", when);
  }
  if (action.has_set_sysctl()) {
    return absl::StrCat(
        SettingsUndone(action.set_sysctl(), finding), ", if ours is still there; ", when,
        policy.has_lease() ? absl::StrCat("; once confirmed, ", LeaseInWords(policy.lease())) : "");
  }
  return "nothing to undo: it only reads";
}

const v1::Action* ActionOnHost(const v1::Decision& decision) {
  const auto action =
      std::find_if(decision.actions().begin(), decision.actions().end(), IsDoneOnHost);
  return action == decision.actions().end() ? nullptr : &*action;
}

}  // namespace

bool WantsProposal(const v1::Decision& decision) { return ActionOnHost(decision) != nullptr; }

absl::StatusOr<v1::Proposal> MakeProposal(const PolicySet& policies, const v1::Decision& decision,
                                          const v1::Finding& finding, const HostFacts& host,
                                          const ProposalIds& ids, absl::Time now) {
  const v1::Action* action = ActionOnHost(decision);
  if (action == nullptr) {
    return absl::FailedPreconditionError("the decision asks for no action on the host");
  }
  const auto policy =
      std::find_if(policies.policies.begin(), policies.policies.end(),
                   [&](const v1::Policy& p) { return p.name() == decision.policy(); });
  if (policy == policies.policies.end() || decision.revision() != policies.revision) {
    return absl::FailedPreconditionError(
        absl::StrCat("policy '", decision.policy(), "' of ", decision.revision(),
                     " is not in force; in force is ", policies.revision));
  }
  if (host.name.empty() || finding.signature().empty() || finding.netns().cookie() == 0) {
    return absl::InvalidArgumentError(
        "the finding names no host, no signature or no namespace, so it selects nothing");
  }

  v1::Proposal proposal;
  proposal.set_id(ids.proposal);
  proposal.set_incident_id(ids.incident);
  proposal.set_state(v1::Proposal::STATE_PENDING);
  v1::Selector* selector = proposal.mutable_selector();
  selector->set_host(host.name);
  selector->set_signature(finding.signature());
  *selector->mutable_group_by() = finding.group_by();
  selector->set_netns_cookie(finding.netns().cookie());
  *proposal.mutable_action() = *action;
  // Of sockets, not how many match now: the approval also covers later ones of the same selector.
  proposal.set_targets_max(action->has_set_sysctl() ? action->set_sysctl().settings_size()
                           : action->has_sample_call_sites()
                               ? 1  // the process of the finding
                               : std::max(1, policy->limits().targets_per_host()));
  proposal.set_policy(policy->name());
  proposal.set_revision(policies.revision);
  proposal.set_digest(ProposalDigest(proposal));
  *proposal.mutable_approval() = policy->approval();
  if (finding.confidence() != v1::CONFIDENCE_CERTAIN) {
    proposal.mutable_approval()->set_mode(v1::Approval::MODE_MANUAL);
  }
  *proposal.mutable_verify() = policy->verify();
  proposal.set_holdback_ratio(policy->holdback_ratio());
  proposal.set_undo(UndoInWords(*action, finding, *policy));
  if (policy->has_lease()) *proposal.mutable_lease() = policy->lease();
  *proposal.mutable_leads_to() = policy->leads_to();
  *proposal.mutable_created_at() = ToProto(now);
  *proposal.mutable_expires_at() = ToProto(now + FromProto(policy->approval().expires()));
  return proposal;
}

std::string ProposalDigest(const v1::Proposal& proposal) {
  v1::Proposal approved;
  *approved.mutable_selector() = proposal.selector();
  *approved.mutable_action() = proposal.action();
  approved.set_targets_max(proposal.targets_max());
  approved.set_revision(proposal.revision());
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    approved.SerializeToCodedStream(&out);
  }
  return Sha256Hex(bytes);
}

std::string LeaseInWords(const v1::Lease& lease) {
  const std::string span = absl::FormatDuration(FromProto(lease.for_()));
  return lease.renew_while().empty()
             ? absl::StrCat("by the host itself after ", span)
             : absl::StrCat("by the host itself ", span, " after the last moment with ",
                            lease.renew_while());
}

absl::Duration ConfirmWithin(const v1::Verify& verify) {
  return FromProto(verify.after()) + kConfirmMargin;
}

}  // namespace tcpmedic
