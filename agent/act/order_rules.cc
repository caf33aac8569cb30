#include "agent/act/order_rules.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/sysctl_catalogue.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// A change that nobody has judged for longer than this is not being verified.
constexpr absl::Duration kLongestConfirm = absl::Hours(1);
constexpr size_t kMaxReasonBytes = 512;
constexpr size_t kMaxIdBytes = 128;
constexpr size_t kFewestForHoldback =
    4;  // with fewer, one socket is no comparison but a quarter of the cure

constexpr absl::Duration kShortestSampling = absl::Seconds(1);
constexpr absl::Duration kLongestSampling = absl::Minutes(5);

constexpr int kMostSettings = 8;
// A shorter one would end while a scan is late; a longer one is what a person should decide again.
constexpr absl::Duration kShortestLease = absl::Seconds(5);
constexpr absl::Duration kLongestLease = absl::Hours(24);
constexpr size_t kMaxExpressionBytes = 4096;

std::string Shown(const v1::Endpoint& endpoint) {
  const bool v6 = endpoint.ip().find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", endpoint.ip(), "]:", endpoint.port())
            : absl::StrCat(endpoint.ip(), ":", endpoint.port());
}

std::string Shown(const v1::JournalledOrder& order, const v1::Target& target) {
  if (!target.sysctl().empty()) {
    const v1::NetworkNamespace& netns = order.netns();
    return absl::StrCat(target.sysctl(), " in ",
                        netns.name().empty()     ? absl::StrCat("netns cookie:", netns.cookie())
                        : netns.name() == "host" ? "the host's own netns"
                                                 : netns.name());
  }
  return absl::StrCat(Shown(target.socket().local()), " → ", Shown(target.socket().remote()),
                      " (cookie ", target.socket().cookie(), ")");
}

// A lease that says nothing is none.
bool HasLease(const v1::Order& order) { return order.lease().has_for_(); }

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckAction(const v1::Order& order, const v1::SetCongestionControl& action) {
  if (action.scope() != v1::SetCongestionControl::SCOPE_SOCKETS) {
    return Invalid("set_congestion_control: this agent knows only the scope sockets");
  }
  if (action.algorithm().empty()) return Invalid("set_congestion_control: no algorithm is named");
  if (order.targets_max() <= 0) return Invalid("targets_max is ", order.targets_max());
  if (!(order.holdback_ratio() >= 0 && order.holdback_ratio() < 1)) {
    return Invalid("holdback_ratio is ", order.holdback_ratio());
  }
  if (HasLease(order)) return Invalid("set_congestion_control: this agent knows no lease for it");
  return absl::OkStatus();
}

