// Serves one receiver from the store: sends what is pending, oldest change first, repeats what
// stands where the receiver wants that, and waits longer after each failure. A delivery is done
// when the receiver has acknowledged it and the store has that: a crash in between costs one
// repetition, and nothing is lost.
//
//   - A receiver that cannot be reached, or answers that it cannot now, is left alone as a whole.
//   - An alert that is refused for what it says waits by itself, and hinders no other.
//
// Not thread-safe, except Problem.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_COURIER_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_COURIER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "controller/notify/sender.h"
#include "controller/store/deliveries.h"
#include "core/clock.h"

namespace tcpmedic {

// The store is asked so often for what is new.
inline constexpr absl::Duration kDeliveryPoll = absl::Seconds(1);
// More refused alerts than these would hold up what waits behind them.
inline constexpr int kPendingAtOnce = 256;

class Courier {
 public:
  // All pointers must outlive the courier; `jitter` gives numbers in [0, 1).
  Courier(std::string receiver, Sender* sender, Deliveries* store, const Clock* clock,
          std::function<double()> jitter);

  // Does what is due now, at most one message. Returns when to call again, as uptime.
  absl::Duration Step();

  // What keeps the receiver from hearing: "oncall: connect to http://127.0.0.1:9093: refused, since
  // 14:02:11Z". Empty: nothing. Thread-safe.
  std::string Problem() const;

 private:
  struct Refused {
    int times = 0;
    absl::Duration resume_at;
  };

  std::vector<Delivery> NextBatch(const std::vector<Delivery>& pending, const Moment& now);
  absl::Duration SendPending(const std::vector<Delivery>& batch, const Moment& now);
  // Sends the next of those that stand. True: there may be more of them.
  bool Repeat(const Moment& now);
  // The receiver as a whole has failed.
  void Fail(const SendResult& result);
  void Failed(const std::string& problem);
  void Succeeded();

  const std::string receiver_;
  Sender* const sender_;
  Deliveries* const store_;
  const Clock* const clock_;
  const std::function<double()> jitter_;

  int failures_ = 0;  // in a row, of the receiver as a whole
  absl::Duration resume_at_ = -absl::InfiniteDuration();
  std::map<std::string, Refused> refused_;  // by key; only of what is pending
  // At the start at once: the receiver may not have heard from us for longer than it waits.
  absl::Duration repeat_at_ = -absl::InfiniteDuration();
  int64_t repeated_ = 0;  // up to this version in this round

  mutable absl::Mutex mutex_;
  std::string problem_ ABSL_GUARDED_BY(mutex_);
  absl::Time failing_since_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_COURIER_H_
