#include "core/ip_address.h"

#include <gtest/gtest.h>

#include <string>

namespace tcpmedic {
namespace {

TEST(IpAddress, PrintsIpv6AsRfc5952Asks) {
  const struct {
    const char* given;
    const char* printed;
  } kCases[] = {
      {"203.0.113.20", "203.0.113.20"},
      {"0.0.0.0", "0.0.0.0"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0db8::0001", "2001:db8::1"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
  };
  for (const auto& c : kCases) {
    const auto ip = IpAddress::Parse(c.given);
    ASSERT_TRUE(ip.has_value()) << c.given;
    EXPECT_EQ(ip->ToString(), c.printed);
  }
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4:80",
        "fe80::1%eth0", "[::1]", ":::", "1::2::3", "12345::", "0x7f.0.0.1",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << "'" << text << "'";
  }
  EXPECT_FALSE(IpAddress::Parse(absl::string_view("1.2.3.4\0x", 9)).has_value());
}

TEST(IpAddress, UnmappedTurnsOnlyV4MappedAddressesIntoIpv4) {
  EXPECT_EQ(IpAddress::Parse("::ffff:10.1.2.3")->Unmapped(), *IpAddress::Parse("10.1.2.3"));
  for (const char* text : {"10.1.2.3", "::10.1.2.3", "2001:db8::ffff:10.1.2.3", "::"}) {
    EXPECT_EQ(IpAddress::Parse(text)->Unmapped(), *IpAddress::Parse(text)) << text;
  }
}

TEST(IpAddress, FamiliesNeverCompareEqual) {
  EXPECT_NE(*IpAddress::Parse("0.0.0.0"), *IpAddress::Parse("::"));
}

TEST(IpPrefix, ContainsExactlyItsAddresses) {
  const struct {
    const char* prefix;
    const char* ip;
    bool contains;
  } kCases[] = {
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.1.2.128/25", "10.1.2.128", true},
      {"10.1.2.128/25", "10.1.2.127", false},
      {"10.1.2.3/24", "10.1.2.200", true},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::", false},
      {"192.0.2.1/32", "192.0.2.1", true},
      {"192.0.2.1/32", "192.0.2.0", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::/0", "1.2.3.4", false},
      {"::1/128", "::1", true},
  };
  for (const auto& c : kCases) {
    const auto prefix = IpPrefix::Parse(c.prefix);
    ASSERT_TRUE(prefix.has_value()) << c.prefix;
    EXPECT_EQ(prefix->Contains(*IpAddress::Parse(c.ip)), c.contains) << c.prefix << " " << c.ip;
  }
}

TEST(IpPrefix, RefusesWhatIsNotAPrefix) {
  for (const char* text :
       {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/ 8", "10.0.0.0/08", "10.0.0.0/8/8", "/8", "/", "10.0.0.0/99999999999"}) {
    EXPECT_FALSE(IpPrefix::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tcpmedic
