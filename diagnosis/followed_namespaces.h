// The namespaces of live orders, measured whatever the signatures say of them: the remedy erases
// its own finding. The sibling of followed_sockets.h. Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_FOLLOWED_NAMESPACES_H_
#define TCPMEDIC_DIAGNOSIS_FOLLOWED_NAMESPACES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "diagnosis/followed_sockets.h"
#include "diagnosis/netns_history.h"
#include "diagnosis/netns_measurement.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

// What is known of a namespace. The history may be null: nothing.
struct KnownNetns {
  const NetnsHistory* history = nullptr;
  std::optional<HalfOpenCount> half_open;
};

class FollowedNamespaces {
 public:
  // Begins to follow request.netns_cookie, which is set, and measures `before` from what is known
  // up to the change. Following an order again changes nothing.
  void Follow(const FollowRequest& request, const KnownNetns& known);
  void Unfollow(absl::string_view order_id);
  bool Contains(uint64_t netns_cookie) const;

  // Measures. `known` gives null for a namespace that is gone, and nullopt for one that was not
  // read in this scan: its orders stay as they were.
  void EndScan(absl::FunctionRef<std::optional<KnownNetns>(uint64_t netns_cookie)> known);

  // As of the last EndScan: `before` frozen at the change; `after` over the newest ten seconds, and
  // never over what lies before the change has settled. What cannot be measured (nothing known
  // before, too early, gone) is unset; there is no course. NullOpt: not followed.
  std::optional<v1::Verification> MeasuredOf(absl::string_view order_id) const;

 private:
  struct Followed {
    FollowRequest request;
    v1::Verification measured;
  };
  std::map<std::string, Followed, std::less<>> orders_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_FOLLOWED_NAMESPACES_H_
