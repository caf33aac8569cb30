#include "controller/policy/run_case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/policy/policy_files.h"

namespace tcpmedic {
namespace {

class RunCaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto files = ReadPolicyFiles(TCPMEDIC_SOURCE_DIR "/policies");
    ASSERT_TRUE(files.ok()) << files.status();
    std::vector<Issue> issues;
    auto set = ParsePolicyFiles(*files, &issues);
    ASSERT_TRUE(set.has_value()) << Format(issues);
    policies_ = *std::move(set);
    auto cases = ParseCases(*files, &issues);
    ASSERT_TRUE(cases.has_value()) << Format(issues);
    cases_ = *std::move(cases);
    ASSERT_FALSE(cases_.empty());
  }

  Case Named(const std::string& name) const {
    const auto found =
        std::find_if(cases_.begin(), cases_.end(), [&](const Case& c) { return c.name == name; });
    EXPECT_NE(found, cases_.end()) << name;
    return *found;
  }

  // What a run differs by, without its first line's place.
  std::string Difference(const Case& test) const {
    const auto run = RunCase(policies_, test);
    EXPECT_TRUE(run.ok()) << run.status();
    const size_t place = run->difference.find(": ");
    return place == std::string::npos ? run->difference : run->difference.substr(place + 2);
  }

  PolicySet policies_;
  std::vector<Case> cases_;
};

TEST_F(RunCaseTest, ShippedCasesPass) {
  for (const Case& test : cases_) {
    const auto run = RunCase(policies_, test);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_TRUE(run->passed()) << run->difference;
  }
}

TEST_F(RunCaseTest, EveryLookAlikeOfEverySignatureHasACase) {
  for (const v1::Signature& signature : policies_.signatures.signatures()) {
    for (const v1::NamedExpression& look_alike : signature.unless()) {
      EXPECT_TRUE(std::any_of(cases_.begin(), cases_.end(),
                              [&](const Case& test) {
                                return test.signature == signature.name() &&
                                       test.expect.stopped_by == look_alike.name();
                              }))
          << signature.name() << ": no case is stopped by " << look_alike.name();
    }
  }
}

TEST_F(RunCaseTest, DifferenceBeginsWithThePlaceOfTheCase) {
  Case test = Named("no loss");
  test.expect.finding = "likely";
  const auto run = RunCase(policies_, test);
  ASSERT_TRUE(run.ok());
  EXPECT_FALSE(run->passed());
  EXPECT_EQ(run->difference.find(
                absl::StrCat("cases/pinned-cwnd.yaml:", test.line, ": pinned-cwnd: no loss\n")),
            0u)
      << run->difference;
}

TEST_F(RunCaseTest, FindingThatWasNotExpectedIsShown) {
  Case test = Named("random loss on a long path");
  test.expect = CaseResult();
  test.expect.finding = "none";
  EXPECT_EQ(Difference(test),
            "pinned-cwnd: random loss on a long path\n"
            "    finding\n"
            "      expected: none\n"
            "      found:    certain\n");
}

TEST_F(RunCaseTest, WhatKeptItSilentIsShown) {
  Case test = Named("the receiver's window holds it back");
  test.expect = CaseResult();
  test.expect.finding = "certain";
  EXPECT_EQ(Difference(test),
            "pinned-cwnd: the receiver's window holds it back\n"
            "    finding\n"
            "      expected: certain\n"
            "      found:    none\n"
            "    stopped_by\n"
            "      expected: nothing\n"
            "      found:    receiver-limited\n");
}

TEST_F(RunCaseTest, OtherDecisionIsShown) {
  Case test = Named("random loss on a long path");
  test.expect.policy = "none";
  test.expect.action = "note";
  EXPECT_EQ(Difference(test),
            "pinned-cwnd: random loss on a long path\n"
            "    policy\n"
            "      expected: none\n"
            "      found:    lossy-path-to-bbr\n"
            "    action\n"
            "      expected: note\n"
            "      found:    set_congestion_control bbr\n");
}

TEST_F(RunCaseTest, FindingThatComesTooLateIsShown) {
  Case test = Named("random loss on a long path");
  test.within = absl::Seconds(3);
  const auto run = RunCase(policies_, test);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(Difference(test), absl::StrCat("pinned-cwnd: random loss on a long path\n"
                                           "    within\n"
                                           "      expected: 3s\n"
                                           "      found:    ",
                                           absl::FormatDuration(run->found_after.value()), "\n"));
}

TEST_F(RunCaseTest, FindingThatCameAndWentIsNotSilence) {
  auto* signatures = policies_.signatures.mutable_signatures();
  const auto signature = std::find_if(signatures->begin(), signatures->end(),
                                      [](const auto& s) { return s.name() == "pinned-cwnd"; });
  ASSERT_NE(signature, signatures->end());
  signature->mutable_for_()->set_seconds(1);
  signature->clear_keep_firing_for();
  std::vector<PolicyFile> files = *ReadPolicyFiles(TCPMEDIC_SOURCE_DIR "/policies");
  std::erase_if(files,
                [](const PolicyFile& file) { return file.path != "cases/pinned-cwnd.yaml"; });
  ASSERT_EQ(files.size(), 1u);
  files[0].content +=
      "    - name: one lost segment, after 50 s\n"
      "      lasts: 60s\n"
      "      socket: {total_retrans: 0 +0.02/s}\n"
      "      expect: {finding: none}\n";
  std::vector<Issue> issues;
  const auto cases = ParseCases(files, &issues);
  ASSERT_TRUE(cases.has_value()) << Format(issues);
  EXPECT_EQ(Difference(cases->back()),
            "pinned-cwnd: one lost segment, after 50 s\n"
            "    finding\n"
            "      expected: none\n"
            "      found:    came after 51s and went again\n");
}

TEST_F(RunCaseTest, UnknownSignatureIsNotFound) {
  Case test = Named("no loss");
  test.signature = "pinned-cwdn";
  EXPECT_EQ(RunCase(policies_, test).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tcpmedic
