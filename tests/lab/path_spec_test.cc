#include "lab/path_spec.h"

#include <gtest/gtest.h>

#include "lab/host_network.h"

namespace tcpmedic::lab {
namespace {

TEST(PathSpecTest, QueueIsTwiceTheBandwidthDelayProductUnlessGiven) {
  EXPECT_EQ(BandwidthDelayBytes({}), 1'850'000);  // 100 Mbit/s × 148 ms
  EXPECT_EQ(QueueBytes({}), 3'700'000);
  EXPECT_EQ(QueueBytes({.queue_bytes = 10'000}), 10'000);
  EXPECT_EQ(QueueBytes({.rtt = absl::Milliseconds(1), .rate_bps = 1'000'000}), 64 * 1024);
}

TEST(PathSpecTest, SocketBuffersHoldFourBandwidthDelayProducts) {
  EXPECT_EQ(MaxSocketBufferBytes({}), 7'400'000);
  EXPECT_EQ(MaxSocketBufferBytes({.rate_bps = 1'000'000}), 4 << 20);
}

TEST(PathSpecTest, ReorderedPacketsAreHeldForHalfTheRttUnlessGiven) {
  EXPECT_EQ(ReorderDelay({}), absl::Milliseconds(74));
  EXPECT_EQ(ReorderDelay({.reorder_delay = absl::Milliseconds(5)}), absl::Milliseconds(5));
}

TEST(PathSpecTest, WhatCannotBeEmulatedIsRefusedByName) {
  EXPECT_EQ(Validate({}), absl::OkStatus());
  EXPECT_EQ(Validate({.rate_bps = 0}), absl::OkStatus());
  EXPECT_EQ(Validate({.rtt = -absl::Milliseconds(1)}).message(), "rtt -1ms is not from 0 to 10s");
  EXPECT_EQ(Validate({.jitter = absl::Minutes(1)}).message(), "jitter 1m is not from 0 to 10s");
  EXPECT_EQ(Validate({.loss_ratio = 1.5}).message(), "loss 1.5 is not from 0 to 1");
  EXPECT_EQ(Validate({.reorder_ratio = -0.1}).message(), "reorder -0.1 is not from 0 to 1");
  EXPECT_EQ(Validate({.rate_bps = 100}).message(),
            "rate 100 bit/s is not from 8000 to 10000000000, or 0 for no limit");
  EXPECT_EQ(Validate({.queue_bytes = -1}).message(), "queue of -1 bytes");
  EXPECT_EQ(Validate({.rate_bps = 10'000'000'000}).message(),
            "rate, delay and queue together hold 441 MiB each way; the emulator holds at most 256: "
            "lower the rate, the rtt or the queue");
}

}  // namespace
}  // namespace tcpmedic::lab
