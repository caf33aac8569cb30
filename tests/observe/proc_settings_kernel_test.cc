// What an open file under /proc/sys/net is worth once its namespace has ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "observe/in_namespace.h"
#include "observe/proc_settings.h"
#include "tests/observe/nsenter.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ProcSettingsOnTheKernel, OpenSettingsHoldNoNamespaceAndOutliveNoneOfItsValues) {
  const NamespaceProcess witness([] { return true; });
  NamespaceProcess victim([&] {
    return std::system(
               absl::StrCat("ip link add here type veth peer name there netns ", witness.pid())
                   .c_str()) == 0;
  });
  ProcSettings settings;
  ASSERT_TRUE(InNamespace(victim.OpenNetns().get(), [&] {
                settings = ProcSettings::Open(*ProcDirectory::Open("/proc"));
              }).ok());
  CounterSample alive;
  settings.ReadInto(&alive);
  ASSERT_THAT(alive.values(), SizeIs(3));

  // The peer goes when the namespace does, which the kernel takes apart in the background.
  const auto peer_is_there = [&] {
    return absl::StrContains(Nsenter(witness, "cat /proc/net/dev"), "there:");
  };
  ASSERT_TRUE(peer_is_there());
  victim.Kill();
  const absl::Time deadline = absl::Now() + absl::Seconds(5);
  while (peer_is_there() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  ASSERT_FALSE(peer_is_there()) << "held alive";

  // Its settings go after its devices.
  CounterSample dead;
  do {
    dead.Clear();
    settings.ReadInto(&dead);
    absl::SleepFor(absl::Milliseconds(1));
  } while (dead.size() > 0 && absl::Now() < deadline);
  EXPECT_THAT(dead.values(), IsEmpty());
  EXPECT_EQ(dead.malformed(), 0);
}

}  // namespace
}  // namespace tcpmedic
