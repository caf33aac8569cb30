#include "proto/proto_time.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(ProtoTime, TimesComeBackAsTheyWere) {
  for (const absl::Time time : {absl::FromUnixNanos(1'700'000'000'123'456'789),
                                absl::FromUnixNanos(-1), absl::FromUnixSeconds(-3)}) {
    EXPECT_EQ(FromProto(ToProto(time)), time);
  }
}

TEST(ProtoTime, NanosOfATimeAreNeverNegative) {
  EXPECT_EQ(ToProto(absl::FromUnixNanos(-1)).ShortDebugString(), "seconds: -1 nanos: 999999999");
}

TEST(ProtoTime, BothPartsOfADurationHaveItsSign) {
  const google::protobuf::Duration proto = ToProto(absl::Milliseconds(-1500));
  EXPECT_EQ(proto.ShortDebugString(), "seconds: -1 nanos: -500000000");
  EXPECT_EQ(FromProto(proto), absl::Milliseconds(-1500));
}

TEST(ProtoTime, UnsetIsTheBeginningOf1970OrNever) {
  const google::protobuf::Timestamp unset;
  EXPECT_EQ(FromProto(unset), absl::UnixEpoch());
  EXPECT_EQ(FromProtoOrInfinitePast(unset), absl::InfinitePast());
  const absl::Time first = absl::FromUnixNanos(1);
  EXPECT_EQ(FromProtoOrInfinitePast(ToProto(first)), first);
  EXPECT_EQ(FromProto(google::protobuf::Duration()), absl::ZeroDuration());
}

}  // namespace
}  // namespace tcpmedic
