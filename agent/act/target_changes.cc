#include "agent/act/target_changes.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {

void SetState(v1::JournalledTarget* target, v1::Target::State state, absl::string_view reason) {
  target->mutable_target()->set_state(state);
  target->mutable_target()->set_reason(std::string(reason));
}

std::string SetByOthers(absl::string_view value) {
  return absl::StrCat(value, " is set now, and not by this agent");
}

bool Observed(absl::string_view found, absl::string_view ours, v1::JournalledTarget* target) {
  const bool had_a_state = target->target().state() != v1::Target::STATE_UNSPECIFIED;
  if (found != ours && !had_a_state) target->set_attempted(false);
  if ((found == ours) == had_a_state) return false;
  if (found == ours) {
    SetState(target, v1::Target::STATE_APPLIED);
  } else {
    SetState(target, v1::Target::STATE_DRIFTED, SetByOthers(found));
  }
  target->mutable_target()->set_value_after(std::string(found));
  return true;
}

void Restored(const HostControl::Exchange& exchange, v1::JournalledTarget* target) {
  const std::string& before = target->target().value_before();
  if (exchange.now == before) {
    // Not changed: a change that was recorded but never made, or an undo that was made but never
    // recorded.
    SetState(target, v1::Target::STATE_UNDONE,
             exchange.changed ? "" : absl::StrCat("it was ", before, " already"));
  } else {
    SetState(target, v1::Target::STATE_DRIFTED, SetByOthers(exchange.now));
  }
  target->mutable_target()->set_value_after(exchange.now);
}

}  // namespace tcpmedic
