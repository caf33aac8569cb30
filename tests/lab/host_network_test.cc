#include "lab/host_network.h"

#include <gtest/gtest.h>

namespace tcpmedic::lab {
namespace {

constexpr char kNetDev[] =
    R"(Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     420       5    1    2    3     4          5         6       70       80   90  100  110   120     130        140
 path0: 1234567    8901    0    7    0     0          0         0  7654321     1098    0   42    0     0       0          0
)";

TEST(HostNetworkTest, TransmitDropsAreTheDevicesOwn) { EXPECT_EQ(TransmitDrops(kNetDev), 42); }

TEST(HostNetworkTest, TransmitDropsAreZeroWhereTheDeviceIsNotListed) {
  EXPECT_EQ(TransmitDrops("    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"), 0);
  EXPECT_EQ(TransmitDrops("path0: 1 2 3"), 0);
  EXPECT_EQ(TransmitDrops(""), 0);
}

}  // namespace
}  // namespace tcpmedic::lab
