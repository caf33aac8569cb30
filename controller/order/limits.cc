#include "controller/order/limits.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/order/order.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kHour = absl::Hours(1);

std::string Clock(absl::Time time) {
  return absl::FormatTime("%H:%M:%SZ", time, absl::UTCTimeZone());
}

bool SameSelector(const v1::Selector& a, const v1::Selector& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

// A refusal changed nothing: it uses up no allowance.
bool Counts(const v1::Order& order) { return order.state() != v1::Order::STATE_REFUSED; }

}  // namespace

absl::Duration LookBack(const PolicySet& policies) {
  absl::Duration longest = kHour;
  for (const v1::Policy& policy : policies.policies) {
    longest = std::max(longest, FromProto(policy.limits().cooldown()));
  }
  return longest;
}

absl::StatusOr<int> TargetsAllowed(const v1::Proposal& proposal, const v1::Limits& limits,
                                   const FleetOrders& fleet, absl::Time now) {
  const std::string& host = proposal.selector().host();
  const int settings = proposal.action().set_sysctl().settings_size();
  const absl::Duration cooldown = FromProto(limits.cooldown());
  std::set<std::string> busy_hosts;
  int changed_here = 0;
  std::vector<absl::Time> made_here;  // within the hour
  for (const v1::Order* order : fleet.orders) {
    if (order->policy() != proposal.policy() || !Counts(*order)) continue;
    const std::string& there = order->selector().host();
    if (IsUnderWay(*order) && there != host) busy_hosts.insert(there);
    if (there != host) continue;
    const absl::Time made = FromProtoOrInfinitePast(order->created_at());
    if (now - made < kHour) made_here.push_back(made);
    if (!IsOver(*order)) {
      const TargetCount targets = CountTargets(*order);
      // Before the first report, all that it may take.
      changed_here += targets.total == 0 ? order->targets_max() : targets.changed;
    }
    if (now - made < cooldown && SameSelector(order->selector(), proposal.selector())) {
      return absl::FailedPreconditionError(absl::StrCat(
          "policy ", proposal.policy(), " has acted ",
          settings > 0                                ? "in the same namespace"
          : proposal.action().has_sample_call_sites() ? "on the same process"
                                                      : "on the same sockets",
          " at ", Clock(made), " (order ", order->id(), "), and its cooldown is ",
          absl::FormatDuration(cooldown), ": possible again at ", Clock(made + cooldown)));
    }
  }

  if (limits.hosts_at_once_ratio() > 0) {
    const int allowed =
        std::max(1, static_cast<int>(std::ceil(limits.hosts_at_once_ratio() * fleet.hosts)));
    if (static_cast<int>(busy_hosts.size()) >= allowed) {
      return absl::FailedPreconditionError(
          absl::StrCat("policy ", proposal.policy(), " acts on at most ", allowed, " of ",
                       fleet.hosts, " hosts at once, and is at work on ",
                       absl::StrJoin(busy_hosts, ", "), ": wait for the verdict there"));
    }
  }
  const int per_hour = limits.per_host_per_hour();
  if (per_hour > 0 && static_cast<int>(made_here.size()) >= per_hour) {
    std::sort(made_here.begin(), made_here.end());
    return absl::FailedPreconditionError(
        absl::StrCat("policy ", proposal.policy(), " acts on ", host, " at most ", per_hour,
                     " times per hour: possible again at ",
                     Clock(made_here[made_here.size() - static_cast<size_t>(per_hour)] + kHour)));
  }
  const int left = std::max(1, limits.targets_per_host()) - changed_here;
  if (left < std::max(1, settings) && proposal.action().has_sample_call_sites()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "policy ", proposal.policy(), " samples at most ", std::max(1, limits.targets_per_host()),
        " processes of ", host, " at once: wait until that has ended"));
  }
  if (left < std::max(1, settings)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "policy ", proposal.policy(), " already holds ", changed_here,
        settings > 0 ? " settings of " : " sockets of ", host, " changed, and may hold ",
        std::max(1, limits.targets_per_host()), ": wait until some have ",
        settings > 0 ? "ended" : "closed", ", or roll one of its orders back"));
  }
  return std::min(left, proposal.targets_max());
}

}  // namespace tcpmedic
