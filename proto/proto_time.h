// Times between the program and the vocabulary. Pure. Out-of-range parts are added up as they are:
// the wire is never a reason to crash.
#ifndef TCPMEDIC_PROTO_PROTO_TIME_H_
#define TCPMEDIC_PROTO_PROTO_TIME_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>

#include "absl/time/time.h"

namespace tcpmedic {

inline google::protobuf::Timestamp ToProto(absl::Time time) {
  const timespec parts = absl::ToTimespec(time);  // rounds down: nanos are never negative
  google::protobuf::Timestamp proto;
  proto.set_seconds(parts.tv_sec);
  proto.set_nanos(static_cast<int32_t>(parts.tv_nsec));
  return proto;
}

// Both parts have the sign of the duration.
inline google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::ToInt64Seconds(duration));
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(proto.seconds()))));
  return proto;
}

// Unset is zero.
inline absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

// Unset is the first instant of 1970: ask has_…() first where that would be shown or counted from.
inline absl::Time FromProto(const google::protobuf::Timestamp& proto) {
  return absl::FromUnixSeconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

// Unset is absl::InfinitePast(), "never": it sorts before, and is longer ago than, anything that
// happened. So is 1970 itself, at which nothing of ours did.
inline absl::Time FromProtoOrInfinitePast(const google::protobuf::Timestamp& proto) {
  if (proto.seconds() == 0 && proto.nanos() == 0) return absl::InfinitePast();
  return FromProto(proto);
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_PROTO_PROTO_TIME_H_
