#include "cli/drill/lossy_path_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

TEST(Expect, TheDefaultPathShouldBeProposed) {
  const Expectation expectation = Expect(LossyPathOptions{});
  EXPECT_EQ(expectation.outcome, Outcome::kProposed);
  // 1.22 / √0.01 × 1448 × 8 ÷ 0.148 s = 0.955 Mbit/s.
  EXPECT_EQ(expectation.reason, "loss of 1 % at 148ms lets CUBIC deliver about 0.95 Mbit/s of 100");
}

TEST(Expect, WhatLossDoesNotLimitShouldStaySilent) {
  struct Case {
    const char* name;
    void (*change)(LossyPathOptions&);
    const char* because;
  };
  for (const Case& c : {
           Case{"no loss", [](LossyPathOptions& o) { o.path.loss_ratio = 0; }, "no loss"},
           Case{"outage", [](LossyPathOptions& o) { o.path.loss_ratio = 0.3; }, "outage"},
           Case{"short", [](LossyPathOptions& o) { o.path.rtt = absl::Milliseconds(20); }, "short"},
           Case{"bbr", [](LossyPathOptions& o) { o.transfer.congestion_control = "bbr"; }, "bbr"},
           Case{"narrow", [](LossyPathOptions& o) { o.path.rate_bps = 500'000; }, "narrow"},
       }) {
    SCOPED_TRACE(c.name);
    LossyPathOptions options;
    c.change(options);
    EXPECT_EQ(Expect(options).outcome, Outcome::kNotDetected);
    EXPECT_THAT(Expect(options).reason, HasSubstr(c.because));
  }
}

TEST(Expect, TheUserHasTheLastWord) {
  LossyPathOptions options;
  options.expect = Outcome::kNoted;
  EXPECT_EQ(Expect(options).outcome, Outcome::kNoted);
}

TEST(LookAlikes, EachAppliesValidatesAndShouldStaySilent) {
  std::set<std::string> names;
  for (const auto& look_alike : LookAlikes()) {
    SCOPED_TRACE(look_alike.name);
    EXPECT_TRUE(names.insert(look_alike.name).second);
    LossyPathOptions options;
    ASSERT_TRUE(ApplyLookAlike(LookAlikes(), look_alike.name, options).ok());
    EXPECT_TRUE(Validate(options).ok()) << Validate(options);
    EXPECT_EQ(Expect(options).outcome, Outcome::kNotDetected);
    EXPECT_EQ(Expect(options).reason, look_alike.sentence);
  }
}

TEST(LookAlikes, AnUnknownNameListsTheKnownOnes) {
  LossyPathOptions options;
  const absl::Status status = ApplyLookAlike(LookAlikes(), "ghost", options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("receiver-limited, send-buffer-limited"));
}

TEST(Validate, ServerAndClientGoTogether) {
  LossyPathOptions options;
  options.server_command = "iperf3 -s";
  EXPECT_THAT(std::string(Validate(options).message()), HasSubstr("--client"));
}

TEST(Outcomes, NamesAreReadBack) {
  for (const Outcome outcome : {Outcome::kNotDetected, Outcome::kNoted, Outcome::kProposed}) {
    EXPECT_EQ(ParseOutcome(Name(outcome)), outcome);
  }
  EXPECT_EQ(ParseOutcome("miracle"), std::nullopt);
}

}  // namespace
}  // namespace tcpmedic::cli
