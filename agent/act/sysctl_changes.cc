#include "agent/act/sysctl_changes.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agent/act/order_rules.h"
#include "core/sysctl_catalogue.h"

namespace tcpmedic {
namespace {

constexpr char kGone[] = "the namespace is gone";

NetnsRef WhereOf(const v1::JournalledOrder& order) {
  return {.cookie = order.netns().cookie(), .inode = order.netns().inode()};
}

// As the kernel shows a value, so that two texts of one value compare equal.
std::string AsShown(absl::string_view value) {
  const absl::StatusOr<int64_t> number = ParseSysctl(value);
  return number.ok() ? absl::StrCat(*number) : std::string(value);
}

// What the order sets the target to.
std::string OursOf(const v1::JournalledOrder& order, const v1::JournalledTarget& target) {
  for (const v1::SetSysctl::Setting& setting : order.action().set_sysctl().settings()) {
    if (setting.name() == target.target().sysctl()) return AsShown(setting.value());
  }
  return "";
}

// The live order that has set `name` in the namespace; empty: none. An order that is over does not
// stand in the way of the next, whatever it tried (MustBeRemembered says why).
std::string HeldBy(const TargetChanges::KnownOrders& known, uint64_t netns_cookie,
                   absl::string_view name) {
  for (const v1::JournalledOrder* order : known) {
    if (!IsLive(*order) || order->netns().cookie() != netns_cookie) continue;
    for (const v1::JournalledTarget& target : order->targets()) {
      if (target.target().sysctl() == name && IsOurs(target)) return order->id();
    }
  }
  return "";
}

}  // namespace

absl::Status SysctlChanges::Choose(const v1::Order& order, const KnownOrders& known, HostView* view,
                                   v1::JournalledOrder* record) {
  const uint64_t wanted = order.selector().netns_cookie();
  const std::optional<v1::NetworkNamespace> netns = view->Namespace(order.selector());
  if (!netns.has_value() || netns->cookie() != wanted) {
    return absl::FailedPreconditionError(
        absl::StrCat("the finding has gone: ", order.selector().signature(),
                     " is not seen in namespace cookie:", wanted));
  }
  *record->mutable_netns() = *netns;
  for (const v1::SetSysctl::Setting& setting : order.action().set_sysctl().settings()) {
    v1::JournalledTarget* const target = record->add_targets();
    target->mutable_target()->set_sysctl(setting.name());
    const std::string holder = HeldBy(known, netns->cookie(), setting.name());
    if (!holder.empty()) {
      SetState(target, v1::Target::STATE_REFUSED,
               absl::StrCat("busy: order ", holder, " holds ", setting.name(), " there"));
    }
  }
  return absl::OkStatus();
}

void SysctlChanges::Check(const v1::JournalledOrder& order, const Targets& targets,
                          const Guard& guard) {
  const absl::StatusOr<NetnsFacts> netns = host_->FindNetns(WhereOf(order));
  absl::Status place = netns.status();
  if (place.ok()) {
    place = AllowsNamespace(
        guard,
        {.cookie = netns->cookie, .inode = netns->inode, .is_the_hosts = netns->in_host_netns});
  }
  for (v1::JournalledTarget* target : targets) {
    const absl::Status fine = place.ok() ? CheckOne(order, *netns, target) : place;
    if (absl::IsNotFound(fine)) {
      SetState(target, v1::Target::STATE_GONE, kGone);
    } else if (!fine.ok()) {
      SetState(target, v1::Target::STATE_REFUSED, fine.message());
    }
  }
}

absl::Status SysctlChanges::CheckOne(const v1::JournalledOrder& order, const NetnsFacts& netns,
                                     v1::JournalledTarget* target) {
  const std::string& name = target->target().sysctl();
  const std::string ours = OursOf(order, *target);
  if (absl::Status may = CheckSysctl(name, ours); !may.ok()) return may;
  const SysctlEntry& entry = *FindSysctl(name);
  if (entry.scope == SysctlScope::kMachine && !netns.in_host_netns.value_or(false)) {
    return absl::FailedPreconditionError(absl::StrCat(
        name, " is one for the whole machine, and is set from the host's own namespace only"));
  }
  const absl::StatusOr<std::string> text = host_->ReadSysctl(WhereOf(order), name);
  if (!text.ok()) return text.status();
  const absl::StatusOr<int64_t> found = ParseSysctl(*text);
  if (!found.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(name, ": ", found.status().message()));
  }
  target->mutable_target()->set_value_before(absl::StrCat(*found));
  if (absl::StrCat(*found) == ours) {
    return absl::FailedPreconditionError(absl::StrCat(name, " is ", ours, " already"));
  }
  return CheckSysctlAgainst(entry, *ParseSysctl(ours), *found);
}

absl::Status SysctlChanges::Apply(const v1::JournalledOrder& order, const Targets& targets) {
  absl::Status failed;
  for (v1::JournalledTarget* target : targets) {
    if (!failed.ok()) {
      target->set_attempted(false);
      SetState(target, v1::Target::STATE_REFUSED, "not tried: an earlier one could not be set");
      continue;
    }
    const std::string& name = target->target().sysctl();
    const std::string ours = OursOf(order, *target);
    const auto exchange =
        host_->ExchangeSysctl(WhereOf(order), name, target->target().value_before(), ours);
    if (absl::IsNotFound(exchange.status())) {
      SetState(target, v1::Target::STATE_GONE, kGone);
      failed = absl::NotFoundError(kGone);
    } else if (!exchange.ok()) {
      // It may have been written all the same: still ours to undo.
      failed = absl::Status(exchange.status().code(),
                            absl::StrCat(name, ": ", exchange.status().message()));
    } else if (!exchange->changed || AsShown(exchange->now) != ours) {
      target->set_attempted(false);
      SetState(target, v1::Target::STATE_REFUSED, SetByOthers(exchange->now));
      failed = absl::FailedPreconditionError(absl::StrCat(name, ": ", SetByOthers(exchange->now)));
    } else {
      target->mutable_target()->set_value_after(ours);
      SetState(target, v1::Target::STATE_APPLIED);
    }
  }
  return failed;
}

bool SysctlChanges::Undo(const v1::JournalledOrder& order, const Targets& targets) {
  bool complete = true;
  // The newest change first, as it was made on top of the others.
  for (auto it = targets.rbegin(); it != targets.rend(); ++it) {
    v1::Target* const target = (*it)->mutable_target();
    auto exchange = host_->ExchangeSysctl(WhereOf(order), target->sysctl(), OursOf(order, **it),
                                          target->value_before());
    if (exchange.ok()) {
      exchange->now = AsShown(exchange->now);
      Restored(*exchange, *it);
    } else if (absl::IsNotFound(exchange.status())) {
      SetState(*it, v1::Target::STATE_GONE, kGone);
    } else {
      target->set_reason(std::string(exchange.status().message()));
      complete = false;
    }
  }
  return complete;
}

bool SysctlChanges::Observe(const v1::JournalledOrder& order, const Targets& targets) {
  bool changed = false;
  for (v1::JournalledTarget* target : targets) {
    const absl::StatusOr<std::string> found =
        host_->ReadSysctl(WhereOf(order), target->target().sysctl());
    if (found.ok()) {
      changed |= Observed(AsShown(*found), OursOf(order, *target), target);
    } else if (absl::IsNotFound(found.status())) {
      SetState(target, v1::Target::STATE_GONE, kGone);
      changed = true;
    }
  }
  return changed;
}

}  // namespace tcpmedic
