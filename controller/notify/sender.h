// One receiver of alerts, as the world has it.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_SENDER_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_SENDER_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "controller/store/deliveries.h"

namespace tcpmedic {

struct SendResult {
  enum class Arrival {
    kAcknowledged,  // the receiver has said that it has them
    kNotArrived,    // certainly: it was not reached, or it has refused
    kUnknown,       // sent, and no such answer: it may have them
  };
  Arrival arrival = Arrival::kUnknown;
  // It has refused what these alerts say: others may still be taken.
  bool content_refused = false;
  std::optional<absl::Duration> retry_after;  // as the receiver asks
  std::string problem;                        // unless acknowledged; one line, without secrets
};

class Sender {
 public:
  virtual ~Sender() = default;
  // At least one, at most most_at_once(). Waits for the answer; one call at a time.
  virtual SendResult Send(absl::Span<const Delivery> deliveries, absl::Time now) = 0;
  virtual int most_at_once() const { return 1; }
  // A firing alert is to be sent again so often; nullopt: once is enough.
  virtual std::optional<absl::Duration> repeat_every() const { return std::nullopt; }
  // Ends the call that waits, and every later one at once. From any thread.
  virtual void Cancel() {}
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_SENDER_H_
