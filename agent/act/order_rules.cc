#include "agent/act/order_rules.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// A change that nobody has judged for longer than this is not being verified.
constexpr absl::Duration kLongestConfirm = absl::Hours(1);
constexpr size_t kMaxReasonBytes = 512;
constexpr size_t kMaxIdBytes = 128;
constexpr size_t kFewestForHoldback =
    4;  // with fewer, one socket is no comparison but a quarter of the cure

std::string Shown(const v1::Endpoint& endpoint) {
  const bool v6 = endpoint.ip().find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", endpoint.ip(), "]:", endpoint.port())
            : absl::StrCat(endpoint.ip(), ":", endpoint.port());
}

}  // namespace

absl::Status CheckOrder(const v1::Order& order, uint64_t session_nonce, absl::Time now) {
  const auto invalid = [](const auto&... parts) {
    return absl::InvalidArgumentError(absl::StrCat(parts...));
  };
  if (order.id().size() > kMaxIdBytes)
    return invalid("its id is longer than ", kMaxIdBytes, " bytes");
  if (!order.action().has_set_congestion_control()) {
    return invalid("this agent knows no such action");
  }
  const v1::SetCongestionControl& action = order.action().set_congestion_control();
  if (action.scope() != v1::SetCongestionControl::SCOPE_SOCKETS) {
    return invalid("set_congestion_control: this agent knows only the scope sockets");
  }
  if (action.algorithm().empty()) return invalid("set_congestion_control: no algorithm is named");
  if (order.selector().signature().empty() || order.selector().group_by().empty()) {
    return invalid("an empty selector selects nothing");
  }
  if (order.targets_max() <= 0) return invalid("targets_max is ", order.targets_max());
  if (!(order.holdback_ratio() >= 0 && order.holdback_ratio() < 1)) {
    return invalid("holdback_ratio is ", order.holdback_ratio());
  }
  const absl::Duration confirm_within = FromProto(order.confirm_within());
  if (confirm_within <= absl::ZeroDuration() || confirm_within > kLongestConfirm) {
    return invalid("confirm_within is ", absl::FormatDuration(confirm_within),
                   ", not between 0 and 1h");
  }
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

v1::JournalledOrder RecordOf(const v1::Order& order, const std::string& boot_id, Moment now) {
  const absl::Duration confirm_within = FromProto(order.confirm_within());
  v1::JournalledOrder record;
  record.set_id(order.id());
  record.set_state(v1::Order::STATE_DISPATCHED);
  *record.mutable_action() = order.action();
  record.set_boot_id(boot_id);
  *record.mutable_applied_uptime() = ToProto(now.uptime);
  *record.mutable_deadline_uptime() = ToProto(now.uptime + confirm_within);
  *record.mutable_applied_at() = ToProto(now.wall);
  *record.mutable_rolls_back_at() = ToProto(now.wall + confirm_within);
  *record.mutable_expires_at() = order.expires_at();
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
  return FromProto(order.deadline_uptime());
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
  if (order.state() == v1::Order::STATE_APPLIED) {
    *report.mutable_rolls_back_at() = order.rolls_back_at();
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
  return absl::StrCat("order ", order.id(), ": ", Shown(target.socket().local()), " → ",
                      Shown(target.socket().remote()), " (cookie ", target.socket().cookie(),
                      "): ", outcome, target.reason().empty() ? "" : ": ", target.reason());
}

}  // namespace tcpmedic
