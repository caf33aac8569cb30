// What the programs that load a lab refuse before they start.
#include <gtest/gtest.h>

#include "lab/connects.h"
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

TEST(LoadOptionsTest, PortsAreSome) {
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
