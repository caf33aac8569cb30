// Brings what is in the store to the receivers: a thread for each, so that none waits for another,
// and one that gives up what nobody needs any more. Whoever commits alerts need not tell: the store
// is asked every second.
//
// Bounds: an event that no receiver took within kEventAge, or behind kEventsKept newer ones, is
// given up and counted. Alerts never are: they are as many as there are incidents.
// Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_NOTIFIER_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_NOTIFIER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/notify/receivers.h"
#include "controller/notify/sender.h"
#include "controller/store/deliveries.h"
#include "core/clock.h"

namespace tcpmedic {

inline constexpr absl::Duration kEventAge = absl::Hours(24);
inline constexpr int kEventsKept = 1000;  // of each receiver

class Notifier {
 public:
  struct Options {
    std::vector<Receiver> receivers;
    // Told of each change of what keeps a receiver from hearing; empty: it hears again. Called from
    // the receivers' threads; may be null.
    std::function<void(const std::string& receiver, const std::string& problem)> on_problem;
    absl::Duration http_timeout = absl::Seconds(10);
  };

  // Begins at once. The pointers must outlive the notifier. Internal: curl does not start.
  static absl::StatusOr<std::unique_ptr<Notifier>> Start(Options options, Deliveries* store,
                                                         const Clock* clock);
  // Ends what is under way within moments; it goes on with the next start.
  virtual ~Notifier() = default;

  // What keeps anybody from hearing, for people, one line each: receivers that fail, with how many
  // wait for them; receivers that are not configured and for whom something waits; events given up.
  virtual std::vector<std::string> Problems() const = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_NOTIFIER_H_
