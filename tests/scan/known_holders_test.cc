#include "scan/known_holders.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "tests/scan/fake_proc.h"

namespace tcpmedic {
namespace {

class KnownHoldersTest : public ::testing::Test {
 protected:
  // "1: 10/3 11/3; 2: nobody": by inode, "pid/fd" of each holder; inodes that were not looked for
  // are left out.
  std::string Ask(const std::vector<uint32_t>& inodes, int seconds) {
    const HoldersByInode holders = known_.HoldersOf(inodes, absl::Seconds(1'000 + seconds));
    std::map<uint32_t, std::string> sorted;
    for (const auto& [inode, of_socket] : holders) {
      std::map<int, int> by_pid;
      for (const SocketHolder& holder : of_socket) by_pid[holder.process.pid] = holder.fd;
      std::string& text = sorted[inode];
      for (const auto& [pid, fd] : by_pid) absl::StrAppend(&text, " ", pid, "/", fd);
      if (by_pid.empty()) text = " nobody";
    }
    std::string text;
    for (const auto& [inode, list] : sorted) {
      absl::StrAppend(&text, text.empty() ? "" : "; ", inode, ":", list);
    }
    return text;
  }
  void HoldMany(int pid, int count) {
    for (int i = 0; i < count; ++i) proc_.Hold(pid, 1'000 + i, static_cast<uint32_t>(90'000 + i));
  }

  FakeProc proc_;
  Processes processes_{proc_.root()};
  KnownHolders known_{&processes_};
};

TEST_F(KnownHoldersTest, EveryHolderIsFoundAndSoIsThatThereIsNone) {
  proc_.Start(10, "parent");
  proc_.Start(11, "child");
  proc_.Hold(10, 3, 1);
  proc_.Hold(11, 4, 1);
  EXPECT_EQ(Ask({1, 2}, 0), "1: 10/3 11/4; 2: nobody");
}

TEST_F(KnownHoldersTest, NewSocketsOfKnownHoldersNeedNoPassOverAll) {
  proc_.Start(10, "leaky");
  proc_.Start(11, "other");
  HoldMany(11, 500);
  proc_.Hold(10, 3, 1);
  Ask({1}, 0);
  EXPECT_EQ(known_.full_passes(), 1);
  for (uint32_t inode = 2; inode < 20; ++inode) {
    proc_.Hold(10, static_cast<int>(inode) + 2, inode);
    EXPECT_EQ(Ask({inode}, 0), absl::StrCat(inode, ": 10/", inode + 2));
  }
  EXPECT_EQ(known_.full_passes(), 1);
}

TEST_F(KnownHoldersTest, DescriptorThatIsAnotherSocketByNowIsFoundWithoutAPassOverAll) {
  proc_.Start(10, "leaky");
  proc_.Hold(10, 3, 1);
  Ask({1}, 0);
  proc_.Close(10, 3);
  proc_.Hold(10, 3, 2);
  EXPECT_EQ(Ask({2}, 0), "2: 10/3");
  EXPECT_EQ(known_.full_passes(), 1);
}

TEST_F(KnownHoldersTest, NextPassOverAllWaitsForWhatTheLastHasCost) {
  proc_.Start(10, "server");
  HoldMany(10, 10'000);  // 4 s at 400 us a link
  EXPECT_EQ(Ask({7}, 0), "7: nobody");
  proc_.Start(11, "late");
  proc_.Hold(11, 3, 8);
  EXPECT_EQ(Ask({8}, 3), "");  // not looked for
  EXPECT_EQ(Ask({8}, 4), "8: 11/3");
  EXPECT_EQ(known_.full_passes(), 2);
}

TEST_F(KnownHoldersTest, AnotherProcessUnderTheSamePidIsAnotherHolder) {
  proc_.Start(10, "leaky", /*start_ticks=*/100);
  proc_.Hold(10, 3, 1);
  EXPECT_EQ(known_.HoldersOf({1}, absl::Seconds(0)).at(1).at(0).process.start_ticks, 100u);
  proc_.End(10);
  proc_.Start(10, "leaky", /*start_ticks=*/900);
  proc_.Hold(10, 3, 2);
  EXPECT_EQ(known_.HoldersOf({2}, absl::Minutes(5)).at(2).at(0).process.start_ticks, 900u);
}

}  // namespace
}  // namespace tcpmedic
