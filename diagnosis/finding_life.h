// When a condition that comes and goes is a finding. Pure.
//
// `for` asks that the condition holds without a break. For conditions over a sliding window, a
// break is time that no true window covers: one true at t says something about [t - window, t], so
// two true ones less than a window apart leave no moment unexplained. At 1 % loss and 148 ms, one
// window of 5 s in a hundred or so holds no retransmit by chance; that is no break. Hence three
// outcomes of a scan, not two; the engine decides which (engine.h).
//
// `keep_firing_for` is Prometheus' term: a finding outlives its condition by that long, then
// leaves.
#ifndef TCPMEDIC_DIAGNOSIS_FINDING_LIFE_H_
#define TCPMEDIC_DIAGNOSIS_FINDING_LIFE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "core/clock.h"

namespace tcpmedic {

class FindingLife {
 public:
  enum class Condition : uint8_t {
    kTrue,      // seen to hold in this scan
    kUnbroken,  // not in this one, but within the last window
    kBroken,
  };
  enum class Stage : uint8_t {
    kNone,
    kPending,    // holds, not yet for long enough
    kFiring,     // a finding
    kLingering,  // a finding whose condition is gone, within keep_firing_for
  };

  // Advances by one scan. A finding is only ever made in a scan that sees the condition hold.
  void Step(Condition condition, Moment now, absl::Duration hold_for,
            absl::Duration keep_firing_for);

  Stage stage() const { return stage_; }
  bool is_finding() const { return stage_ == Stage::kFiring || stage_ == Stage::kLingering; }
  Moment since() const { return since_; }        // first true without a break; unless kNone
  Moment found_at() const { return found_at_; }  // of a finding
  Moment last_true() const { return last_true_; }

 private:
  Stage stage_ = Stage::kNone;
  Moment since_;
  Moment found_at_;
  Moment last_true_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_FINDING_LIFE_H_
