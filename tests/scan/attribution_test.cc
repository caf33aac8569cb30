#include "scan/attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/scan/fake_proc.h"

namespace tcpmedic {
namespace {

// One finding per list of inodes, attributed; printed as "pid comm [fds]", one process each.
class AttributionTest : public ::testing::Test {
 protected:
  AttributionTest() : attribution_(OptionsFor(proc_)) {}

  static Attribution::Options OptionsFor(const FakeProc& proc) {
    Attribution::Options options;
    options.proc_root = proc.root();
    return options;
  }

  std::vector<v1::Finding> Attribute(const std::vector<std::vector<uint32_t>>& inodes,
                                     absl::Duration uptime) {
    std::vector<v1::Finding> findings(inodes.size());
    std::vector<Engine::FindingSockets> sockets;
    for (size_t i = 0; i < inodes.size(); ++i) {
      sockets.push_back({static_cast<int>(i), inodes[i]});
    }
    attribution_.Attribute(sockets, uptime, &findings);
    return findings;
  }

  std::string Holders(const std::vector<uint32_t>& inodes, absl::Duration uptime) {
    return Print(Attribute({inodes}, uptime).front());
  }

  static std::string Print(const v1::Finding& finding) {
    return absl::StrJoin(finding.processes(), "; ", [](std::string* out, const v1::Process& p) {
      absl::StrAppend(out, p.pid(), " ", p.comm(), " [", absl::StrJoin(p.fds(), ","), "]");
    });
  }

