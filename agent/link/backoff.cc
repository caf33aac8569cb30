#include "agent/link/backoff.h"

#include <algorithm>

namespace tcpmedic {

absl::Duration Backoff::After(absl::Duration lived, double uniform) {
  if (lived >= options_.proven_after) next_ = options_.first;
  const absl::Duration wait = next_ * (0.5 + 0.5 * uniform);
  next_ = std::min(next_ * 2, options_.last);
  return wait;
}

}  // namespace tcpmedic
