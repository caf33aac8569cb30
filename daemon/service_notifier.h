// What a daemon tells its service manager: sd_notify(3). Without NOTIFY_SOCKET in the environment
// nothing happens.
//
// A watchdog is worth as much as the thread that feeds it. So there is none of its own here, which
// would go on beside a loop that stands still: the thread that does the daemon's work says so at
// each turn.
//
// Thread-safe.
#ifndef TCPMEDIC_DAEMON_SERVICE_NOTIFIER_H_
#define TCPMEDIC_DAEMON_SERVICE_NOTIFIER_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/clock.h"

namespace tcpmedic {

class ServiceNotifier {
 public:
  // Asks the environment: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. `clock` outlives it.
  explicit ServiceNotifier(const Clock* clock);

  // The longest time between two calls of Working; InfiniteDuration where nobody watches. A quarter
  // of WatchdogSec, so that the manager hears of progress twice in each.
  absl::Duration turn_within() const { return turn_within_; }

  // The work goes on. The first call means that it has begun: READY=1. From then on WATCHDOG=1, as
  // often as the manager needs it, and `status`, for people, where it is another than before.
  void Working(absl::string_view status);
  // STOPPING=1. Nothing is said after it.
  void Stopping(absl::string_view status);

 private:
  const Clock* const clock_;
  const absl::Duration turn_within_;

  absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration fed_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  std::string status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DAEMON_SERVICE_NOTIFIER_H_
