#include "cli/drill/close_wait_leak_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

CloseWaitLeakOptions LookingLike(const std::string& name) {
  CloseWaitLeakOptions options;
  EXPECT_TRUE(ApplyLookAlike(LeakLookAlikes(), name, options).ok());
  return options;
}

TEST(ExpectLeak, AnAlertOfItsSignature) {
  const Expectation expectation = Expect(CloseWaitLeakOptions{});
  EXPECT_EQ(expectation.outcome, Outcome::kAlerted);
  EXPECT_EQ(expectation.signature, "close-wait-leak");
  EXPECT_EQ(expectation.reason,
            "50 connections per second are closed by their clients, and never by the program");
}

TEST(ExpectLeak, ASlowLeakIsNotToldInTheDrillsTime) {
  CloseWaitLeakOptions options;
  options.clients.rate_per_s = 1;
  EXPECT_EQ(Expect(options).outcome, Outcome::kNotDetected);
  options.expect = Outcome::kAlerted;
  EXPECT_EQ(Expect(options).outcome, Outcome::kAlerted);
}

TEST(ExpectLeak, EachLookAlikeIsSilentAndValid) {
  std::set<std::string> names;
  for (const auto& look_alike : LeakLookAlikes()) {
    SCOPED_TRACE(look_alike.name);
    names.insert(look_alike.name);
    const CloseWaitLeakOptions options = LookingLike(look_alike.name);
    EXPECT_EQ(Expect(options).outcome, Outcome::kNotDetected);
    EXPECT_EQ(Expect(options).reason, look_alike.sentence);
    EXPECT_TRUE(Validate(options).ok()) << Validate(options);
    EXPECT_GE(options.watch, kLeakNeeds);
  }
  EXPECT_EQ(names,
            (std::set<std::string>{"half-close", "flat-pool", "burst", "shutdown", "memory"}));
}

TEST(ExpectLeak, APoolAndABurstKeepTheBugThatWasAskedFor) {
  for (const char* name : {"flat-pool", "burst"}) {
    CloseWaitLeakOptions options;
    options.server.bug = lab::LeakBug::kNeverRead;
    ASSERT_TRUE(ApplyLookAlike(LeakLookAlikes(), name, options).ok());
    EXPECT_EQ(options.server.bug, lab::LeakBug::kNeverRead);
  }
}

// Each would be a leak but for the one thing that it is about.
TEST(ExpectLeak, TheLookAlikesLastAsLongAsALeakNeeds) {
  const CloseWaitLeakOptions shutdown = LookingLike("shutdown");
  EXPECT_GE(shutdown.server.shutdown_after + shutdown.clients.duration, absl::Seconds(21));
  EXPECT_GE(shutdown.clients.rate_per_s * absl::ToDoubleSeconds(shutdown.clients.duration), 100);
  EXPECT_GE(shutdown.watch, shutdown.server.shutdown_after + shutdown.server.shutdown_takes);
  const CloseWaitLeakOptions half_close = LookingLike("half-close");
  EXPECT_GE(half_close.clients.duration, half_close.watch);
}

TEST(ValidateLeak, MistakesAreNamed) {
  CloseWaitLeakOptions options;
  options.clients.rate_per_s = 501;
  EXPECT_THAT(Validate(options).ToString(), HasSubstr("--rate 501: from 1/s to 500/s"));
  options = LookingLike("memory");
  options.server_command = "python3 leaky.py";
  EXPECT_THAT(Validate(options).ToString(), HasSubstr("--server and --look-alike"));
  EXPECT_THAT(ApplyLookAlike(LeakLookAlikes(), "pool", options).ToString(),
              HasSubstr("--look-alike pool: there is none of that name; there are half-close, "
                        "flat-pool, burst, shutdown, memory"));
}

}  // namespace
}  // namespace tcpmedic::cli
