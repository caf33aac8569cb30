#include "cli/render/order_words.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/render/quantity.h"
#include "cli/render/sampling_words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

// How far a rate may wander and still be said to have stayed.
constexpr double kStayed = 0.25;

bool IsInconclusive(const v1::Order& order) {
  return order.verification().result() == v1::Verification::RESULT_INCONCLUSIVE;
}

// An operator wanted it undone; else the controller did, or the agent by itself.
bool IsByPerson(const v1::Order& order) {
  return !order.roll_back_by().empty() && order.roll_back_by() != "controller";
}

// The agent gives up by itself at this time; nullopt before apply.
std::optional<absl::Time> RollsBackAt(const v1::Order& order) {
  if (!order.has_applied_at() || !order.has_confirm_within()) return std::nullopt;
  return FromProto(order.applied_at()) + FromProto(order.confirm_within());
}

std::string ByItself(const v1::Order& order, absl::Time now) {
  const std::optional<absl::Time> at = RollsBackAt(order);
  return at.has_value()
             ? absl::StrCat("; rolls back by itself at ", ClockText(*at, now), " unless confirmed")
             : "";
}

std::string Ago(const v1::Order& order, absl::Time now) {
  return order.has_decided_at() ? absl::StrCat(" ", AgeText(FromProto(order.decided_at()), now))
                                : "";
}

// Why it was undone: as whoever wanted it said, else as the agent did. Empty: nobody has said.
std::string UndoneBecause(const v1::Order& order) {
  if (!order.roll_back_reason().empty()) return order.roll_back_reason();
  if (order.roll_back_by().empty() && !order.reason().empty()) return order.reason();
  return IsByPerson(order) ? "" : order.verification().reason();
}

// "rolled back 45 s ago by alice because it was too greedy".
std::string UndoneWords(const v1::Order& order, absl::string_view what, absl::Time now) {
  const std::string why = UndoneBecause(order);
  return absl::StrCat(what, order.state() == v1::Order::STATE_ROLLED_BACK ? Ago(order, now) : "",
                      IsByPerson(order) ? absl::StrCat(" by ", order.roll_back_by()) : "",
                      why.empty() ? "" : absl::StrCat(" because ", why));
}

std::string TakenBackWords(const v1::Order& order, absl::Time now) {
  const bool stays = order.state() == v1::Order::STATE_COMMITTED;
  return absl::StrCat(UndoneWords(order, "being rolled back", now),
                      stays ? "" : ByItself(order, now));
}

std::string VerifiedWords(const v1::Order& order, absl::Time now) {
  const std::string change = ChangeText(order.verification());
  return absl::StrCat("verified", Ago(order, now), change.empty() ? "" : ": ", change);
}

std::string NotBegunWords(const v1::Order& order, absl::Time now) {
  if (!order.has_expires_at()) return "";
  return absl::StrCat("; the agent applies it by ", ClockText(FromProto(order.expires_at()), now),
                      " or not at all");
}

// The newest sign of the agent is its newest measurement.
std::string SilentWords(const v1::Order& order, absl::Time now) {
  std::string words = "unknown: the agent is silent";
  const auto& course = order.verification().course();
  if (!course.empty()) {
    absl::StrAppend(&words, " since ", ClockText(FromProto(course.rbegin()->at()), now));
  }
  if (!order.has_applied_at()) return words + NotBegunWords(order, now);
  if (order.reported() == v1::Order::STATE_COMMITTED) {
    return words + "; what it has confirmed stays until it is heard";
  }
  return words + ByItself(order, now);
}

// Of an order that sets sysctls: each by its name, as an operator would look it up.
std::string SettingText(const v1::Target& target) {
  const std::string why = target.reason().empty() ? "" : absl::StrCat(" (", target.reason(), ")");
  const std::string old = target.value_before().empty() ? "its old value" : target.value_before();
  switch (target.state()) {
    case v1::Target::STATE_APPLIED:
      return absl::StrCat(target.sysctl(), " ", old, " → ", target.value_after());
    case v1::Target::STATE_UNDONE:
      return absl::StrCat(target.sysctl(), " back to ", old);
    case v1::Target::STATE_GONE:
      return absl::StrCat(target.sysctl(), " gone", why);
    case v1::Target::STATE_DRIFTED:
      return absl::StrCat(target.sysctl(), " drifted", why);
    case v1::Target::STATE_REFUSED:
      return absl::StrCat(target.sysctl(), " refused", why);
    default:
      return absl::StrCat(target.sysctl(), " not changed");
  }
}

