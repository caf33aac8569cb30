// The states of one end of a connection, as steps: from which segment on it was in which. A state
// never goes backwards (RFC 9293 §3.3.2), so the steps are few however long the connection is, and
// what comes later puts right what was taken for granted before, without looking at segments again.
// Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_END_STATES_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_END_STATES_H_

#include <cstdint>
#include <vector>

#include "diagnosis/trace/connection.h"

namespace tcpmedic {

class EndStates {
 public:
  // More than any connection takes, however often it is unknown in between.
  static constexpr size_t kMaxSteps = 24;

  // Segments by their ordinals from 0, as KeptSegments counts them.
  EndState At(int64_t ordinal) const {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
      if (step->ordinal <= ordinal) return step->state;
    }
    return EndState::kUnknown;
  }
  EndState now() const { return steps_.empty() ? EndState::kUnknown : steps_.back().state; }

  // After the segment `ordinal` and all that follow. What was entered for those is forgotten.
  void Enter(int64_t ordinal, EndState state) {
    while (!steps_.empty() && steps_.back().ordinal >= ordinal) steps_.pop_back();
    if (now() == state) return;
    if (steps_.size() == kMaxSteps) steps_.pop_back();
    steps_.push_back({ordinal, state});
  }

 private:
  struct Step {
    int64_t ordinal : 56;  // packed, as each end of each connection has some
    EndState state : 8;
  };
  std::vector<Step> steps_;  // by ordinal
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_END_STATES_H_
