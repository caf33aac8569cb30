// Settings over files that the test writes: what a kernel would not show.
#include "observe/proc_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "observe/proc_counters.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class WrittenSettings : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / absl::StrCat("proc_settings_test.", getpid());
    fs::remove_all(root_);
    fs::create_directories(root_ / "812" / "net");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  ProcSettings Open() const { return ProcSettings::Open(*ProcDirectory::Open(root_.string())); }

  fs::path root_;
};

TEST_F(WrittenSettings, TheSettingsOfASynQueueAreReadUnderTheirDottedNames) {
  Write("sys/net/ipv4/tcp_syncookies", "1\n");
  Write("sys/net/ipv4/tcp_max_syn_backlog", "2048\n");
  Write("sys/net/core/somaxconn", "4096\n");
  Write("sys/net/core/rmem_max", "212992\n");
  CounterSample sample;
  Open().ReadInto(&sample);
  EXPECT_THAT(sample.values(), UnorderedElementsAre(Pair("net.ipv4.tcp_syncookies", 1),
                                                    Pair("net.ipv4.tcp_max_syn_backlog", 2048),
                                                    Pair("net.core.somaxconn", 4096)));
  EXPECT_EQ(sample.malformed(), 0);
}

TEST_F(WrittenSettings, AKernelWithoutSyncookiesHasNoSuchSettingRatherThanZero) {
  Write("sys/net/core/somaxconn", "4096\n");
  CounterSample sample;
  Open().ReadInto(&sample);
  EXPECT_THAT(sample.values(), UnorderedElementsAre(Pair("net.core.somaxconn", 4096)));
}

TEST_F(WrittenSettings, WhatIsNoIntegerIsMalformedNotMisread) {
  Write("sys/net/ipv4/tcp_syncookies", "1 2\n");
  Write("sys/net/ipv4/tcp_max_syn_backlog", "");
  Write("sys/net/core/somaxconn", "99999999999999999999\n");
  CounterSample sample;
  Open().ReadInto(&sample);
  EXPECT_THAT(sample.values(), IsEmpty());
  EXPECT_EQ(sample.malformed(), 3);
}

TEST_F(WrittenSettings, ASettingThatCanNoLongerBeReadLeavesNoOldValueInAReadingOfCounters) {
  Write("812/net/sockstat", "TCP: inuse 5\n");
  Write("sys/net/ipv4/tcp_syncookies", "1\n");
  auto counters = ProcCounters::Open(*ProcDirectory::Open((root_ / "812").string()));
  ASSERT_TRUE(counters.ok()) << counters.status();
  (*counters)->Add(Open());
  CounterSample sample;
  ASSERT_TRUE((*counters)->Read(&sample).ok());
  ASSERT_EQ(sample.Get("net.ipv4.tcp_syncookies"), 1);

  Write("sys/net/ipv4/tcp_syncookies", "unreadable\n");
  ASSERT_TRUE((*counters)->Read(&sample).ok());
  EXPECT_THAT(sample.values(), UnorderedElementsAre(Pair("SockstatTcpInuse", 5)));
  EXPECT_EQ(sample.malformed(), 1);
}

}  // namespace
}  // namespace tcpmedic
