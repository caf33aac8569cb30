#include "controller/incident/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tcpmedic {
namespace {

TEST(RandomId, IsShortTypableAndDifferentEachTime) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = RandomId("i-");
    EXPECT_EQ(id.size(), 10u);
    EXPECT_EQ(IncidentIdPrefix(id), id);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 10'000u);
}

TEST(IncidentIdPrefix, TakesWhatPeopleType) {
  EXPECT_EQ(IncidentIdPrefix("i-7k2"), "i-7k2");
  EXPECT_EQ(IncidentIdPrefix("7K2"), "i-7k2");
  EXPECT_EQ(IncidentIdPrefix(" I-7k2\n"), "i-7k2");
  for (const char* wrong : {"", "i-", "p-7k2", "7k2%", "i-123456789", "l0"}) {
    EXPECT_EQ(IncidentIdPrefix(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace tcpmedic