std::string Plural(int count, absl::string_view one) {
  return absl::StrCat(CountText(count), " ", one,
                      count == 1 ? "" : (one == "process" ? "es" : "s"));
}

absl::string_view Noun(const v1::Target& target) {
  switch (target.what_case()) {
    case v1::Target::kSysctl:
      return "setting";
    case v1::Target::kPid:
      return "process";
    default:
      return "socket";
  }
}

// The targets of one fate, with what the first of them says and what all of them have in common.
struct Fate {
  int count = 0;
  absl::string_view noun = "socket";
  std::string reason;
  std::optional<std::string> before, after;  // set but empty: they differ

  void Add(const v1::Target& target) {
    const auto keep = [](std::optional<std::string>* common, const std::string& value) {
      if (!common->has_value()) *common = value;
      if (**common != value) **common = "";
    };
    if (count++ == 0) noun = Noun(target);
    if (reason.empty()) reason = target.reason();
    keep(&before, target.value_before());
    keep(&after, target.value_after());
  }
  std::string Why() const { return reason.empty() ? "" : absl::StrCat(" (", reason, ")"); }
  std::string From() const {
    return before.value_or("").empty() ? "" : absl::StrCat(" from ", *before);
  }
  std::string To() const { return after.value_or("").empty() ? "" : absl::StrCat(" to ", *after); }
};

}  // namespace

std::string OrderWord(const v1::Order& order) {
  if (Samples(order)) return SamplingWord(order);
  switch (order.state()) {
    case v1::Order::STATE_PENDING:
      return "approved";
    case v1::Order::STATE_DISPATCHED:
      return IsBeingTakenBack(order) ? "rolling back" : "sent";
    case v1::Order::STATE_REFUSED:
      return "refused";
    case v1::Order::STATE_APPLIED:
      return IsBeingTakenBack(order) ? "rolling back" : "verifying";
    case v1::Order::STATE_COMMITTING:
      return "confirming";
    case v1::Order::STATE_COMMITTED:
      return IsBeingTakenBack(order) ? "rolling back" : "verified";
    case v1::Order::STATE_ENDED:
      if (!IsVerified(order)) return "ended";
      return order.has_lease() ? "lease over" : "verified";
    case v1::Order::STATE_ROLLED_BACK:
      return IsInconclusive(order) ? "inconclusive" : "rolled back";
    case v1::Order::STATE_DRIFTED:
      return "drifted";
    default:
      return "unknown";
  }
}

std::string OrderWords(const v1::Order& order, absl::Time now) {
  if (Samples(order)) return SamplingWords(order, now);
  switch (order.state()) {
    case v1::Order::STATE_PENDING:
      return "approved; waits for the agent; nothing is changed yet";
    case v1::Order::STATE_DISPATCHED:
      if (IsBeingTakenBack(order)) return TakenBackWords(order, now);
      return absl::StrCat("sent", NotBegunWords(order, now));
    case v1::Order::STATE_REFUSED:
      return absl::StrCat("refused",
                          order.reason().empty() ? "" : absl::StrCat(": ", order.reason()),
                          "; nothing was changed");
    case v1::Order::STATE_APPLIED: {
      if (IsBeingTakenBack(order)) return TakenBackWords(order, now);
      const std::string so_far = VerifiedSoFar(order, now);
      return absl::StrCat("applied and being verified", so_far.empty() ? "" : ", ", so_far,
                          ByItself(order, now));
    }
    case v1::Order::STATE_COMMITTING:
      if (IsBeingTakenBack(order)) return TakenBackWords(order, now);
      return absl::StrCat("it helped, and the agent is being told to keep it",
                          ByItself(order, now));
    case v1::Order::STATE_COMMITTED:
      if (IsBeingTakenBack(order)) return TakenBackWords(order, now);
      return VerifiedWords(order, now);
    case v1::Order::STATE_ENDED: {
      const std::string why =
          order.reason().empty() ? "nothing that it changed is left" : order.reason();
      return IsVerified(order) ? absl::StrCat(VerifiedWords(order, now), "; over since: ", why)
                               : absl::StrCat("ended without a verdict: ", why);
    }
    case v1::Order::STATE_ROLLED_BACK:
      return UndoneWords(
          order, IsInconclusive(order) ? "inconclusive, so rolled back" : "rolled back", now);
    case v1::Order::STATE_DRIFTED:
      return absl::StrCat("drifted: what someone else has changed since is left alone",
                          order.reason().empty() ? "" : ": ", order.reason());
    case v1::Order::STATE_UNKNOWN:
      return SilentWords(order, now);
    default:
      return "in a state that this tcpmedic does not know: update it";
  }
}

