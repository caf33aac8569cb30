#include "cli/drill/syn_flood_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

SynFloodOptions With(void (*change)(SynFloodOptions&)) {
  SynFloodOptions options;
  change(options);
  return options;
}

TEST(SynQueueLimit, WithoutCookiesThreeQuartersOfMaxSynBacklogBoundIt) {
  EXPECT_EQ(SynQueueLimit(With([](auto& o) { o.backlog = 128; })), 128);
  EXPECT_EQ(SynQueueLimit(With([](auto& o) { o.backlog = 4096; })), 1536);
  EXPECT_EQ(SynQueueLimit(With([](auto& o) {
              o.backlog = 4096;
              o.cookies = true;
            })),
            4096);
}

TEST(FillTime, IsInfiniteWhereHalfOpenConnectionsEndSooner) {
  EXPECT_EQ(FillTime(SynFloodOptions{}), absl::Milliseconds(64));
  EXPECT_EQ(FillTime(With([](auto& o) { o.rate_pps = 2; })), absl::InfiniteDuration());
}

TEST(ExpectFlood, WithoutCookiesAProposalOfItsOwnSignature) {
  SynFloodOptions options;
  Expectation expectation = Expect(options);
  EXPECT_EQ(expectation.outcome, Outcome::kProposed);
  EXPECT_EQ(expectation.signature, "syn-flood-unprotected");
  EXPECT_EQ(expectation.reason,
            "2000 SYNs per second fill a queue of 128, and without cookies that locks users out");
  options.answer = Answer::kApprove;
  EXPECT_EQ(Expect(options).outcome, Outcome::kVerified);
}

TEST(ExpectFlood, WithCookiesANoteWhateverTheAnswer) {
  SynFloodOptions options = With([](auto& o) { o.cookies = true; });
  for (const Answer answer : {Answer::kNobody, Answer::kApprove}) {
    options.answer = answer;
    EXPECT_EQ(Expect(options).outcome, Outcome::kNoted);
    EXPECT_EQ(Expect(options).signature, "syn-flood-absorbed");
  }
}

TEST(ExpectFlood, WhatDoesNotFillTheQueueShouldStaySilent) {
  struct Case {
    const char* name;
    void (*change)(SynFloodOptions&);
  };
  for (const Case& c : {
           Case{"ends sooner", [](SynFloodOptions& o) { o.rate_pps = 1; }},
           Case{"too slow", [](SynFloodOptions& o) { o.rate_pps = 10; }},
           Case{"large queue",
                [](SynFloodOptions& o) {
                  o.backlog = 65'535;
                  o.max_syn_backlog = 1'000'000;
                }},
           Case{"few cookies",
                [](SynFloodOptions& o) {
                  o.cookies = true;
                  o.rate_pps = 14;
                  o.legit_per_s = 5;
                }},
       }) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Expect(With(c.change)).outcome, Outcome::kNotDetected);
    EXPECT_EQ(Expect(With(c.change)).signature, "");
  }
}

TEST(ExpectFlood, WhereMostCookiesComeBackItIsNoFlood) {
  const Expectation expectation = Expect(With([](auto& o) {
    o.cookies = true;
    o.rate_pps = 100;
    o.legit_per_s = 200;
  }));
  EXPECT_EQ(expectation.outcome, Outcome::kNoted);
  EXPECT_EQ(expectation.signature, "syn-backlog-too-small");
}

TEST(ExpectFlood, TheUserHasTheLastWordAboutTheOutcomeAndThenAnySignatureWillDo) {
  const Expectation expectation = Expect(With([](auto& o) { o.expect = Outcome::kNoted; }));
  EXPECT_EQ(expectation.outcome, Outcome::kNoted);
  EXPECT_EQ(expectation.signature, "");
}

TEST(SynLookAlikes, EachAppliesValidatesAndAsksForNoRemedy) {
  std::set<std::string> names;
  for (const auto& look_alike : SynLookAlikes()) {
    SCOPED_TRACE(look_alike.name);
    EXPECT_TRUE(names.insert(look_alike.name).second);
    SynFloodOptions options;
    ASSERT_TRUE(ApplyLookAlike(SynLookAlikes(), look_alike.name, options).ok());
    EXPECT_TRUE(Validate(options).ok()) << Validate(options);
    EXPECT_NE(options.fault, SynFault::kFlood);
    EXPECT_EQ(Expect(options).outcome,
              look_alike.signature.empty() ? Outcome::kNotDetected : Outcome::kNoted);
    EXPECT_EQ(Expect(options).signature, look_alike.signature);
  }
}

TEST(SynLookAlikes, AnUnknownNameListsTheKnownOnes) {
  SynFloodOptions options;
  const absl::Status status = ApplyLookAlike(SynLookAlikes(), "ghost", options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("burst, port-scan, busy-accept"));
}

TEST(ValidateFlood, NamesTheFlagThatIsOutOfBounds) {
  struct Case {
    const char* flag;
    void (*change)(SynFloodOptions&);
  };
  for (const Case& c : {
           Case{"--rate", [](SynFloodOptions& o) { o.rate_pps = 100'001; }},
           Case{"--rate", [](SynFloodOptions& o) { o.rate_pps = 0; }},
           Case{"--legit", [](SynFloodOptions& o) { o.legit_per_s = 0; }},
           Case{"--legit", [](SynFloodOptions& o) { o.legit_per_s = 5000; }},
           Case{"--backlog", [](SynFloodOptions& o) { o.backlog = 0; }},
           Case{"--max-syn-backlog", [](SynFloodOptions& o) { o.max_syn_backlog = -1; }},
           Case{"--rtt", [](SynFloodOptions& o) { o.rtt = absl::Seconds(2); }},
       }) {
    EXPECT_THAT(std::string(Validate(With(c.change)).message()), HasSubstr(c.flag));
  }
  EXPECT_TRUE(Validate(SynFloodOptions{}).ok());
}

}  // namespace
}  // namespace tcpmedic::cli
