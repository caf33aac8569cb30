#include "diagnosis/accepted_by.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/scripted_netns.h"

namespace tcpmedic {
namespace {

class AcceptedByTest : public ::testing::Test {
 protected:
  void Show(const std::vector<std::pair<std::string, uint16_t>>& listeners) {
    accepted_by_.Begin();
    uint64_t cookie = 0;
    for (const auto& [ip, port] : listeners) {
      accepted_by_.Add(ListenerSample(++cookie, ip, port, 128));
    }
    accepted_by_.End();
  }
  // Of a connection from a peer's port 5432; " (closed)" where its listener is.
  std::string Origin(const std::string& local_ip, uint16_t local_port,
                     const std::string& remote_ip = "10.0.0.7", bool port_is_shared = false) {
    const AcceptedBy::Origin origin =
        accepted_by_.OriginOf(*IpAddress::Parse(local_ip), local_port, *IpAddress::Parse(remote_ip),
                              5432, port_is_shared);
    return origin.text + (origin.listener_closed ? " (closed)" : "");
  }

  AcceptedBy accepted_by_;
};

TEST_F(AcceptedByTest, VeryAddressComesBeforeTheWildcard) {
  Show({{"0.0.0.0", 8080}, {"10.0.0.5", 8080}, {"::", 443}});
  EXPECT_EQ(Origin("10.0.0.5", 8080), "10.0.0.5:8080");
  EXPECT_EQ(Origin("10.0.0.6", 8080), "0.0.0.0:8080");
  EXPECT_EQ(Origin("2001:db8::1", 443, "2001:db8::2"), "[::]:443");
}

TEST_F(AcceptedByTest, DualStackListenerTakesIpv4Too) {
  Show({{"::", 443}});
  EXPECT_EQ(Origin("10.0.0.5", 443), "[::]:443");
}

TEST_F(AcceptedByTest, WhatNobodyListensOnIsAConnectionToAnUpstream) {
  Show({{"0.0.0.0", 8080}});
  EXPECT_EQ(Origin("10.0.0.5", 40'001), "upstream 10.0.0.7:5432");
  EXPECT_EQ(Origin("2001:db8::1", 40'001, "2001:db8::2"), "upstream [2001:db8::2]:5432");
}

TEST_F(AcceptedByTest, ListenerThatWasClosedIsRemembered) {
  Show({{"0.0.0.0", 8080}});
  Show({});
  EXPECT_EQ(Origin("10.0.0.5", 8080), "0.0.0.0:8080 (closed)");
  Show({{"0.0.0.0", 8080}});
  EXPECT_EQ(Origin("10.0.0.5", 8080), "0.0.0.0:8080");
}

TEST_F(AcceptedByTest, PortThatSeveralConnectionsShareHadAListener) {
  Show({});
  EXPECT_EQ(Origin("10.0.0.5", 8080, "10.0.0.7", /*port_is_shared=*/true), "*:8080 (closed)");
}

TEST_F(AcceptedByTest, DumpThatFailedChangesNothing) {
  EXPECT_FALSE(accepted_by_.known());
  Show({{"0.0.0.0", 8080}});
  EXPECT_TRUE(accepted_by_.known());
  accepted_by_.Begin();  // and no End
  EXPECT_EQ(Origin("10.0.0.5", 8080), "0.0.0.0:8080");
}

}  // namespace
}  // namespace tcpmedic
