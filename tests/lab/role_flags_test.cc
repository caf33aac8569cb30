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

TEST(RoleFlagsTest, EveryLoadComesBackUnchanged) {
  const ListenOptions listen = {.port = 1, .backlog = 2, .duration = absl::Seconds(3)};
  EXPECT_EQ(FromFlags(ToFlags(listen))->listen, listen);
  const ConnectOptions connects = {.rate_per_s = 0.1,
                                   .burst = 2,
                                   .port = 3,
                                   .timeout = absl::Milliseconds(4),
                                   .duration = absl::Seconds(5)};
  EXPECT_EQ(FromFlags(ToFlags(connects))->connects, connects);
  const SynFloodOptions flood = {
      .rate_pps = 1.5, .port = 2, .duration = absl::Seconds(3), .seed = UINT64_MAX};
  EXPECT_EQ(FromFlags(ToFlags(flood))->flood, flood);
  const PortScanOptions scan = {
      .rate_pps = 1.5, .first_port = 2, .last_port = 3, .duration = absl::Seconds(4)};
  EXPECT_EQ(FromFlags(ToFlags(scan))->scan, scan);
}

TEST(RoleFlagsTest, EveryLeakComesBackUnchanged) {
  const LeakyServerOptions server = {.bug = LeakBug::kNeverRead,
                                     .heap_bytes_per_connection = 1,
                                     .port = 2,
                                     .duration = absl::Seconds(3),
                                     .keep_heap = true,
                                     .stream = true,
                                     .drain_every = absl::Seconds(4),
                                     .shutdown_after = absl::Seconds(5),
                                     .shutdown_takes = absl::Seconds(6)};
  EXPECT_EQ(FromFlags(ToFlags(server))->leaky_server, server);
  EXPECT_EQ(FromFlags(ToFlags(LeakyServerOptions{}))->leaky_server, LeakyServerOptions{});
  const LeakClientsOptions clients = {.rate_per_s = 0.1,
                                      .burst = 2,
                                      .port = 3,
                                      .idle = absl::Milliseconds(4),
                                      .half_close = true,
                                      .timeout = absl::Seconds(5),
                                      .duration = absl::Seconds(6)};
  EXPECT_EQ(FromFlags(ToFlags(clients))->leak_clients, clients);
}

TEST(RoleFlagsTest, WhatInitNeedsComesBackUnchanged) {
  const InitOptions init = {
      .path = {.seed = 9},
      .ipv6 = true,
      .server_sysctls = {{"net.ipv4.tcp_syncookies", "0"}, {"net.ipv4.tcp_rmem", "1 2 3=4"}}};
  const absl::StatusOr<RoleFlags> read = FromFlags(ToFlags(init));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->init, init);
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
  EXPECT_EQ(FromFlags(Flags{"--server-sysctl", "net.core.somaxconn"}).status().message(),
            "--server-sysctl net.core.somaxconn: not NAME=VALUE");
  EXPECT_EQ(FromFlags(Flags{"--bug", "read"}).status().message(), "--bug read: not such a value");
  EXPECT_EQ(FromFlags(Flags{"--stream", "x"}).status().message(), "--stream x: not such a value");
  EXPECT_EQ(FromFlags(Flags{"--rtt", "fast"}).status().message(), "--rtt fast: not such a value");
}

}  // namespace
}  // namespace tcpmedic::lab