// Its settings are its targets, and none can be kept back.
absl::Status CheckAction(const v1::Order& order, const v1::SetSysctl& action) {
  if (action.settings().empty()) return Invalid("set_sysctl: no setting is named");
  if (action.settings_size() > kMostSettings) {
    return Invalid("set_sysctl: more than ", kMostSettings, " settings");
  }
  for (int i = 0; i < action.settings_size(); ++i) {
    const v1::SetSysctl::Setting& setting = action.settings(i);
    if (absl::Status may = CheckSysctl(setting.name(), setting.value()); !may.ok()) return may;
    for (int j = 0; j < i; ++j) {
      if (action.settings(j).name() == setting.name()) {
        return Invalid("set_sysctl: ", setting.name(), " is named twice");
      }
    }
  }
  if (order.selector().netns_cookie() == 0) {
    return Invalid("set_sysctl: the selector names no namespace");
  }
  if (!HasLease(order)) return absl::OkStatus();
  const absl::Duration lease = FromProto(order.lease().for_());
  if (lease < kShortestLease || lease > kLongestLease) {
    return Invalid("the lease is for ", absl::FormatDuration(lease), ", not between 5s and 24h");
  }
  if (order.lease().renew_while().size() > kMaxExpressionBytes) {
    return Invalid("the lease's renew_while is longer than ", kMaxExpressionBytes, " bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckAction(const v1::Order& order, const v1::SampleCallSites& action) {
  const absl::Duration duration = FromProto(action.duration());
  if (duration < kShortestSampling || duration > kLongestSampling) {
    return Invalid("sample_call_sites: its duration is ", absl::FormatDuration(duration),
                   ", not between 1s and 5m");
  }
  if (order.selector().netns_cookie() == 0) {
    return Invalid("sample_call_sites: the selector names no namespace");
  }
  if (HasLease(order)) return Invalid("sample_call_sites: it changes nothing to be leased");
  return absl::OkStatus();
}

absl::Status CheckConfirmWithin(const v1::Order& order) {
  if (OnlyReads(order.action())) return absl::OkStatus();
  const absl::Duration confirm_within = FromProto(order.confirm_within());
  if (confirm_within > absl::ZeroDuration() && confirm_within <= kLongestConfirm) {
    return absl::OkStatus();
  }
  return Invalid("confirm_within is ", absl::FormatDuration(confirm_within),
                 ", not between 0 and 1h");
}

}  // namespace

bool OnlyReads(const v1::Action& action) { return action.has_sample_call_sites(); }

absl::Status CheckOrder(const v1::Order& order, uint64_t session_nonce, absl::Time now) {
  if (order.id().size() > kMaxIdBytes) {
    return Invalid("its id is longer than ", kMaxIdBytes, " bytes");
  }
  if (order.selector().signature().empty() || order.selector().group_by().empty()) {
    return Invalid("an empty selector selects nothing");
  }
  absl::Status action = Invalid("this agent knows no such action");
  if (order.action().has_set_congestion_control()) {
    action = CheckAction(order, order.action().set_congestion_control());
  } else if (order.action().has_set_sysctl()) {
    action = CheckAction(order, order.action().set_sysctl());
  } else if (order.action().has_sample_call_sites()) {
    action = CheckAction(order, order.action().sample_call_sites());
  }
  if (!action.ok()) return action;
  if (absl::Status confirm = CheckConfirmWithin(order); !confirm.ok()) return confirm;
  if (order.session_nonce() != session_nonce) {
    return absl::FailedPreconditionError("the order is meant for another session of this agent");
  }
  const absl::Time expires = FromProto(order.expires_at());
  if (now >= expires) {
    return absl::FailedPreconditionError(
        absl::StrCat("the order expired at ", absl::FormatTime(expires, absl::UTCTimeZone())));
  }
  return absl::OkStatus();
}

std::string Bounded(absl::string_view reason) {
  size_t size = std::min(reason.size(), kMaxReasonBytes);
  // 10xxxxxx continues a character of UTF-8; protobuf would not read half of one back.
  while (size < reason.size() && size > 0 && (reason[size] & 0xc0) == 0x80) --size;
  return std::string(reason.substr(0, size));
}

std::vector<bool> ChooseHeldBack(size_t count, double ratio) {
  std::vector<bool> held_back(count, false);
  if (count < kFewestForHoldback || ratio <= 0) return held_back;
  const auto wanted = static_cast<size_t>(std::floor(ratio * static_cast<double>(count) + 0.5));
  const size_t held = std::clamp<size_t>(wanted, 1, count - 1);
  for (size_t i = 0; i < held; ++i) held_back[(2 * i + 1) * count / (2 * held)] = true;
  return held_back;
}

void MarkHeldBack(double ratio, const std::vector<v1::JournalledTarget*>& targets) {
  const std::vector<bool> held_back = ChooseHeldBack(targets.size(), ratio);
  for (size_t i = 0; i < targets.size(); ++i) {
    targets[i]->mutable_target()->set_held_back(held_back[i]);
    targets[i]->set_attempted(!held_back[i]);
  }
}

v1::JournalledOrder RecordOf(const v1::Order& order, const std::string& boot_id, Moment now) {
  v1::JournalledOrder record;
  record.set_id(order.id());
  record.set_state(v1::Order::STATE_DISPATCHED);
  *record.mutable_action() = order.action();
  record.set_boot_id(boot_id);
  *record.mutable_applied_uptime() = ToProto(now.uptime);
  *record.mutable_applied_at() = ToProto(now.wall);
  if (!OnlyReads(order.action())) {
    const absl::Duration confirm_within = FromProto(order.confirm_within());
    *record.mutable_deadline_uptime() = ToProto(now.uptime + confirm_within);
    *record.mutable_rolls_back_at() = ToProto(now.wall + confirm_within);
  }
  *record.mutable_expires_at() = order.expires_at();
  if (HasLease(order)) *record.mutable_lease() = order.lease();
  return record;
}

v1::JournalledTarget TargetOf(const SocketSample& sample) {
  v1::JournalledTarget target;
  target.set_inode(sample.inode);
  target.mutable_target()->set_value_before(std::string(sample.cc()));
  v1::SocketRef* const socket = target.mutable_target()->mutable_socket();
  socket->set_cookie(sample.key.cookie);
  socket->set_netns_cookie(sample.key.netns_cookie);
  socket->mutable_local()->set_ip(sample.local_ip.ToString());
  socket->mutable_local()->set_port(sample.local_port);
  socket->mutable_remote()->set_ip(sample.remote_ip.ToString());
  socket->mutable_remote()->set_port(sample.remote_port);
  return target;
}

bool CloseAfterReboot(const std::string& boot_id, absl::Duration uptime,
                      v1::JournalledOrder* order) {
  const bool was_live = IsLive(*order);
  for (v1::JournalledTarget& target : *order->mutable_targets()) {
    if (was_live && IsOurs(target)) {
      target.mutable_target()->set_state(v1::Target::STATE_GONE);
      target.mutable_target()->set_reason("the host has restarted");
    }
    target.set_inode(0);  // no cookie of that boot means anything now
  }
  order->set_boot_id(boot_id);
  *order->mutable_applied_uptime() = ToProto(uptime);
  order->set_rolling_back(false);
  if (!was_live) return false;
  order->set_reason("the host has restarted");
  const bool ended = order->state() == v1::Order::STATE_COMMITTED || OnlyReads(order->action());
  order->set_state(ended ? v1::Order::STATE_ENDED : v1::Order::STATE_ROLLED_BACK);
  order->set_acknowledged(false);
  return true;
}

SocketKey KeyOf(const v1::JournalledTarget& target) {
  return {.cookie = target.target().socket().cookie(),
          .netns_cookie = target.target().socket().netns_cookie()};
}

bool IsLive(const v1::JournalledOrder& order) {
  return order.state() == v1::Order::STATE_DISPATCHED ||
         order.state() == v1::Order::STATE_APPLIED || order.state() == v1::Order::STATE_COMMITTED;
}

bool IsOurs(const v1::JournalledTarget& target) {
  return target.attempted() && (target.target().state() == v1::Target::STATE_APPLIED ||
                                target.target().state() == v1::Target::STATE_UNSPECIFIED);
}

bool IsHeldBack(const v1::JournalledTarget& target) {
  return target.target().held_back() && !target.attempted() &&
         target.target().state() == v1::Target::STATE_UNSPECIFIED;
}

absl::Duration DeadlineOf(const v1::JournalledOrder& order) {
  return OnlyReads(order.action()) ? absl::InfiniteDuration() : FromProto(order.deadline_uptime());
}

absl::Duration LeaseOf(const v1::JournalledOrder& order) {
  return order.has_lease() ? FromProto(order.lease().for_()) : absl::InfiniteDuration();
}

absl::Duration LeaseUntil(const v1::JournalledOrder& order) {
  return order.state() == v1::Order::STATE_COMMITTED && order.has_lease()
             ? FromProto(order.lease_until_uptime())
             : absl::InfiniteDuration();
}

std::string LeaseRanOut(const v1::JournalledOrder& order) {
  const std::string lease = absl::FormatDuration(LeaseOf(order));
  if (order.lease().renew_while().empty()) {
    return absl::StrCat("the lease ran out: it was for ", lease);
  }
  return absl::StrCat("the lease ran out: for ", lease, " it was not seen that ",
                      order.lease().renew_while());
}

bool IsFinal(v1::Order::State state) {
  return state == v1::Order::STATE_REFUSED || state == v1::Order::STATE_ENDED ||
         state == v1::Order::STATE_ROLLED_BACK || state == v1::Order::STATE_DRIFTED;
}

v1::OrderReport ReportOf(const v1::JournalledOrder& order) {
  v1::OrderReport report;
  report.set_order_id(order.id());
  report.set_state(order.state());
  report.set_reason(order.reason());
  for (const v1::JournalledTarget& target : order.targets()) {
    *report.add_targets() = target.target();
  }
  *report.mutable_applied_at() = order.applied_at();
  if (order.state() == v1::Order::STATE_APPLIED && order.has_rolls_back_at()) {
    *report.mutable_rolls_back_at() = order.rolls_back_at();
  }
  if (LeaseUntil(order) < absl::InfiniteDuration()) {
    // Wall clocks jump: what holds is the uptime, and this is for people.
    *report.mutable_lease_until() = ToProto(FromProto(order.applied_at()) + LeaseUntil(order) -
                                            FromProto(order.applied_uptime()));
  }
  return report;
}

std::string UndoLine(const v1::JournalledOrder& order, const v1::Target& target) {
  std::string outcome;
  switch (target.state()) {
    case v1::Target::STATE_UNDONE:
      outcome = absl::StrCat(target.value_before(), " again");
      break;
    case v1::Target::STATE_GONE:
      outcome = "gone";
      break;
    case v1::Target::STATE_DRIFTED:
      outcome = "left alone";
      break;
    default:
      outcome = "NOT undone";
  }
  return absl::StrCat("order ", order.id(), ": ", Shown(order, target), ": ", outcome,
                      target.reason().empty() ? "" : ": ", target.reason());
}

}  // namespace tcpmedic
