#include "observe/port_names.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(PortOfName, KnowsWhatSsAndTcpdumpPrint) {
  EXPECT_EQ(PortOfName("https"), 443);
  EXPECT_EQ(PortOfName("ssh"), 22);
  EXPECT_EQ(PortOfName("postgresql"), 5432);
  EXPECT_EQ(PortOfName("redis"), 6379);
  EXPECT_EQ(PortOfName("http-alt"), 8080);
  EXPECT_EQ(PortOfName("XmlIpcRegSvc"), 9092);
}

// The first and the last of the table: it must be in the order that the search takes for granted.
TEST(PortOfName, FindsTheEndsOfItsTable) {
  EXPECT_EQ(PortOfName("X11"), std::nullopt);
  EXPECT_EQ(PortOfName("x11"), 6000);
  EXPECT_EQ(PortOfName("acr-nema"), 104);
  EXPECT_EQ(PortOfName("zope"), 9673);
}

TEST(PortOfName, WhatItDoesNotKnowIsNoPort) {
  EXPECT_EQ(PortOfName("my-service"), std::nullopt);
  EXPECT_EQ(PortOfName("443"), std::nullopt);
  EXPECT_EQ(PortOfName(""), std::nullopt);
}

}  // namespace
}  // namespace tcpmedic
