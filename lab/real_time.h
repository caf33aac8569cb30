// For the programs of a lab that must not be what a measurement measures.
#ifndef TCPMEDIC_LAB_REAL_TIME_H_
#define TCPMEDIC_LAB_REAL_TIME_H_

#include <sched.h>
#include <sys/resource.h>

namespace tcpmedic::lab {

// The calling process keeps its time while the programs beside it use all the processors. Where the
// kernel preempts lazily, only a real-time process is let in before the next tick (4 ms). Where
// that is not allowed, a high priority must do. What such a process uses must be bounded by a rate.
inline void KeepTimeUnderLoad() {
  sched_param lowest{};
  lowest.sched_priority = sched_get_priority_min(SCHED_FIFO);
  if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0) (void)setpriority(PRIO_PROCESS, 0, -20);
}

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_REAL_TIME_H_
