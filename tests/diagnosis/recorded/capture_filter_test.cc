#include "diagnosis/recorded/capture_filter.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(FilterForSyns, IsRecognisedHoweverItIsWritten) {
  EXPECT_EQ(FilterForSyns("tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn"),
            "tcp[tcpflags] & tcp-syn != 0");
  for (const char* command : {
           "tcpdump -nn 'tcp[tcpflags] & (tcp-syn) != 0'",
           "tcpdump 'tcp[13] & 2 != 0'",
           "tcpdump 'tcp[13] == 2'",
           "tcpdump 'tcp[tcpflags] == tcp-syn'",
           "tcpdump 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'",
           "tcpdump 'port 443 and tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'",
       }) {
    EXPECT_TRUE(FilterForSyns(command).has_value()) << command;
  }
}

TEST(FilterForSyns, OthersShowTheEndOfAHandshake) {
  for (const char* command : {
           "tcpdump -i eth0 -nn port 443",
           "tcpdump 'tcp[tcpflags] & (tcp-syn|tcp-ack) != 0'",
           "tcpdump 'tcp[tcpflags] & tcp-rst != 0'",
           "grep 'tcp[tcpflags] & tcp-syn != 0' notes",
           "",
       }) {
    EXPECT_FALSE(FilterForSyns(command).has_value()) << command;
  }
}

}  // namespace
}  // namespace tcpmedic
