// How often to scan, so that scanning costs at most a given share of one core. Pure. Not
// thread-safe.
#ifndef TCPMEDIC_AGENT_BUDGET_H_
#define TCPMEDIC_AGENT_BUDGET_H_

#include "absl/time/time.h"

namespace tcpmedic {

class CpuBudget {
 public:
  struct Options {
    absl::Duration base_interval = absl::Seconds(1);  // never more often
    absl::Duration max_interval = absl::Seconds(60);  // never more seldom, whatever it costs
    double core_fraction = 0.01;                      // of one core
  };
  explicit CpuBudget(Options options) : options_(options) {}

  // Takes the CPU time of the scan that just ended; gives the time from its start to the next
  // one's. The cost is smoothed, so that one dear scan (the first, one that starved) stretches the
  // interval a little and a lasting one all the way; it shrinks again as scans become cheap.
  absl::Duration IntervalAfter(absl::Duration scan_cpu);

  // The longest interval does not keep scanning inside the budget.
  bool exceeded() const { return smoothed_cpu_ > options_.max_interval * options_.core_fraction; }

 private:
  Options options_;
  absl::Duration smoothed_cpu_ = absl::ZeroDuration();
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_BUDGET_H_
