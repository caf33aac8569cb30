// What the programs that load a lab refuse before they start.
#include <gtest/gtest.h>

#include "lab/connects.h"
#include "lab/leak_clients.h"
#include "lab/leaky_server.h"
#include "lab/listener.h"
#include "lab/port_scan.h"
#include "lab/syn_flood.h"

namespace tcpmedic::lab {
namespace {

TEST(LoadOptionsTest, DefaultsAreFine) {
  EXPECT_EQ(Validate(ListenOptions{}), absl::OkStatus());
  EXPECT_EQ(Validate(ConnectOptions{}), absl::OkStatus());
  EXPECT_EQ(Validate(SynFloodOptions{}), absl::OkStatus());
  EXPECT_EQ(Validate(PortScanOptions{}), absl::OkStatus());
  EXPECT_EQ(Validate(LeakyServerOptions{}), absl::OkStatus());
  EXPECT_EQ(Validate(LeakClientsOptions{}), absl::OkStatus());
}

TEST(LoadOptionsTest, EveryLoadIsBounded) {
  EXPECT_EQ(Validate(SynFloodOptions{.rate_pps = 100'001}).message(),
            "a rate of 100001 SYNs per second is not from 1 to 100000");
  EXPECT_EQ(Validate(SynFloodOptions{.duration = absl::Hours(2)}).message(),
            "a duration of 2h is not within 1h");
  EXPECT_EQ(Validate(PortScanOptions{.rate_pps = 0}).message(),
            "a rate of 0 SYNs per second is not from 1 to 100000");
  EXPECT_EQ(Validate(ConnectOptions{.rate_per_s = 10'001}).message(),
            "a rate of 10001 connects per second is not from 0 to 10000");
  EXPECT_EQ(Validate(ConnectOptions{.burst = 10'001}).message(),
            "a burst of 10001 connects is not from 0 to 10000");
  EXPECT_EQ(Validate(ConnectOptions{.rate_per_s = 2'000}).message(),
            "600000 connects in all are more than 500000: lower the rate or the duration");
  EXPECT_EQ(Validate(ConnectOptions{.rate_per_s = 1'000, .timeout = absl::Seconds(20)}).message(),
            "20000 connects waiting at once are more than 15000: lower the rate, the burst or the "
            "timeout");
  EXPECT_EQ(Validate(ConnectOptions{.timeout = absl::ZeroDuration()}).message(),
            "a timeout of 0 is not from 10ms to 1m");
  EXPECT_EQ(Validate(ListenOptions{.backlog = 0}).message(),
            "a backlog of 0 is not from 1 to 65535");
  EXPECT_EQ(Validate(ListenOptions{.duration = absl::Hours(2)}).message(),
            "a duration of 2h is not within 1h");
}

TEST(LoadOptionsTest, EveryLeakIsBounded) {
  EXPECT_EQ(Validate(LeakyServerOptions{.heap_bytes_per_connection = (1 << 20) + 1}).message(),
            "a heap of 1048577 bytes a connection is not from 0 to 1048576");
  EXPECT_EQ(Validate(LeakyServerOptions{.duration = absl::Hours(2)}).message(),
            "a duration of 2h is not within 1h");
  EXPECT_EQ(Validate(LeakyServerOptions{.drain_every = -absl::Seconds(1)}).message(),
            "draining or shutting down in -1s is not within 1h");
  EXPECT_EQ(Validate(LeakyServerOptions{.bug = LeakBug::kReadEof, .stream = true}).message(),
            "a server with the bug read-eof does not stream");
  EXPECT_EQ(Validate(LeakClientsOptions{.rate_per_s = 1'001}).message(),
            "a rate of 1001 clients per second is not from 0 to 1000");
  EXPECT_EQ(Validate(LeakClientsOptions{.burst = -1}).message(),
            "a burst of -1 clients is not from 0 to 10000");
  EXPECT_EQ(Validate(LeakClientsOptions{.idle = absl::ZeroDuration()}).message(),
            "closing after 0 is not from 10ms to 10m");
  EXPECT_EQ(Validate(LeakClientsOptions{.idle = absl::Minutes(8)}).message(),
            "24250 clients connected at once are more than 15000: lower the rate, the burst or the "
            "time that they stay");
  EXPECT_EQ(Validate(LeakClientsOptions{.half_close = true}).message(),
            "30000 clients connected at once are more than 15000: lower the rate, the burst or the "
            "time that they stay");
  EXPECT_EQ(Validate(LeakClientsOptions{.half_close = true, .duration = absl::Minutes(5)}),
            absl::OkStatus());
}

TEST(LoadOptionsTest, PortsAreSome) {
  EXPECT_EQ(Validate(LeakyServerOptions{.port = 0}).message(), "port 0");
  EXPECT_EQ(Validate(LeakClientsOptions{.port = 0}).message(), "port 0");
  EXPECT_EQ(Validate(ListenOptions{.port = 0}).message(), "port 0");
  EXPECT_EQ(Validate(ConnectOptions{.port = 0}).message(), "port 0");
  EXPECT_EQ(Validate(SynFloodOptions{.port = 0}).message(), "port 0");
  EXPECT_EQ(Validate(PortScanOptions{.first_port = 9, .last_port = 8}).message(),
            "ports 9 to 8 are none");
}

TEST(LoadOptionsTest, OnlyALabsServerIsFlooded) {
  SynRecord record{};
  for (const char* address : {"192.0.2.1", "127.0.0.1", "2001:db8:1::10", "198.51.100.10", ""}) {
    EXPECT_EQ(SendSynFlood(address, {}, &record).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(SendPortScan(address, {}, &record).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(SendSynFlood("192.0.2.1", {}, &record).message(), "'192.0.2.1' is no lab's server");
  EXPECT_EQ(record.sent, 0);
}

}  // namespace
}  // namespace tcpmedic::lab
