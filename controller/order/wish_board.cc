#include "controller/order/wish_board.h"

#include <optional>
#include <utility>

#include "controller/order/order.h"

namespace tcpmedic {

void WishBoard::Begin(const std::string& host) { hosts_[host].told.clear(); }

void WishBoard::Hear(const std::string& host, const v1::Report& report) {
  Host& known = hosts_[host];
  known.mentioned.clear();
  for (const v1::OrderReport& order : report.orders()) {
    known.mentioned[order.order_id()] = order.state();
    if (order.state() != v1::Order::STATE_APPLIED) known.told.clear();
  }
}

v1::OrderSet WishBoard::WishesFor(const std::string& host,
                                  const std::vector<const v1::Order*>& orders) const {
  std::map<std::string, v1::OrderWish> by_id;
  for (const v1::Order* order : orders) {
    if (order->selector().host() != host) continue;
    if (std::optional<v1::OrderWish> wish = WishFor(*order)) by_id[order->id()] = *std::move(wish);
  }
  if (const auto known = hosts_.find(host); known != hosts_.end()) {
    for (const auto& [id, state] : known->second.mentioned) {
      // Applied and not known here: it runs into its own deadline.
      if (by_id.count(id) > 0 || state == v1::Order::STATE_APPLIED) continue;
      v1::OrderWish& wish = by_id[id];
      wish.mutable_order()->set_id(id);
      wish.set_stored(state);
    }
  }
  v1::OrderSet set;
  for (auto& [id, wish] : by_id) *set.add_wishes() = std::move(wish);
  return set;
}

bool WishBoard::TellAnew(const std::string& host, const v1::OrderSet& wishes) {
  std::string bytes = wishes.SerializeAsString();
  std::string& told = hosts_[host].told;
  if (bytes == told) return false;
  told = std::move(bytes);
  return true;
}

}  // namespace tcpmedic
