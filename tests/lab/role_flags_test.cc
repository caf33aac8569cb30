#include "lab/role_flags.h"

#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

namespace tcpmedic::lab {
namespace {

TEST(RoleFlagsTest, CommandLinesSayWhatMattersAndNoMore) {
  EXPECT_EQ(absl::StrJoin(ToFlags(PathSpec{}), " "),
            "--rtt 148ms --loss 0.01 --rate 100000000 --seed 1");
  EXPECT_EQ(absl::StrJoin(ToFlags(TransferOptions{.app_rate_bps = 200'000}), " "),
            "--port 5201 --flows 1 --congestion-control cubic --duration 2m --app-rate 200000");
}

TEST(RoleFlagsTest, EveryPathComesBackUnchanged) {
  const PathSpec path = {.rtt = absl::Microseconds(148'250),
                         .jitter = absl::Nanoseconds(1'500'001),
                         .loss_ratio = 1.0 / 3,
                         .reorder_ratio = 0.007,
                         .reorder_delay = absl::Milliseconds(9),
                         .rate_bps = 123'456'789,
                         .queue_bytes = 65'537,
                         .seed = UINT64_MAX};
  const absl::StatusOr<RoleFlags> read = FromFlags(ToFlags(path));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->init.path, path);
}

TEST(RoleFlagsTest, EveryTransferComesBackUnchanged) {
  const TransferOptions transfer = {.flows = 7,
                                    .congestion_control = "bbr",
                                    .duration = absl::Seconds(33),
                                    .port = 65'535,
                                    .app_rate_bps = 1,
                                    .read_rate_bps = 2,
                                    .receive_buffer_bytes = 3,
                                    .send_buffer_bytes = 4,
                                    .write_bytes = 6,
                                    .connection_bytes = 5};
  const absl::StatusOr<RoleFlags> read = FromFlags(ToFlags(transfer));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->transfer, transfer);
}

TEST(RoleFlagsTest, AddressAndFamilyAreRead) {
  const std::vector<std::string> flags = {"--ipv6", "--to", "2001:db8:2::20"};
  EXPECT_TRUE(FromFlags(flags)->init.ipv6);
  EXPECT_EQ(FromFlags(flags)->address, "2001:db8:2::20");
}

TEST(RoleFlagsTest, WhatIsNoFlagOrNoValueIsRefused) {
  using Flags = std::vector<std::string>;
  EXPECT_EQ(FromFlags(Flags{"--rtt"}).status().message(), "--rtt is no flag, or lacks its value");
  EXPECT_EQ(FromFlags(Flags{"--speed", "1"}).status().message(), "unknown flag --speed");
  EXPECT_EQ(FromFlags(Flags{"--port", "65536"}).status().message(),
            "--port 65536: not such a value");
  EXPECT_EQ(FromFlags(Flags{"--rtt", "fast"}).status().message(), "--rtt fast: not such a value");
}

}  // namespace
}  // namespace tcpmedic::lab
