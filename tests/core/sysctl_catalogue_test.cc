#include "core/sysctl_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

std::string WhyNot(absl::string_view name, absl::string_view value) {
  const absl::Status status = CheckSysctl(name, value);
  EXPECT_EQ(status.ok() ? absl::StatusCode::kInvalidArgument : status.code(),
            absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(SysctlCatalogue, EveryEntryHasANameOfItsOwnBoundsAndAReason) {
  std::set<std::string> names;
  for (const SysctlEntry& entry : SysctlCatalogue()) {
    EXPECT_TRUE(names.insert(std::string(entry.name)).second) << entry.name;
    EXPECT_LT(entry.min, entry.max) << entry.name;
    EXPECT_GT(entry.reason.size(), 20u) << entry.name;
    EXPECT_EQ(FindSysctl(entry.name), &entry);
  }
}

TEST(SysctlCatalogue, RefusesWhatIsNotOnTheListAndNamesTheNearest) {
  EXPECT_THAT(WhyNot("net.ipv4.tcp_syncookie", "1"),
              HasSubstr("did you mean net.ipv4.tcp_syncookies?"));
  EXPECT_THAT(WhyNot("kernel.panic", "1"), HasSubstr("kernel.panic is not on the list"));
  EXPECT_THAT(WhyNot("", "1"), HasSubstr("is not on the list"));
}

TEST(SysctlCatalogue, RefusesWhatIsOutOfBoundsOrNoInteger) {
  EXPECT_EQ(WhyNot("net.ipv4.tcp_syncookies", "1"), "");
  EXPECT_EQ(WhyNot("net.ipv4.tcp_syncookies", "2"), "");
  EXPECT_THAT(WhyNot("net.ipv4.tcp_syncookies", "3"),
              HasSubstr("out of bounds: an order may set 1 to 2"));
  EXPECT_THAT(WhyNot("net.ipv4.tcp_syncookies", "0"), HasSubstr("out of bounds"));
  EXPECT_THAT(WhyNot("net.core.somaxconn", "-1"), HasSubstr("out of bounds"));
  for (const char* const text : {"", "yes", "1.5", "1 2", "99999999999999999999"}) {
    EXPECT_THAT(WhyNot("net.ipv4.tcp_syncookies", text), HasSubstr("is no integer")) << text;
  }
}

TEST(SysctlCatalogue, CookiesAreNeverSetLowerThanFound) {
  const SysctlEntry& cookies = *FindSysctl("net.ipv4.tcp_syncookies");
  EXPECT_TRUE(CheckSysctlAgainst(cookies, 1, 0).ok());
  EXPECT_TRUE(CheckSysctlAgainst(cookies, 1, 1).ok());
  const absl::Status lower = CheckSysctlAgainst(cookies, 1, 2);
  EXPECT_EQ(lower.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(lower.message()),
            "net.ipv4.tcp_syncookies is 2 now, and no order sets it lower (1 was asked for)");
  EXPECT_TRUE(CheckSysctlAgainst(*FindSysctl("net.ipv4.tcp_synack_retries"), 3, 5).ok());
}

TEST(SysctlCatalogue, APathIsTheNameUnderProcSys) {
  EXPECT_EQ(SysctlPath("net.ipv4.tcp_syncookies"), "net/ipv4/tcp_syncookies");
}

}  // namespace
}  // namespace tcpmedic
