#include "diagnosis/finding_life.h"

#include "diagnosis/full_span.h"

namespace tcpmedic {

void FindingLife::Step(Condition condition, Moment now, absl::Duration hold_for,
                       absl::Duration keep_firing_for) {
  if (condition == Condition::kTrue) {
    if (stage_ == Stage::kNone) {
      stage_ = Stage::kPending;
      since_ = now;
    }
    if (stage_ == Stage::kPending && IsFull(now.uptime - since_.uptime, hold_for)) {
      stage_ = Stage::kFiring;
      found_at_ = now;
    }
    if (stage_ == Stage::kLingering) stage_ = Stage::kFiring;
    last_true_ = now;
    return;
  }
  if (condition == Condition::kBroken) {
    if (stage_ == Stage::kPending) stage_ = Stage::kNone;
    if (stage_ == Stage::kFiring) stage_ = Stage::kLingering;
  }
  if (stage_ == Stage::kLingering && now.uptime - last_true_.uptime >= keep_firing_for) {
    stage_ = Stage::kNone;
  }
}

}  // namespace tcpmedic
