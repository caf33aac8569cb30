#include "controller/order/story.h"

#include "absl/strings/str_cat.h"
#include "controller/order/order.h"
#include "controller/wire_time.h"

namespace tcpmedic {
namespace {

constexpr char kAgent[] = "agent";
constexpr char kController[] = "controller";

std::string Seconds(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(FromWire(duration));
}

std::string Because(const std::string& reason) {
  return reason.empty() ? "" : absl::StrCat(": ", reason);
}

std::string Sockets(int count) { return absl::StrCat(count, count == 1 ? " socket" : " sockets"); }

std::string Counted(const char* what, int count) {
  return count == 0 ? "" : absl::StrCat(", ", count, " ", what);
}

std::string Applied(const v1::Order& order) {
  const TargetCount targets = CountTargets(order);
  return absl::StrCat("Order ", order.id(), " is applied to ", targets.changed, " of ",
                      Sockets(targets.total), Counted("held back", targets.held_back),
                      Counted("refused", targets.refused), Counted("gone", targets.gone),
                      "; judged after ", Seconds(order.verify_after()),
                      ", and undone by the host itself after ", Seconds(order.confirm_within()),
                      " if nobody confirms");
}

std::string Undone(const v1::Order& order) {
  const TargetCount targets = CountTargets(order);
  return absl::StrCat("Order ", order.id(), " is rolled back: ", Sockets(targets.undone),
                      " as before", Counted("gone", targets.gone),
                      Counted("drifted", targets.drifted));
}

// How the order stands on the host, at the agent's word.
OrderLine Reported(const v1::Order& now) {
  switch (now.reported()) {
    case v1::Order::STATE_REFUSED:
      return {"refused", absl::StrCat("Order ", now.id(), " is refused", Because(now.reason())),
              kAgent, true};
    case v1::Order::STATE_APPLIED:
      return {"applied", Applied(now), kAgent};
    case v1::Order::STATE_COMMITTED:
      return {"verified",
              absl::StrCat("Order ", now.id(), " is confirmed and stays",
                           Because(now.verification().reason())),
              kAgent};
    case v1::Order::STATE_ENDED:
      return {"ended",
              absl::StrCat("Order ", now.id(), " has ended",
                           now.reason().empty() ? " with its sockets" : Because(now.reason())),
              kAgent};
    case v1::Order::STATE_ROLLED_BACK:
      return {
          "rolled_back",
          absl::StrCat(Undone(now),
                       Because(now.roll_back_by().empty() ? now.reason() : now.roll_back_reason())),
          kAgent, true};
    default:
      return {"drifted",
              absl::StrCat("Order ", now.id(), " has drifted: somebody else has changed ",
                           Sockets(CountTargets(now).drifted), ", which are left alone",
                           Because(now.reason())),
              kAgent, true};
  }
}

}  // namespace

std::vector<OrderLine> Story(const v1::Order& was, const v1::Order& now) {
  std::vector<OrderLine> lines;
  if (!was.has_dispatched_at() && now.has_dispatched_at()) {
    lines.push_back({"dispatched",
                     absl::StrCat("Order ", now.id(), " is sent to ", now.selector().host(),
                                  " for at most ", Sockets(now.targets_max())),
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
                                  now.reported() == v1::Order::STATE_COMMITTED
                                      ? ""
                                      : "; it undoes by itself what nobody confirms"),
                     kController, true});
  }
  // Given up by us: no agent has said so.
  if (was.state() != v1::Order::STATE_REFUSED && now.state() == v1::Order::STATE_REFUSED &&
      now.reported() != v1::Order::STATE_REFUSED) {
    lines.push_back({"refused",
                     absl::StrCat("Order ", now.id(), " is given up", Because(now.reason())),
                     kController, true});
  }
  return lines;
}

}  // namespace tcpmedic
