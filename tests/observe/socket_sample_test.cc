#include "observe/socket_sample.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace tcpmedic {
namespace {

TEST(TcpState, NamesAreThoseOfSsFilters) {
  EXPECT_EQ(Name(TcpState::kEstablished), "established");
  EXPECT_EQ(Name(TcpState::kFinWait1), "fin-wait-1");
  EXPECT_EQ(Name(TcpState::kClose), "closed");
  EXPECT_EQ(Name(TcpState::kListen), "listening");
  EXPECT_EQ(Name(static_cast<TcpState>(0)), "unknown");
  EXPECT_EQ(Name(static_cast<TcpState>(13)), "unknown");
}

TEST(TcpState, AllStatesHaveANameAndABitInTheMask) {
  for (unsigned state = 1; state <= 12; ++state) {
    EXPECT_NE(Name(static_cast<TcpState>(state)), "unknown") << state;
    EXPECT_TRUE(kAllTcpStates & MaskOf(static_cast<TcpState>(state))) << state;
  }
}

TEST(TcpInfo, FieldPastTheKernelsStructIsNotReported) {
  tcp_info kernel{};
  kernel.tcpi_rtt = 148'000;
  kernel.tcpi_snd_cwnd = 11;
  TcpInfo info;
  info.Assign(&kernel, offsetof(tcp_info, tcpi_snd_cwnd) + 3);

  EXPECT_TRUE(info.reported());
  EXPECT_EQ(info.Field(&tcp_info::tcpi_rtt), 148'000u);
  EXPECT_EQ(info.Field(&tcp_info::tcpi_snd_cwnd), std::nullopt);
  EXPECT_EQ(info.Field(&tcp_info::tcpi_snd_wnd), std::nullopt);
}

TEST(TcpInfo, BytesPastOursAreIgnored) {
  std::vector<char> newer(sizeof(tcp_info) + 64, '\xff');
  TcpInfo info;
  info.Assign(newer.data(), newer.size());

  EXPECT_EQ(info.Field(&tcp_info::tcpi_snd_wnd), 0xffffffffu);
}

TEST(TcpInfo, ASecondAssignLeavesNothingOfTheFirst) {
  tcp_info kernel{};
  kernel.tcpi_min_rtt = 7;
  TcpInfo info;
  info.Assign(&kernel, sizeof(kernel));
  info.Assign(&kernel, 8);

  EXPECT_EQ(info.Field(&tcp_info::tcpi_min_rtt), std::nullopt);
}

TEST(TcpInfo, NothingIsReportedBeforeAssign) {
  EXPECT_FALSE(TcpInfo().reported());
  EXPECT_EQ(TcpInfo().Field(&tcp_info::tcpi_state), std::nullopt);
}

TEST(TcpInfo, AppLimitedIsUnknownOnKernelsWithoutDeliveryRate) {
  tcp_info kernel{};
  kernel.tcpi_delivery_rate_app_limited = 1;
  TcpInfo info;
  info.Assign(&kernel, offsetof(tcp_info, tcpi_delivery_rate));
  EXPECT_EQ(info.delivery_rate_app_limited(), std::nullopt);

  info.Assign(&kernel, sizeof(kernel));
  EXPECT_EQ(info.delivery_rate_app_limited(), true);
}

TEST(TcpInfo, ReportsExactlyTheMembersThatWereSet) {
  TcpInfo info;
  info.Set(&tcp_info::tcpi_rtt, 148'200u);
  info.Set(&tcp_info::tcpi_bytes_sent, decltype(tcp_info::tcpi_bytes_sent){9'000'000});

  EXPECT_TRUE(info.reported());
  EXPECT_EQ(info.Field(&tcp_info::tcpi_rtt), 148'200u);
  EXPECT_EQ(info.Field(&tcp_info::tcpi_bytes_sent), 9'000'000u);
  EXPECT_EQ(info.Field(&tcp_info::tcpi_rttvar), std::nullopt);
  EXPECT_EQ(info.Field(&tcp_info::tcpi_state), std::nullopt);
  EXPECT_EQ(info.delivery_rate_app_limited(), std::nullopt);
}

TEST(TcpInfo, AppLimitedIsKnownOnceItIsSet) {
  TcpInfo info;
  info.SetAppLimited(false);
  EXPECT_EQ(info.delivery_rate_app_limited(), false);
  EXPECT_EQ(info.Field(&tcp_info::tcpi_delivery_rate), std::nullopt);
}

TEST(TcpInfo, AssignForgetsWhatWasSet) {
  TcpInfo info;
  info.Set(&tcp_info::tcpi_rtt, 148'200u);
  info.SetAppLimited(true);
  tcp_info kernel{};
  info.Assign(&kernel, 8);

  EXPECT_EQ(info.Field(&tcp_info::tcpi_rtt), std::nullopt);
  EXPECT_EQ(info.delivery_rate_app_limited(), std::nullopt);
}

}  // namespace
}  // namespace tcpmedic
