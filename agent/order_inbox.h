// Hands the controller's newest wishes from the link to the scan thread, and wakes it: an approval
// must not wait for the next scan. Level-triggered: a newer set replaces one not yet taken.
// Thread-safe.
#ifndef TCPMEDIC_AGENT_ORDER_INBOX_H_
#define TCPMEDIC_AGENT_ORDER_INBOX_H_

#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

class OrderInbox {
 public:
  void Offer(v1::OrderSet wishes) {
    absl::MutexLock lock(&mutex_);
    waiting_ = std::move(wishes);
  }

  // The newest set, once.
  std::optional<v1::OrderSet> Take() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(waiting_, std::nullopt);
  }

  // Returns when a set waits, after Interrupt, or when the time is up.
  void Wait(absl::Duration timeout) const {
    absl::MutexLock lock(&mutex_);
    const auto news = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return waiting_.has_value() || interrupted_;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&news), timeout);
  }

  // From now on nobody waits.
  void Interrupt() {
    absl::MutexLock lock(&mutex_);
    interrupted_ = true;
  }

 private:
  mutable absl::Mutex mutex_;
  std::optional<v1::OrderSet> waiting_ ABSL_GUARDED_BY(mutex_);
  bool interrupted_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ORDER_INBOX_H_