  FakeProc proc_;
  Attribution attribution_;
  const absl::Duration t0_ = absl::Hours(1);
};

TEST_F(AttributionTest, SocketSharedByForkIsAttributedToEveryHolder) {
  proc_.Start(10, "nginx");
  proc_.Start(11, "nginx");
  proc_.Start(12, "sshd");
  proc_.Hold(10, 7, 555);
  proc_.Hold(11, 7, 555);
  proc_.Hold(12, 3, 999);
  EXPECT_EQ(Holders({555}, t0_), "10 nginx [7]; 11 nginx [7]");
}

TEST_F(AttributionTest, ProcessIsDescribedAsProcShowsIt) {
  proc_.Start(10, "nginx", /*start_ticks=*/250, /*rss_kib=*/4096);
  proc_.Hold(10, 7, 555);
  const std::vector<v1::Finding> findings = Attribute({{555}}, t0_);
  ASSERT_EQ(findings[0].processes_size(), 1);
  const v1::Process& process = findings[0].processes(0);
  EXPECT_EQ(process.uid(), 33u);
  EXPECT_EQ(process.rss_bytes(), 4096 * 1024);
  EXPECT_FALSE(process.has_rss_growth_bytes_per_min());
  EXPECT_EQ(process.fd_count(), 1);
  EXPECT_EQ(process.fd_limit(), 1024);
  EXPECT_EQ(process.systemd_unit(), "nginx.service");
}

TEST_F(AttributionTest, HolderOfMostSocketsComesFirst) {
  proc_.Start(10, "light");
  proc_.Start(20, "heavy");
  proc_.Hold(10, 3, 1);
  proc_.Hold(10, 4, 1);  // two descriptors of one socket are one socket
  proc_.Hold(10, 5, 1);
  proc_.Hold(20, 9, 1);
  proc_.Hold(20, 8, 2);
  EXPECT_EQ(Holders({1, 2}, t0_), "20 heavy [8,9]; 10 light [3,4,5]");
}

TEST_F(AttributionTest, ProcessesAndDescriptorsAreBounded) {
  std::vector<uint32_t> inodes;
  for (uint32_t inode = 1; inode <= 30; ++inode) inodes.push_back(inode);
  for (int pid = 100; pid < 140; ++pid) {
    proc_.Start(pid, "worker");
    for (uint32_t inode : inodes) proc_.Hold(pid, static_cast<int>(inode) + 2, inode);
  }
  const std::vector<v1::Finding> findings = Attribute({inodes}, t0_);
  ASSERT_EQ(findings[0].processes_size(), 16);
  EXPECT_EQ(findings[0].processes(0).fds_size(), 16);
}

TEST_F(AttributionTest, EachFindingGetsItsOwnHolders) {
  proc_.Start(10, "a");
  proc_.Start(20, "b");
  proc_.Hold(10, 3, 1);
  proc_.Hold(20, 3, 2);
  const std::vector<v1::Finding> findings = Attribute({{1}, {2}}, t0_);
  EXPECT_EQ(Print(findings[0]), "10 a [3]");
  EXPECT_EQ(Print(findings[1]), "20 b [3]");
}

TEST_F(AttributionTest, NewSocketIsLookedUpAtOnceAndAKnownOneWhenItsEntryIsOld) {
  proc_.Start(10, "a");
  proc_.Hold(10, 3, 1);
  ASSERT_EQ(Holders({1}, t0_), "10 a [3]");
  proc_.Start(20, "b");
  proc_.Hold(20, 5, 1);
  EXPECT_EQ(Holders({1}, t0_ + absl::Seconds(9)), "10 a [3]");
  EXPECT_EQ(Holders({1}, t0_ + absl::Seconds(10)), "10 a [3]; 20 b [5]");
  proc_.Hold(20, 6, 2);
  EXPECT_EQ(Holders({1, 2}, t0_ + absl::Seconds(11)), "20 b [5,6]; 10 a [3]");
}

TEST_F(AttributionTest, SocketThatNoProcessHoldsHasNone) {
  proc_.Start(10, "a");
  EXPECT_EQ(Holders({0, 77}, t0_), "");
}

TEST_F(AttributionTest, PidUsedAgainIsNotTakenForTheHolder) {
  proc_.Start(10, "server", /*start_ticks=*/100);
  proc_.Hold(10, 3, 1);
  ASSERT_EQ(Holders({1}, t0_), "10 server [3]");
  proc_.End(10);
  proc_.Start(10, "stranger", /*start_ticks=*/900);
  EXPECT_EQ(Holders({1}, t0_ + absl::Seconds(1)), "");
}

TEST_F(AttributionTest, SocketOfAHolderThatEndedIsFoundWithItsHeir) {
  proc_.Start(10, "parent");
  proc_.Hold(10, 3, 1);
  ASSERT_EQ(Holders({1}, t0_), "10 parent [3]");
  proc_.End(10);
  proc_.Start(11, "child");
  proc_.Hold(11, 3, 1);
  EXPECT_EQ(Holders({1}, t0_ + absl::Seconds(1)), "11 child [3]");
}

TEST_F(AttributionTest, GrowthOfMemoryIsTakenOverSuccessiveReadings) {
  proc_.Start(10, "leaky", 100, /*rss_kib=*/1000);
  proc_.Hold(10, 3, 1);
  std::vector<v1::Finding> findings;
  for (int i = 0; i <= 6; ++i) {
    proc_.SetRss(10, 1000 + 100 * i);  // 100 KiB in 10 s
    findings = Attribute({{1}}, t0_ + i * absl::Seconds(10));
  }
  EXPECT_NEAR(findings[0].processes(0).rss_growth_bytes_per_min(), 600 * 1024, 1);
}

TEST_F(AttributionTest, DescriptorsGrowAsProcShowsThem) {
  proc_.Start(10, "leaky");
  std::vector<v1::Finding> findings;
  for (uint32_t i = 0; i <= 6; ++i) {
    proc_.Hold(10, static_cast<int>(i), i + 1);
    findings = Attribute({{1}}, t0_ + i * absl::Seconds(10));
  }
  const v1::Process& process = findings[0].processes(0);
  EXPECT_NEAR(process.fd_growth_per_min(), 6, 1e-6);
  EXPECT_EQ(process.growth_span().seconds(), 60);
}

TEST_F(AttributionTest, TheProcessThatAFindingIsAboutComesFirst) {
  proc_.Start(10, "parent");
  proc_.Start(20, "child");
  for (uint32_t inode = 1; inode <= 3; ++inode) proc_.Hold(10, static_cast<int>(inode), inode);
  proc_.Hold(20, 3, 3);
  std::vector<v1::Finding> findings(1);
  attribution_.Attribute({{0, {1, 2, 3}, /*pid=*/20}}, t0_, &findings);
  EXPECT_EQ(Print(findings[0]), "20 child [3]; 10 parent [1,2,3]");
}

TEST_F(AttributionTest, HoldersForAnOrderAreThoseOfThisMoment) {
  proc_.Start(10, "nginx");
  proc_.Start(11, "nginx");
  proc_.Hold(10, 4, 900);
  proc_.Hold(10, 5, 900);
  proc_.Hold(11, 4, 900);
  Holders({900}, absl::Seconds(100));  // cached for the findings
  proc_.Close(11, 4);
  proc_.Hold(11, 4, 901);
  const auto pids = attribution_.PidsHolding({900, 901, 902});
  EXPECT_EQ(pids.size(), 2u);
  EXPECT_THAT(pids.at(900), ::testing::ElementsAre(10));
  EXPECT_THAT(pids.at(901), ::testing::ElementsAre(11));
  EXPECT_TRUE(attribution_.PidsHolding({}).empty());
}

}  // namespace
}  // namespace tcpmedic
