#include "controller/order/story.h"

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/order/order.h"
#include "controller/policy/propose.h"
#include "observe/call_sites/call_sites_message.h"
#include "observe/call_sites/call_sites_words.h"
#include "proto/proto_time.h"
#include "proto/words.h"

namespace tcpmedic {
namespace {

constexpr char kAgent[] = "agent";
constexpr char kController[] = "controller";

std::string Seconds(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(FromProto(duration));
}

std::string Because(const std::string& reason) {
  return reason.empty() ? "" : absl::StrCat(": ", reason);
}

std::string Sockets(int count) { return absl::StrCat(count, count == 1 ? " socket" : " sockets"); }

std::string Counted(const char* what, int count) {
  return count == 0 ? "" : absl::StrCat(", ", count, " ", what);
}

// Sockets are counted; settings are few and have names. The settings in this state, as `words` has
// them.
std::string Settings(const v1::Order& order, v1::Target::State state,
                     absl::FunctionRef<std::string(const v1::Target&)> words) {
  std::vector<std::string> settings;
  for (const v1::Target& target : order.targets()) {
    if (target.state() == state) settings.push_back(words(target));
  }
  return absl::StrJoin(settings, ", ");
}

std::string Changed(const v1::Target& target) {
  return absl::StrCat(target.sysctl(), " ", target.value_before(), " → ", target.value_after());
}

bool Samples(const v1::Order& order) { return order.action().has_sample_call_sites(); }

std::string Applied(const v1::Order& order) {
  if (Samples(order)) {
    return absl::StrCat(
        "Order ", order.id(), " samples call sites",
        order.targets_size() == 1 && order.targets(0).what_case() == v1::Target::kPid
            ? absl::StrCat(" of pid ", order.targets(0).pid())
            : "",
        " for at most ", Seconds(order.action().sample_call_sites().duration()), "; it only reads");
  }
  const TargetCount targets = CountTargets(order);
  const std::string what =
      order.action().has_set_sysctl()
          ? absl::StrCat(": ", Settings(order, v1::Target::STATE_APPLIED, Changed))
          : absl::StrCat(" to ", targets.changed, " of ", Sockets(targets.total),
                         Counted("held back", targets.held_back),
                         Counted("refused", targets.refused), Counted("gone", targets.gone));
  return absl::StrCat("Order ", order.id(), " is applied", what, "; judged after ",
                      Seconds(order.verify_after()), ", and undone by the host itself after ",
                      Seconds(order.confirm_within()), " if nobody confirms");
}

// What an undo has come to: ": 3 sockets as before, 1 gone", ": net.ipv4.tcp_syncookies is 0
// again".
std::string Undone(const v1::Order& order) {
  if (Samples(order)) return "";
  const TargetCount targets = CountTargets(order);
  if (!order.action().has_set_sysctl()) {
    return absl::StrCat(": ", Sockets(targets.undone), " as before", Counted("gone", targets.gone),
                        Counted("drifted", targets.drifted));
  }
  std::vector<std::string> parts;
  if (targets.undone > 0) {
    parts.push_back(Settings(order, v1::Target::STATE_UNDONE, [](const v1::Target& target) {
      return absl::StrCat(target.sysctl(), " is ", target.value_before(), " again");
    }));
  }
  if (targets.drifted > 0) {
    parts.push_back(Settings(order, v1::Target::STATE_DRIFTED, [](const v1::Target& target) {
      return absl::StrCat(target.sysctl(), " was changed by somebody else and is left alone");
    }));
  }
  if (targets.gone > 0) parts.push_back("its namespace is gone");
  return parts.empty() ? "" : absl::StrCat(": ", absl::StrJoin(parts, "; "));
}

std::string Drifted(const v1::Order& order) {
  if (!order.action().has_set_sysctl()) {
    return absl::StrCat(Sockets(CountTargets(order).drifted), ", which are left alone");
  }
  return absl::StrCat(Settings(order, v1::Target::STATE_DRIFTED,
                               [](const v1::Target& target) { return target.sysctl(); }),
                      CountTargets(order).drifted == 1 ? ", which is" : ", which are",
                      " left alone");
}

// How it ended: by its lease, with a reason, or with what it had changed.
std::string Ended(const v1::Order& order) {
  if (Samples(order)) {
    return absl::StrCat(Because(order.reason()),
                        order.has_call_sites()
                            ? absl::StrCat(": ", HeadlineOf(FromProto(order.call_sites())))
                            : "");
  }
  const bool of_sysctls = order.action().has_set_sysctl();
  if (order.reason().empty()) return of_sysctls ? " with its namespace" : " with its sockets";
  return absl::StrCat(Because(order.reason()), of_sysctls ? Undone(order) : "");
}

// How the order stands on the host, at the agent's word.
OrderLine Reported(const v1::Order& now) {
  switch (now.reported()) {
    case v1::Order::STATE_REFUSED:
      return {"refused", absl::StrCat("Order ", now.id(), " is refused", Because(now.reason())),
              kAgent, !Samples(now)};
    case v1::Order::STATE_APPLIED:
      return {"applied", Applied(now), kAgent};
    case v1::Order::STATE_COMMITTED:
      return {
          "verified",
          absl::StrCat(
              "Order ", now.id(), " is confirmed and ",
              now.has_lease() ? absl::StrCat("is taken back ", LeaseInWords(now.lease())) : "stays",
              Because(now.verification().reason())),
          kAgent};
    case v1::Order::STATE_ENDED:
      return {"ended", absl::StrCat("Order ", now.id(), " has ended", Ended(now)), kAgent};
    case v1::Order::STATE_ROLLED_BACK:
      return {
          "rolled_back",
          absl::StrCat("Order ", now.id(), " is rolled back", Undone(now),
                       Because(now.roll_back_by().empty() ? now.reason() : now.roll_back_reason())),
          kAgent, !Samples(now)};
    default:
      return {"drifted",
              absl::StrCat("Order ", now.id(), " has drifted: somebody else has changed ",
                           Drifted(now), Because(now.reason())),
              kAgent, true};
  }
}

}  // namespace

std::vector<OrderLine> Story(const v1::Order& was, const v1::Order& now) {
  std::vector<OrderLine> lines;
  if (!was.has_dispatched_at() && now.has_dispatched_at()) {
    lines.push_back({"dispatched",
                     absl::StrCat("Order ", now.id(), " is sent to ", now.selector().host(),
                                  now.action().has_set_sysctl() || Samples(now)
                                      ? absl::StrCat(": ", Words(now.action()))
                                      : absl::StrCat(" for at most ", Sockets(now.targets_max()))),
                     kController});
  }
  if (was.reported() != now.reported()) lines.push_back(Reported(now));
  if (was.state() == v1::Order::STATE_UNKNOWN && now.state() != v1::Order::STATE_UNKNOWN &&
      was.reported() == now.reported()) {
    lines.push_back({"known",
                     absl::StrCat(now.selector().host(), " is heard again about order ", now.id()),
                     kController});
  }
  const bool judged = now.verification().result() != was.verification().result();
  if (judged && now.verification().result() == v1::Verification::RESULT_IMPROVED) {
    lines.push_back(
        {"judged",
         absl::StrCat("Improved: ", now.verification().reason(), "; confirming order ", now.id()),
         kController});
  }
  if (was.roll_back_by().empty() && !now.roll_back_by().empty()) {
    if (judged) {
      const bool inconclusive =
          now.verification().result() == v1::Verification::RESULT_INCONCLUSIVE;
      lines.push_back({"judged",
                       absl::StrCat(inconclusive ? "Inconclusive: " : "Not improved: ",
                                    now.roll_back_reason(), "; rolling order ", now.id(), " back"),
                       now.roll_back_by()});
    } else {
      lines.push_back({"rolling_back",
                       absl::StrCat("Order ", now.id(), " is to be rolled back",
                                    Because(now.roll_back_reason())),
                       now.roll_back_by()});
    }
  }
  if (was.state() != v1::Order::STATE_UNKNOWN && now.state() == v1::Order::STATE_UNKNOWN) {
    lines.push_back({"unknown",
                     absl::StrCat("How order ", now.id(),
                                  " stands is not known: ", now.selector().host(), " is silent",
                                  now.reported() == v1::Order::STATE_COMMITTED || Samples(now)
                                      ? ""
                                      : "; it undoes by itself what nobody confirms"),
                     kController, !Samples(now)});
  }
  // Given up by us: no agent has said so.
  if (was.state() != v1::Order::STATE_REFUSED && now.state() == v1::Order::STATE_REFUSED &&
      now.reported() != v1::Order::STATE_REFUSED) {
    lines.push_back({"refused",
                     absl::StrCat("Order ", now.id(), " is given up", Because(now.reason())),
                     kController, !Samples(now)});
  }
  return lines;
}

}  // namespace tcpmedic