Paint OrderPaint(const v1::Order& order) {
  if (IsBeingTakenBack(order)) return Paint::kYellow;
  switch (order.state()) {
    case v1::Order::STATE_COMMITTED:
      return Paint::kGreen;
    case v1::Order::STATE_ENDED:
      return IsVerified(order) || order.call_sites().sites_size() > 0 ? Paint::kGreen
                                                                      : Paint::kYellow;
    case v1::Order::STATE_REFUSED:
    case v1::Order::STATE_ROLLED_BACK:
    case v1::Order::STATE_DRIFTED:
      return Paint::kYellow;
    case v1::Order::STATE_UNKNOWN:
      return Paint::kRed;
    default:
      return Paint::kCyan;
  }
}

bool IsVerified(const v1::Order& order) {
  if (IsBeingTakenBack(order)) return false;
  return order.state() == v1::Order::STATE_COMMITTED ||
         (order.state() == v1::Order::STATE_ENDED &&
          order.verification().result() == v1::Verification::RESULT_IMPROVED);
}

bool IsBeingTakenBack(const v1::Order& order) {
  switch (order.state()) {
    case v1::Order::STATE_DISPATCHED:
    case v1::Order::STATE_APPLIED:
    case v1::Order::STATE_COMMITTING:
    case v1::Order::STATE_COMMITTED:
      return !order.roll_back_by().empty();
    default:
      return false;
  }
}

bool IsSettled(const v1::Order& order) {
  if (IsBeingTakenBack(order)) return false;
  switch (order.state()) {
    case v1::Order::STATE_REFUSED:
    case v1::Order::STATE_COMMITTED:
    case v1::Order::STATE_ENDED:
    case v1::Order::STATE_ROLLED_BACK:
    case v1::Order::STATE_DRIFTED:
      return true;
    default:
      return false;
  }
}

bool CanBeTakenBack(const v1::Order& order) {
  if (IsBeingTakenBack(order) || Samples(order)) return false;
  switch (order.state()) {
    case v1::Order::STATE_APPLIED:
    case v1::Order::STATE_COMMITTING:
    case v1::Order::STATE_COMMITTED:
      return true;
    case v1::Order::STATE_UNKNOWN:
      return order.has_applied_at() && order.roll_back_by().empty();
    default:
      return false;
  }
}

std::string TargetsText(const v1::Order& order) {
  if (!order.targets().empty() && order.targets(0).what_case() == v1::Target::kSysctl) {
    return absl::StrJoin(order.targets(), ", ", [](std::string* out, const v1::Target& target) {
      absl::StrAppend(out, SettingText(target));
    });
  }
  if (Samples(order)) {
    return absl::StrJoin(order.targets(), ", ", [](std::string* out, const v1::Target& target) {
      absl::StrAppend(out, "pid ", target.pid());
    });
  }
  Fate moved, followed, held_back, undone, gone, drifted, refused;
  for (const v1::Target& target : order.targets()) {
    switch (target.state()) {
      case v1::Target::STATE_APPLIED:
        (target.held_back() ? followed : moved).Add(target);
        break;
      case v1::Target::STATE_GONE:
        gone.Add(target);
        break;
      case v1::Target::STATE_DRIFTED:
        drifted.Add(target);
        break;
      case v1::Target::STATE_REFUSED:
        refused.Add(target);
        break;
      case v1::Target::STATE_UNDONE:
        undone.Add(target);
        break;
      default:
        if (target.held_back()) held_back.Add(target);
    }
  }
  std::vector<std::string> parts;
  if (moved.count > 0) {
    parts.push_back(
        absl::StrCat(Plural(moved.count, moved.noun), " moved", moved.From(), moved.To()));
  }
  if (undone.count > 0) {
    const std::string& old = undone.before.value_or("");
    parts.push_back(absl::StrCat(Plural(undone.count, undone.noun), " back on ",
                                 old.empty() ? "what it was" : old));
  }
  // Whatever comes first names what is counted.
  const auto counted = [&parts](const Fate& fate) {
    return parts.empty() ? Plural(fate.count, fate.noun) : CountText(fate.count);
  };
  if (followed.count > 0)
    parts.push_back(absl::StrCat(counted(followed), " held back and moved after"));
  if (held_back.count > 0) parts.push_back(absl::StrCat(counted(held_back), " held back"));
  if (gone.count > 0) parts.push_back(absl::StrCat(counted(gone), " gone", gone.Why()));
  if (drifted.count > 0) parts.push_back(absl::StrCat(counted(drifted), " drifted", drifted.Why()));
  if (refused.count > 0) parts.push_back(absl::StrCat(counted(refused), " refused", refused.Why()));
  return absl::StrJoin(parts, ", ");
}

