// What the path does to each packet in one direction: a drop-tail queue, a link of limited rate,
// random loss, delay. Pure: time comes in with each packet, and chance comes from the seed, the
// direction and the packet's number alone, so that a packet's fate does not depend on what else is
// switched on. Not thread-safe.
//
//   arrival → [queue] → link at `rate` → loss → rtt/2 + jitter (order kept) → + reorder_delay for a
//   few → departure
#ifndef TCPMEDIC_LAB_IMPAIRMENT_H_
#define TCPMEDIC_LAB_IMPAIRMENT_H_

#include <cstdint>

#include "lab/path_spec.h"

namespace tcpmedic::lab {

enum class Direction { kToServer, kToClient };

enum class Fate { kDelivered, kLost, kQueueFull };

struct Verdict {
  Fate fate = Fate::kDelivered;
  int64_t departure_ns = 0;  // where delivered; in the clock of the arrivals
  bool held_back = false;    // later packets may leave before it
  int64_t queue_bytes = 0;   // waiting or being sent, with this packet if it was taken
};

class Impairment {
 public:
  // `path` must be valid (lab::Validate).
  Impairment(const PathSpec& path, Direction direction);

  // Arrivals must not go back in time.
  Verdict Admit(int64_t arrival_ns, int length_bytes);

 private:
  enum class Chance : uint64_t { kLoss = 1, kJitter, kReorder };
  double Draw(Chance chance) const;  // in [0, 1), for the present packet
  int64_t QueuedBytes(int64_t now_ns) const;

  const int64_t rate_bps_;
  const int64_t queue_limit_bytes_;
  const int64_t delay_ns_;
  const int64_t jitter_ns_;
  const int64_t reorder_delay_ns_;
  const double loss_ratio_;
  const double reorder_ratio_;
  const uint64_t stream_;

  uint64_t packet_ = 0;
  int64_t link_free_ns_ = 0;  // when the link will have sent all that it has taken
  // Bit-nanoseconds that did not make a whole nanosecond, kept so that no rate drifts.
  uint64_t link_carry_ = 0;
  int64_t last_departure_ns_ = 0;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_IMPAIRMENT_H_
