// SIGINT and SIGTERM during a drill: it ends in order, and takes everything down. One at a time in
// a process.
#ifndef TCPMEDIC_CLI_DRILL_INTERRUPTION_H_
#define TCPMEDIC_CLI_DRILL_INTERRUPTION_H_

#include <signal.h>

namespace tcpmedic::cli {

// While it lives, these signals are only remembered.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

// Whether one of them came since the newest guard was made.
bool Interrupted();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_INTERRUPTION_H_
