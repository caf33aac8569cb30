// Times between the wire and the program. An absent message is absl::InfinitePast() or zero. Pure.
#ifndef TCPMEDIC_CONTROLLER_WIRE_TIME_H_
#define TCPMEDIC_CONTROLLER_WIRE_TIME_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace tcpmedic {

inline google::protobuf::Timestamp ToWire(absl::Time time) {
  const timespec parts = absl::ToTimespec(time);
  google::protobuf::Timestamp wire;
  wire.set_seconds(parts.tv_sec);
  wire.set_nanos(static_cast<int32_t>(parts.tv_nsec));
  return wire;
}

// Never set: the default Timestamp. 1970 is no time at which anything of ours happened.
inline absl::Time FromWire(const google::protobuf::Timestamp& wire) {
  if (wire.seconds() == 0 && wire.nanos() == 0) return absl::InfinitePast();
  return absl::FromUnixSeconds(wire.seconds()) + absl::Nanoseconds(wire.nanos());
}

inline absl::Duration FromWire(const google::protobuf::Duration& wire) {
  return absl::Seconds(wire.seconds()) + absl::Nanoseconds(wire.nanos());
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_WIRE_TIME_H_
