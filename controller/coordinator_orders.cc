// The coordinator's part in orders: approvals and rollbacks, what agents report of them, what time
// does to them, and when agents are told.
#include <algorithm>
#include <utility>

#include "controller/coordinator.h"
#include "controller/order/approval.h"
#include "controller/wire_time.h"

namespace tcpmedic {

absl::Status Coordinator::PursueOrderInto(Draft* draft, const std::string& incident_id,
                                          const std::string& order_id, const OrderEvent& event,
                                          absl::Time reported_at) {
  const v1::IncidentView& view = Current(*draft, incident_id);
  absl::StatusOr<Pursued> pursued =
      PursueWith(*draft, view.incident().host(), [&](const Circumstances& circumstances) {
        return PursueOrder(view, order_id, event, reported_at, circumstances);
      });
  if (!pursued.ok()) return pursued.status();
  Put(draft, *std::move(pursued));
  return absl::OkStatus();
}

// ---- Operators.

absl::StatusOr<v1::IncidentView> Coordinator::Approve(const v1::ApproveRequest& request) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<v1::IncidentView> view = Resolve(request.id());
  if (!view.ok()) return view.status();
  const absl::Status possible = CheckApproval(*view, request, clock_->Now().wall);
  if (!possible.ok()) return possible;
  return Answer(request.id(), Approved{request.actor()});
}

absl::StatusOr<v1::IncidentView> Coordinator::Rollback(const v1::RollbackRequest& request) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<v1::IncidentView> view = Resolve(request.id());
  if (!view.ok()) return view.status();
  absl::StatusOr<v1::Order> order = OrderToRollBack(*view, request.order_id());
  if (!order.ok()) return order.status();
  const std::string& id = view->incident().id();
  Draft draft{clock_->Now(), {}, {}};
  draft.incidents[id] = {*view, false};
  absl::Status asked = PursueOrderInto(
      &draft, id, order->id(), RollbackAsked{request.actor(), request.reason()}, draft.now.wall);
  if (asked.ok()) asked = Conclude(std::move(draft));
  if (!asked.ok()) return asked;
  return live_.at(id).view;
}

// ---- Agents.

absl::Status Coordinator::TakeOrderReports(Draft* draft, const std::string& host,
                                           const v1::Report& report) {
  const absl::Time reported_at = FromWire(report.at());
  for (const v1::OrderReport& told : report.orders()) {
    // Of this host's own: nobody speaks for another host, nor about what is not known here.
    const auto of = std::find_if(live_.begin(), live_.end(), [&](const auto& entry) {
      const v1::IncidentView& view = entry.second.view;
      return view.incident().host() == host &&
             std::any_of(view.orders().begin(), view.orders().end(),
                         [&](const v1::Order& order) { return order.id() == told.order_id(); });
    });
    if (of == live_.end()) continue;
    const absl::Status taken =
        PursueOrderInto(draft, of->first, told.order_id(), OrderReported{told}, reported_at);
    if (!taken.ok()) return taken;
  }
  return absl::OkStatus();
}

absl::Status Coordinator::NoteOrders(Draft* draft, const std::string& host, bool silent) {
  for (const auto& [id, live] : live_) {
    if (live.view.incident().host() != host) continue;
    for (const v1::Order& order : live.view.orders()) {
      const bool is_unknown = order.state() == v1::Order::STATE_UNKNOWN;
      if (silent ? is_unknown || !IsUnderWay(order) : !is_unknown) continue;
      const OrderEvent event =
          silent ? OrderEvent(OrderHostSilent{}) : OrderEvent(OrderHostHeard{});
      const absl::Status noted = PursueOrderInto(draft, id, order.id(), event, draft->now.wall);
      if (!noted.ok()) return noted;
    }
  }
  return absl::OkStatus();
}

// A dispatched order whose time is up: its agent has not begun, or cannot say so.
absl::Status Coordinator::ExpireOrders(const Moment& now) {
  Draft draft{now, {}, {}};
  for (const auto& [id, live] : live_) {
    for (const v1::Order& order : live.view.orders()) {
      if (!IsOverdue(order, now.wall)) continue;
      OrderEvent event = OrderHostSilent{};
      if (fleet_.AgentOf(order.selector().host()).has_value()) {
        if (now.wall < FromWire(order.expires_at()) + kExpiryGrace) continue;
        event = OrderNeverBegun{};
      }
      const absl::Status expired = PursueOrderInto(&draft, id, order.id(), event, now.wall);
      if (!expired.ok()) return expired;
    }
  }
  return Conclude(std::move(draft));
}

// ---- Wishes.

FleetOrders Coordinator::OrdersOf(const Draft& draft) const {
  FleetOrders fleet;
  fleet.hosts = fleet_.size();
  const auto add = [&](const v1::IncidentView& view) {
    for (const v1::Order& order : view.orders()) fleet.orders.push_back(&order);
  };
  for (const auto& [id, live] : live_) add(Current(draft, id));
  for (const auto& [id, entry] : draft.incidents) {
    if (live_.count(id) == 0) add(entry.view);
  }
  return fleet;
}

bool Coordinator::NeedsOrders(const v1::IncidentView& view, absl::Time now) const {
  const absl::Duration look_back = LookBack(policies_);
  return std::any_of(view.orders().begin(), view.orders().end(), [&](const v1::Order& order) {
    return !IsOver(order) || now - FromWire(order.created_at()) < look_back;
  });
}

void Coordinator::CarryWishes(WishCarrier* carrier) {
  absl::MutexLock lock(&mutex_);
  carrier_ = carrier;
}

void Coordinator::CarryNews(const std::string& host) {
  const std::optional<Fleet::Agent> agent = fleet_.AgentOf(host);
  if (carrier_ == nullptr || !agent.has_value()) return;
  const v1::OrderSet wishes =
      wishes_.WishesFor(host, OrdersOf(Draft{clock_->Now(), {}, {}}).orders);
  if (wishes_.TellAnew(host, wishes)) carrier_->OnWishes(agent->session, wishes);
}

void Coordinator::RepeatWishes(uint64_t session) {
  absl::MutexLock lock(&mutex_);
  const std::string host = fleet_.HostOf(session);
  if (host.empty()) return;
  wishes_.Begin(host);
  CarryNews(host);
}

}  // namespace tcpmedic
