#include "diagnosis/followed_namespaces.h"

#include <algorithm>

#include "diagnosis/measurement.h"

namespace tcpmedic {

void FollowedNamespaces::Follow(const FollowRequest& request, const KnownNetns& known) {
  const auto [entry, is_new] = orders_.try_emplace(request.order_id);
  if (!is_new) return;
  Followed& order = entry->second;
  order.request = request;
  order.measured.set_order_id(request.order_id);
  if (known.history == nullptr) return;
  const auto before = MeasureBetween(*known.history, known.half_open, -absl::InfiniteDuration(),
                                     request.applied.uptime);
  if (before.has_value()) *order.measured.mutable_before() = *before;
}

void FollowedNamespaces::Unfollow(absl::string_view order_id) {
  const auto order = orders_.find(order_id);
  if (order != orders_.end()) orders_.erase(order);
}

bool FollowedNamespaces::Contains(uint64_t netns_cookie) const {
  return std::any_of(orders_.begin(), orders_.end(), [netns_cookie](const auto& entry) {
    return entry.second.request.netns_cookie == netns_cookie;
  });
}

void FollowedNamespaces::EndScan(
    absl::FunctionRef<std::optional<KnownNetns>(uint64_t netns_cookie)> known) {
  for (auto& [id, order] : orders_) {
    const std::optional<KnownNetns> netns = known(*order.request.netns_cookie);
    if (!netns.has_value()) continue;
    order.measured.clear_after();
    if (netns->history == nullptr) continue;
    const auto after =
        MeasureBetween(*netns->history, netns->half_open,
                       order.request.applied.uptime + kSettlingTime, absl::InfiniteDuration());
    if (after.has_value()) *order.measured.mutable_after() = *after;
  }
}

std::optional<v1::Verification> FollowedNamespaces::MeasuredOf(absl::string_view order_id) const {
  const auto found = orders_.find(order_id);
  if (found == orders_.end()) return std::nullopt;
  return found->second.measured;
}

}  // namespace tcpmedic