std::string VerifiedSoFar(const v1::Order& order, absl::Time now) {
  if (!order.has_applied_at() || !order.has_verify_after()) return "";
  const absl::Duration whole = FromProto(order.verify_after());
  const absl::Duration passed =
      std::clamp(now - FromProto(order.applied_at()), absl::ZeroDuration(), whole);
  return absl::StrCat(absl::ToInt64Seconds(passed), " of ", DurationText(whole));
}

std::optional<double> NumberIn(const v1::Measurement& measurement, absl::string_view name) {
  for (const v1::Evidence& evidence : measurement.values()) {
    if (evidence.name() != name) continue;
    const v1::Value& value = evidence.value();
    if (value.kind_case() == v1::Value::kIntValue) return static_cast<double>(value.int_value());
    if (value.kind_case() == v1::Value::kDoubleValue) return value.double_value();
    return std::nullopt;
  }
  return std::nullopt;
}

std::string LeaseText(const v1::Lease& lease) {
  const std::string span = DurationText(FromProto(lease.for_()));
  if (lease.renew_while().empty()) return absl::StrCat("taken back by the host after ", span);
  return absl::StrCat("stays while ", lease.renew_while(), ", checked by the host; taken back ",
                      span, " after that ends");
}

std::string LeaseText(const v1::Order& order, absl::Time now) {
  if (!order.has_lease() || IsBeingTakenBack(order)) return "";
  if (!IsSettled(order) && order.state() != v1::Order::STATE_UNKNOWN) {
    return LeaseText(order.lease());
  }
  if (order.state() != v1::Order::STATE_COMMITTED || !order.has_lease_until()) return "";
  const std::string& renew_while = order.lease().renew_while();
  return absl::StrCat("until ", ClockText(FromProto(order.lease_until()), now),
                      renew_while.empty() ? "" : ", and longer while ", renew_while);
}

std::string ChangeText(const v1::Verification& verification) {
  const auto both = [&verification](absl::string_view name) {
    return std::pair(NumberIn(verification.before(), name), NumberIn(verification.after(), name));
  };
  if (const auto [before, after] = both("syn_drops_per_s"); before && after) {
    std::string text =
        absl::StrCat("SYN drops ", PerSecondText(*before), " → ", PerSecondText(*after));
    if (const auto [sent_before, sent] = both("syncookies_sent_per_s"); sent_before && sent) {
      absl::StrAppend(&text, ", cookies ", PerSecondText(*sent_before), " → ",
                      PerSecondText(*sent));
    }
    return text;
  }
  const auto [before, after] = both("goodput_bps");
  if (!before.has_value() || !after.has_value()) return "";
  std::string text = absl::StrCat("goodput ", BitRateText(*before), " → ", BitRateText(*after));
  if (const double times = *after / *before; *before > 0 && times >= 1.95) {
    absl::StrAppend(
        &text, ", ",
        times < 9.5 ? absl::StrCat(std::round(times * 10) / 10) : CountText(std::llround(times)),
        " times as much");
  }
  return text;
}

std::string HeldBackText(const v1::Verification& verification) {
  const v1::Measurement& after = verification.held_back_after();
  const std::optional<double> goodput = NumberIn(after, "goodput_bps");
  if (!goodput.has_value() || after.sockets() == 0) return "";
  std::string text = Plural(after.sockets(), "socket");
  for (const v1::Evidence& evidence : after.values()) {
    if (evidence.name() == "congestion_control" && evidence.has_value()) {
      absl::StrAppend(&text, " on ", evidence.value().string_value());
    }
  }
  const std::optional<double> before = NumberIn(verification.held_back_before(), "goodput_bps");
  if (!before.has_value()) return absl::StrCat(text, " had ", BitRateText(*goodput));
  const bool stayed = std::abs(*goodput - *before) <= kStayed * *before;
  return stayed ? absl::StrCat(text, " stayed at ", BitRateText(*goodput))
                : absl::StrCat(text, " went from ", BitRateText(*before), " to ",
                               BitRateText(*goodput));
}

}  // namespace tcpmedic::cli
